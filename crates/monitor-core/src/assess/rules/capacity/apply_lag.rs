//! The fuse of a member: how far it may fall behind in applying before it rejects proposals.

use etcd_monitor_model::{
    AlertType, Evidence, Finding, MemberSnapshot, Severity, UnknownClass, rule,
};

use super::{Context, Verdict, duration, evidence};
use crate::assess::capacity::{APPLY_LAG_LIMIT, CapacityMemory};
use crate::assess::view::Row;

/// A member's committed entries run ahead of the applied ones, near or beyond the limit at which it rejects proposals.
pub(super) fn near_limit(context: &Context<'_>, member: &MemberSnapshot) -> Finding {
    let parameters = &context.parameters.capacity;
    let lag = member.capacity.apply_lag;
    let verdict = match lag {
        None => no_lag(context, member),
        Some(lag) if lag <= parameters.apply_lag_warning => Verdict::False,
        Some(_) if is_replaying(context, member) => Verdict::unknown_because(
            UnknownClass::NotEnoughData,
            "the member has just started and has not yet applied what its log holds",
        ),
        Some(lag) => Verdict::when(true, || describe(context, member, lag)),
    };
    let severity = if lag.is_some_and(|lag| lag > APPLY_LAG_LIMIT) {
        Severity::Critical
    } else {
        Severity::Warning
    };
    context.member_finding(
        rule::APPLY_LAG_NEAR_LIMIT,
        AlertType::Capacity,
        severity,
        member,
        verdict,
    )
}

fn no_lag(context: &Context<'_>, member: &MemberSnapshot) -> Verdict {
    if member.raft.is_none() {
        return context.no_status(member);
    }
    Verdict::unknown_because(
        UnknownClass::NotEnoughData,
        "the member has applied no entry since it started",
    )
}

fn memory<'a>(context: &'a Context<'_>, member: &MemberSnapshot) -> Option<&'a CapacityMemory> {
    let memory = context.state.members.get(&member.id?)?;
    Some(&memory.capacity)
}

fn is_replaying(context: &Context<'_>, member: &MemberSnapshot) -> bool {
    let parameters = &context.parameters.capacity;
    memory(context, member).is_some_and(|memory| memory.is_replaying(context.now(), parameters))
}

/// Entries up to which a member with the feature gate `PriorityRequest` (3.7, off by default) still lets lease
/// revocations through. From etcd's source.
const PRIORITY_LIMIT: u64 = 10_000;

fn describe(
    context: &Context<'_>,
    member: &MemberSnapshot,
    lag: u64,
) -> (String, Vec<Evidence>, String) {
    let headroom = APPLY_LAG_LIMIT.saturating_sub(lag);
    let name = &member.name;
    let cause = if headroom == 0 {
        format!(
            "{name} rejects writes with \"too many requests\": it is {lag} entries behind in applying, and etcd accepts {APPLY_LAG_LIMIT}{}",
            for_leases(context, member, lag)
        )
    } else {
        format!(
            "{name} is {lag} entries behind in applying: {headroom} more, and it rejects writes with \"too many requests\"{}",
            in_time(member)
        )
    };
    let action = format!(
        "Slow the writers down, and look on {name} for a slow disk, large transactions or a busy CPU: `etcdctl endpoint status --endpoints {} -w table`, and its log for \"apply request took too long\"",
        member.endpoint
    );
    (cause, seen(context, member), action)
}

/// What becomes of lease revocations, where the member treats them apart.
fn for_leases(context: &Context<'_>, member: &MemberSnapshot, lag: u64) -> String {
    let page = context.row_of(member).and_then(Row::page);
    let mut features = page
        .and_then(|page| page.features.as_ref())
        .into_iter()
        .flatten();
    if !features.any(|(name, on)| name == "PriorityRequest" && *on) {
        return String::new();
    }
    if lag > PRIORITY_LIMIT {
        format!("; lease revocations too, beyond {PRIORITY_LIMIT}")
    } else {
        format!("; lease revocations pass until {PRIORITY_LIMIT}")
    }
}

fn in_time(member: &MemberSnapshot) -> String {
    let seconds = member.capacity.rejection_in_seconds;
    seconds.map_or_else(String::new, |seconds| {
        format!(", in about {} at this pace", duration(seconds))
    })
}

fn seen(context: &Context<'_>, member: &MemberSnapshot) -> Vec<Evidence> {
    let now = context.now();
    let mut seen = Vec::new();
    if let Some(raft) = member.raft {
        let applied = raft
            .applied_index
            .map_or_else(|| "not reported".to_owned(), |applied| applied.to_string());
        let value = format!("committed {}, applied {applied}", raft.committed_index);
        seen.push(evidence("Status raftIndex, raftAppliedIndex", value, now));
    }
    let growth = memory(context, member).and_then(CapacityMemory::lag_growth);
    if let Some(per_second) = growth {
        let value = format!("grows by {per_second:.0} entries per second");
        seen.push(evidence("apply lag, robust slope", value, now));
    }
    let pending = member
        .counters
        .and_then(|counters| counters.proposals_pending);
    if let Some(pending) = pending {
        let source = "etcd_server_proposals_pending";
        seen.push(evidence(source, format!("{pending:.0}"), now));
    }
    seen
}
