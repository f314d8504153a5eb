//! A NOSPACE alarm that outlives the want of space: etcd never disarms by itself.

use etcd_monitor_model::{AlarmKind, AlertType, Finding, MemberSnapshot, Severity, rule};

use super::quota::allocated_share;
use super::{Context, Verdict, evidence, no_quota, no_sizes};
use crate::assess::rules::alarms;

/// NOSPACE is raised although every member has room again.
pub(super) fn not_disarmed(context: &Context<'_>) -> Finding {
    context.cluster_finding(
        rule::ALARM_NOT_DISARMED,
        AlertType::Capacity,
        Severity::Critical,
        verdict(context),
    )
}

fn verdict(context: &Context<'_>) -> Verdict {
    let Some((alarms, at)) = alarms::answers(context) else {
        return alarms::unanswered(context);
    };
    if !alarms.iter().any(|alarm| alarm.kind == AlarmKind::NoSpace) {
        return Verdict::False;
    }
    let limit = context.parameters.capacity.not_disarmed_share;
    let members = || {
        context
            .snapshot
            .members
            .iter()
            .filter(|member| member.id.is_some())
    };
    let full = |member: &MemberSnapshot| {
        let share = member.database.as_ref().and_then(allocated_share);
        share.is_some_and(|share| share >= limit)
    };
    if members().any(full) {
        return Verdict::False;
    }
    if let Some(unknown) = members().find_map(|member| size_unknown(context, member)) {
        return unknown;
    }
    Verdict::when(true, || {
        let sizes: Vec<String> = members().map(filled).collect();
        let cause = format!(
            "The NOSPACE alarm is still raised although every member has room again ({}): the cluster refuses writes until somebody disarms it",
            sizes.join(", ")
        );
        let seen = vec![evidence("Alarm (GET)", "NOSPACE", at)];
        let action = "Disarm: `etcdctl alarm disarm`, then check with `etcdctl alarm list`, which must print nothing, and `etcdctl endpoint health --cluster`";
        (cause, seen, action.to_owned())
    })
}

fn size_unknown(context: &Context<'_>, member: &MemberSnapshot) -> Option<Verdict> {
    let unknown = match member.database {
        None => no_sizes(context, member),
        Some(database) if database.quota_disabled || database.quota_bytes.is_some() => return None,
        Some(_) => no_quota(context, member),
    };
    match unknown {
        Verdict::Unknown { class, reason } => Some(Verdict::unknown_because(
            class,
            format!("whether {} has room is not known: {reason}", member.name),
        )),
        other => Some(other),
    }
}

fn filled(member: &MemberSnapshot) -> String {
    let share = member.database.as_ref().and_then(allocated_share);
    share.map_or_else(
        || format!("{} has no quota", member.name),
        |share| format!("{} {:.0} %", member.name, share * 100.0),
    )
}

/// The alarm explains the missing disarm at first: it may be on its way. Later the missing disarm is what is wrong, and
/// explains the alarm. One of them is told at any time.
pub(super) fn explain(context: &Context<'_>, findings: &mut [Finding]) {
    let alarm = findings
        .iter()
        .find(|finding| finding.rule == rule::ALARM_NO_SPACE && finding.is_root())
        .map(Finding::key);
    let forgotten = findings
        .iter_mut()
        .find(|finding| finding.rule == rule::ALARM_NOT_DISARMED && finding.is_root());
    let Some((alarm, forgotten)) = alarm.zip(forgotten) else {
        return;
    };
    let key = forgotten.key();
    let since = context.state.true_since(&key);
    let stands_seconds = since.map_or(0.0, |since| {
        context.now().duration_since(since).as_secs_f64()
    });
    if stands_seconds < context.parameters.capacity.not_disarmed_seconds {
        forgotten.caused_by = Some(alarm);
        return;
    }
    for finding in findings.iter_mut() {
        if finding.rule == rule::ALARM_NO_SPACE && finding.is_root() {
            finding.caused_by = Some(key.clone());
        }
    }
}
