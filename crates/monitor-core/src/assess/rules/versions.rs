//! Versions with known defects, versions that differ, and corruption checks that are off.

mod behind;
mod report;

use std::collections::BTreeMap;

use etcd_monitor_model::{
    AlertType, Evidence, Finding, MemberSnapshot, MetricsPage, Severity, UnknownClass, rule,
};

use super::{Context, Verdict, evidence};
use crate::assess::versions::{Defect, Version};
pub(super) use behind::cluster_version_behind;
pub(in crate::assess) use report::versions;

/// Defects named in a cause; the evidence has all.
const NAMED_MAX: usize = 3;

/// The feature gates by which etcd checks its data itself (3.6 and later).
const CHECKS: [&str; 2] = ["InitialCorruptCheck", "CompactHashCheck"];

/// A member's version has known defects.
pub(super) fn known_bad(context: &Context<'_>, member: &MemberSnapshot) -> Option<Finding> {
    member.id?;
    let text = member.version.as_deref();
    let (severity, verdict) = match (text, text.and_then(Version::parse)) {
        (None, _) => (
            Severity::Info,
            Verdict::unknown("the member has not said its version"),
        ),
        (Some(_), None) => (
            Severity::Info,
            Verdict::unknown_because(
                UnknownClass::BadAnswer,
                "what the member says is no version",
            ),
        ),
        (Some(_), Some(version)) => judge(context, member, &version),
    };
    Some(context.member_finding(
        rule::KNOWN_BAD_VERSION,
        AlertType::Configuration,
        severity,
        member,
        verdict,
    ))
}

fn judge(context: &Context<'_>, member: &MemberSnapshot, version: &Version) -> (Severity, Verdict) {
    let defects = defects_of(context, version);
    let severity = if defects.iter().any(|defect| defect.endangers_data()) {
        Severity::Warning
    } else {
        Severity::Info
    };
    let verdict = Verdict::when(!defects.is_empty(), || {
        let upgrade = context.parameters.known_versions.upgrade_of(version);
        describe(context, member, version, &defects, upgrade.as_ref())
    });
    (severity, verdict)
}

/// The known defects of a version; what endangers data comes first.
fn defects_of<'a>(context: &Context<'a>, version: &Version) -> Vec<&'a Defect> {
    let mut defects = context.parameters.known_versions.defects_of(version);
    defects.sort_by_key(|defect| !defect.endangers_data());
    defects
}

fn describe(
    context: &Context<'_>,
    member: &MemberSnapshot,
    version: &Version,
    defects: &[&Defect],
    upgrade: Option<&Version>,
) -> (String, Vec<Evidence>, String) {
    let named: Vec<String> = defects
        .iter()
        .take(NAMED_MAX)
        .map(|defect| format!("{} ({})", defect.problem, defect.id))
        .collect();
    let more = match defects.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let cause = format!(
        "{} runs etcd {version}, which has known defects: {}{more}",
        member.name,
        named.join("; ")
    );
    let mut seen = vec![evidence(
        "Status version",
        version.to_string(),
        context.now(),
    )];
    seen.extend(
        defects
            .iter()
            .map(|defect| evidence(&defect.id, &defect.problem, context.now())),
    );
    let action = upgrade.map_or_else(
        || "Upgrade to a later release".to_owned(),
        |safe| {
            format!("Upgrade one member after the other to etcd {safe} or later on this minor line")
        },
    );
    (cause, seen, action)
}

