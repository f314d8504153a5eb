//! Whether the monitor looks where it should.

use std::collections::BTreeSet;

use etcd_monitor_model::{AlertType, Evidence, Finding, FindingKey, Severity, UnknownClass, rule};
use jiff::Timestamp;

use super::{Context, Verdict, evidence};
use crate::assess::coverage::lasting;

/// Rules named in the sentence; the coverage has them all.
const NAMED_MAX: usize = 5;

/// A rule that has been blind for long enough.
struct Blind<'a> {
    finding: &'a Finding,
    class: UnknownClass,
    since: Timestamp,
}

/// Rules that cannot be evaluated for a reason that stays until somebody acts, for longer than a passing trouble lasts.
pub(super) fn blind_spot(context: &Context<'_>, findings: &[Finding]) -> Finding {
    let wait = context.parameters.coverage.blind_spot_seconds;
    let blind: Vec<Blind<'_>> = findings
        .iter()
        .filter_map(|finding| blind(context, finding))
        .filter(|blind| context.now().duration_since(blind.since).as_secs_f64() >= wait)
        .collect();
    let verdict = Verdict::when(!blind.is_empty(), || describe(&blind));
    context.cluster_finding(
        rule::MONITORING_BLIND_SPOT,
        AlertType::Configuration,
        Severity::Info,
        verdict,
    )
}

fn blind<'a>(context: &Context<'_>, finding: &'a Finding) -> Option<Blind<'a>> {
    let class = lasting(finding)?;
    let since = context.state.coverage.blind_since(&finding.key())?;
    Some(Blind {
        finding,
        class,
        since,
    })
}

fn describe(blind: &[Blind<'_>]) -> (String, Vec<Evidence>, String) {
    let rules: BTreeSet<&str> = blind
        .iter()
        .map(|blind| blind.finding.rule.as_str())
        .collect();
    let classes: BTreeSet<UnknownClass> = blind.iter().map(|blind| blind.class).collect();
    let named: Vec<&str> = rules.iter().copied().take(NAMED_MAX).collect();
    let more = match rules.len().saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let cause = format!(
        "{} rules cannot be evaluated ({}): {}{more}",
        rules.len(),
        in_words(&classes),
        named.join(", ")
    );
    let seen = blind.iter().take(NAMED_MAX).map(|blind| {
        let source = format!("{} {}", blind.finding.rule, blind.finding.subject.name);
        evidence(source, blind.class.as_str(), blind.since)
    });
    (cause, seen.collect(), action(&classes))
}

fn in_words(classes: &BTreeSet<UnknownClass>) -> String {
    let words = classes.iter().map(|class| match class {
        UnknownClass::Tls => "TLS fails",
        _ => "permission denied",
    });
    words.collect::<Vec<&str>>().join(", ")
}

fn action(classes: &BTreeSet<UnknownClass>) -> String {
    let mut actions = Vec::new();
    if classes.contains(&UnknownClass::PermissionDenied) {
        actions.push(
            "Give the monitor's user what it needs: etcd before 3.5.31, 3.6.12 and 3.7 asks the root role for Status and alarms (`etcdctl user grant-role USER root`), later ones any user",
        );
    }
    if classes.contains(&UnknownClass::Tls) {
        actions.push(
            "Correct --cacert, --cert and --key of the monitor, or the certificate of the member",
        );
    }
    actions.join("; ")
}

/// A failing handshake, or a refused user, explains the blindness that follows from it alone.
pub(super) fn explain(findings: &mut [Finding]) {
    let root = |names: &str| -> Option<FindingKey> {
        let mut roots = findings.iter();
        roots
            .find(|finding| finding.rule == names && finding.is_root())
            .map(Finding::key)
    };
    let blinded: BTreeSet<UnknownClass> = findings.iter().filter_map(lasting).collect();
    let cause = match blinded.into_iter().collect::<Vec<_>>().as_slice() {
        [UnknownClass::Tls] => root(rule::TLS_FAILED),
        [UnknownClass::PermissionDenied] => root(rule::AUTHENTICATION_FAILED),
        _ => None,
    };
    let blind = findings
        .iter_mut()
        .find(|finding| finding.rule == rule::MONITORING_BLIND_SPOT && finding.is_root());
    if let Some((blind, cause)) = blind.zip(cause) {
        blind.caused_by = Some(cause);
    }
}
