//! A leader that stalls.

use etcd_monitor_model::{AlertType, Finding, MemberRole, MemberSnapshot, Severity, rule};

use super::{Context, Verdict, collector, disk, evidence, not_derived, too_short};
use crate::collector::{Counter, Growth};

const FAMILY: &str = "etcd_server_heartbeat_send_failures_total";

/// Slices of the short window in which the counter must have risen: a single stall is none that goes on.
const TIMES_MIN: usize = 2;

/// The leader sends heartbeats later than twice their interval, again and again: it stalls itself.
pub(super) fn late(context: &Context<'_>, member: &MemberSnapshot) -> Finding {
    let verdict = if member.role == MemberRole::Leader {
        of_leader(context, member)
    } else {
        // Only a leader sends heartbeats.
        Verdict::False
    };
    context.member_finding(
        rule::HEARTBEATS_LATE,
        AlertType::Leader,
        Severity::Warning,
        member,
        verdict,
    )
}

fn of_leader(context: &Context<'_>, member: &MemberSnapshot) -> Verdict {
    let grown =
        collector(context, member).and_then(|it| it.recent_growth(Counter::HeartbeatFailures));
    let Some(grown) = grown else {
        return not_derived(context, member, FAMILY, |page| {
            page.raft.heartbeat_send_failures.is_some()
        });
    };
    if grown.amount > 0.0 && grown.slices < TIMES_MIN {
        return too_short(FAMILY, grown);
    }
    Verdict::when(grown.times >= TIMES_MIN, || {
        describe(context, member, grown)
    })
}

fn describe(
    context: &Context<'_>,
    member: &MemberSnapshot,
    grown: Growth,
) -> (String, Vec<super::Evidence>, String) {
    let why = disk::in_words(context, member).unwrap_or_else(|| {
        let cores = member.metrics.process.cpu_cores;
        let cores = cores.map_or_else(String::new, |cores| {
            format!(" (its process uses {cores:.1} cores)")
        });
        format!("its disk is not known to be slow, so its CPU may be short{cores}")
    });
    let cause = format!(
        "The leader {} stalls: {:.0} heartbeats went out too late within {:.0} s; {why}",
        member.name, grown.amount, grown.seconds
    );
    let seen = vec![evidence(
        FAMILY,
        format!("rose by {:.0} within {:.0} s", grown.amount, grown.seconds),
        context.now(),
    )];
    let action = format!(
        "On the host of {}: look for a slow disk (`iostat -x 1`) and a busy CPU (`top`), and in etcd's log for \"leader failed to send out heartbeat on time\"; elections follow when it stalls for longer than --election-timeout",
        member.name
    );
    (cause, seen, action)
}