/// Members run different versions: normal during an upgrade, not for days.
pub(super) fn mixed(context: &Context<'_>) -> Finding {
    let mut by_version: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let known = context.snapshot.members.iter();
    let mut missing = None;
    for member in known.filter(|member| member.id.is_some()) {
        match &member.version {
            Some(version) => by_version.entry(version).or_default().push(&member.name),
            None => missing = Some(&member.name),
        }
    }
    let age = context
        .state
        .versions
        .mixed_since
        .map(|since| context.now().duration_since(since).as_secs_f64().max(0.0));
    let limit = context.parameters.versions.mixed_warning_seconds;
    let severity = if age.is_some_and(|age| age > limit) {
        Severity::Warning
    } else {
        Severity::Info
    };
    let verdict = match missing {
        _ if by_version.len() > 1 => {
            Verdict::when(true, || describe_mixed(context, &by_version, age))
        }
        Some(name) => Verdict::unknown(format!("{name} has not said its version")),
        None if by_version.is_empty() => Verdict::unknown("no member has said its version"),
        None => Verdict::False,
    };
    context.cluster_finding(
        rule::MIXED_VERSIONS,
        AlertType::Configuration,
        severity,
        verdict,
    )
}

fn describe_mixed(
    context: &Context<'_>,
    by_version: &BTreeMap<&str, Vec<&str>>,
    age: Option<f64>,
) -> (String, Vec<Evidence>, String) {
    let who: Vec<String> = by_version
        .iter()
        .map(|(version, names)| format!("{version} on {}", names.join(", ")))
        .collect();
    let since = age.map_or_else(String::new, |age| {
        format!(", for {:.1} hours", age / 3_600.0)
    });
    let cause = format!("Members run different versions{since}: {}", who.join("; "));
    let seen = by_version
        .iter()
        .map(|(version, names)| evidence(names.join(", "), *version, context.now()))
        .collect();
    let action = "Finish the upgrade: one member after the other, until `etcdctl endpoint status --cluster -w table` shows one version";
    (cause, seen, action.to_owned())
}

/// etcd compares the members' data itself only where it is told to.
pub(super) fn corruption_checks_off(context: &Context<'_>) -> Finding {
    let mut off = Vec::new();
    let mut silent = None;
    let known = context.snapshot.members.iter();
    for member in known.filter(|member| member.id.is_some()) {
        let page = context
            .row_of(member)
            .and_then(crate::assess::view::Row::page);
        match page.and_then(checks_off) {
            None => silent = Some(&member.name),
            Some(names) if names.is_empty() => {}
            Some(names) => off.push((&member.name, names)),
        }
    }
    let verdict = match silent {
        _ if !off.is_empty() => Verdict::when(true, || describe_off(context, &off)),
        Some(name) => Verdict::unknown_because(
            UnknownClass::MetricAbsent,
            format!(
                "{name} does not say: etcd_server_feature_enabled is there from 3.6 on, and the page must be readable"
            ),
        ),
        None if context.snapshot.members.is_empty() => Verdict::unknown("no member is known"),
        None => Verdict::False,
    };
    context.cluster_finding(
        rule::CORRUPTION_CHECKS_OFF,
        AlertType::Configuration,
        Severity::Info,
        verdict,
    )
}

/// The checks that a page says are off; `None` where it does not say of each.
fn checks_off(page: &MetricsPage) -> Option<Vec<&'static str>> {
    let features = page.features.as_ref()?;
    let mut off = Vec::new();
    for check in CHECKS {
        let (_, on) = features.iter().find(|(name, _)| name == check)?;
        if !on {
            off.push(check);
        }
    }
    Some(off)
}

fn describe_off(
    context: &Context<'_>,
    off: &[(&String, Vec<&str>)],
) -> (String, Vec<Evidence>, String) {
    let names: Vec<&str> = off.iter().map(|(name, _)| name.as_str()).collect();
    let cause = format!(
        "etcd's own checks for corrupted data are off on {}, as they are by default: data that differs between members is found late",
        names.join(", ")
    );
    let seen = off
        .iter()
        .map(|(name, checks)| {
            let source = format!("etcd_server_feature_enabled at {name}");
            evidence(source, format!("{} 0", checks.join(" 0, ")), context.now())
        })
        .collect();
    let action =
        "Start each member with `--feature-gates=InitialCorruptCheck=true,CompactHashCheck=true`";
    (cause, seen, action.to_owned())
}
