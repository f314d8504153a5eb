//! Rolling restarts, and what they explain.

use etcd_monitor_model::{AlertType, Confidence, Finding, MemberId, Severity, rule};

use super::{Context, Verdict, evidence};
use crate::assess::consensus::restarts::Roll;

/// Members restart one at a time, and each comes back.
pub(super) fn rolling_restart(context: &Context<'_>) -> Finding {
    let restarts = &context.state.consensus.restarts;
    let verdict = match restarts.rolling() {
        Some(roll) => Verdict::when(true, || describe(context, roll)),
        None if restarts.knows_starts() => Verdict::False,
        None => Verdict::unknown("no member's /metrics told when its process started"),
    };
    let mut finding = context.cluster_finding(
        rule::ROLLING_RESTART,
        AlertType::Member,
        Severity::Info,
        verdict,
    );
    finding.confidence = Confidence::Medium;
    finding
}

fn describe(context: &Context<'_>, roll: &Roll) -> (String, Vec<super::Evidence>, String) {
    let names: Vec<String> = roll.done.iter().map(|id| context.name_of(*id)).collect();
    let away = match roll.away {
        Some(id) => format!("; {} is away now", context.name_of(id)),
        None => String::new(),
    };
    let members = context.snapshot.member_count.unwrap_or_default();
    let cause = format!(
        "Rolling restart: {} of {members} members restarted one at a time and came back ({}){away}",
        names.len(),
        names.join(", ")
    );
    let seen = roll.done.iter().map(|id| {
        let value = format!("rose on {}", context.name_of(*id));
        evidence("process_start_time_seconds", value, roll.to)
    });
    let action =
        "Nothing, if it is planned; `etcdctl endpoint status --cluster -w table` shows who is back";
    (cause, seen.collect(), action.to_owned())
}

/// While a roll goes on it explains the member that is away, and elections that are only too many because of it.
pub(super) fn explain(context: &Context<'_>, findings: &mut [Finding]) {
    let Some(roll) = context.state.consensus.restarts.rolling() else {
        return;
    };
    let Some(key) = super::true_key(findings, rule::ROLLING_RESTART) else {
        return;
    };
    let few = elections_apart(context) <= context.parameters.elections_per_hour;
    let explains = |finding: &Finding| match finding.rule.as_str() {
        rule::MEMBER_DOWN => is_away(roll, finding.subject.id),
        rule::FREQUENT_ELECTIONS => few,
        _ => false,
    };
    for finding in findings.iter_mut() {
        if finding.is_root() && explains(finding) {
            finding.caused_by = Some(key.clone());
        }
    }
}

fn is_away(roll: &Roll, member: Option<MemberId>) -> bool {
    member.is_some() && roll.away == member
}

/// Elections of the last hour that do not belong to the latest rolling restart.
pub(super) fn elections_apart(context: &Context<'_>) -> u64 {
    let roll = context.state.consensus.restarts.latest_roll();
    let margin = context.parameters.consensus.election_window_seconds;
    let apart = |at| roll.is_none_or(|roll| !roll.covers(at, margin));
    context.state.elections_last_hour(context.now(), apart) as u64
}
