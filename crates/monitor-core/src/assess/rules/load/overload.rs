//! More writes than the cluster can take.

use etcd_monitor_model::{
    AlertType, Evidence, Finding, MemberRole, MemberSnapshot, Severity, rule,
};

use super::{Context, Verdict, collector, disk, evidence, not_derived, too_short};
use crate::assess::capacity::APPLY_LAG_LIMIT;
use crate::collector::{Counter, Growth};

const PENDING: &str = "etcd_server_proposals_pending";
const FAILED: &str = "etcd_server_proposals_failed_total";

/// Failed proposals within the short window below which they may be anybody's impatience: etcd counts a client that gave
/// up as well.
const FAILED_MIN: f64 = 10.0;

/// Slices of the short window in which they must have failed.
const TIMES_MIN: usize = 2;

/// What all members together say of their proposals.
#[derive(Default)]
struct Proposals {
    /// That wait now.
    pending: f64,
    /// Seconds that they waited within the short window, all together.
    waited_seconds: f64,
    committed: f64,
    /// Those that failed.
    failed: Growth,
    /// Length of the short window.
    seconds: f64,
}

/// Proposals wait for long, or fail.
pub(super) fn write_overload(context: &Context<'_>) -> Finding {
    let verdict = match leader(context) {
        None => Verdict::unknown("no leader is known"),
        Some(leader) => judge(context, leader),
    };
    context.cluster_finding(
        rule::WRITE_OVERLOAD,
        AlertType::Latency,
        Severity::Warning,
        verdict,
    )
}

fn leader<'a>(context: &Context<'a>) -> Option<&'a MemberSnapshot> {
    let mut members = context.snapshot.members.iter();
    members.find(|member| member.role == MemberRole::Leader)
}

fn judge(context: &Context<'_>, leader: &MemberSnapshot) -> Verdict {
    let proposals = Proposals::of(context);
    if proposals.wait_long(context) || proposals.fail(context) {
        return Verdict::when(true, || describe(context, leader, &proposals));
    }
    if proposals.fail_much(context) && proposals.failed.slices < TIMES_MIN {
        return too_short(FAILED, proposals.failed);
    }
    let known = collector(context, leader).is_some_and(|leader| {
        leader.recent_waiting().is_some() && leader.recent_growth(Counter::Committed).is_some()
    });
    if known {
        return Verdict::False;
    }
    not_derived(context, leader, PENDING, |page| {
        page.raft.proposals_pending.is_some()
    })
}

impl Proposals {
    fn of(context: &Context<'_>) -> Self {
        let mut all = Self::default();
        for member in &context.snapshot.members {
            let Some(collector) = collector(context, member) else {
                continue;
            };
            all.pending += member.metrics.raft.proposals_pending.unwrap_or(0.0);
            if let Some(waited) = collector.recent_waiting() {
                all.waited_seconds += waited.amount;
                all.seconds = all.seconds.max(waited.seconds);
            }
            // Every member counts the same log.
            if let Some(committed) = collector.recent_growth(Counter::Committed) {
                all.committed = all.committed.max(committed.amount);
            }
            if let Some(failed) = collector.recent_growth(Counter::ProposalsFailed) {
                all.failed.amount += failed.amount;
                all.failed.times = all.failed.times.max(failed.times);
                all.failed.slices = all.failed.slices.max(failed.slices);
                all.seconds = all.seconds.max(failed.seconds);
            }
        }
        all
    }

    /// Mean seconds that a proposal waits, by Little's law; `None` where none waited.
    fn wait_seconds(&self) -> Option<f64> {
        (self.waited_seconds > 0.0).then(|| self.waited_seconds / self.committed.max(1.0))
    }

    /// Many at once are no overload where each is done quickly.
    fn wait_long(&self, context: &Context<'_>) -> bool {
        let parameters = &context.parameters.metrics;
        let wait = self.wait_seconds();
        self.pending >= parameters.pending_proposals
            && wait.is_some_and(|wait| wait >= parameters.pending_wait_seconds)
    }

    fn fail(&self, context: &Context<'_>) -> bool {
        self.failed.times >= TIMES_MIN && self.fail_much(context)
    }

    fn fail_much(&self, context: &Context<'_>) -> bool {
        let share = context.parameters.metrics.failing_requests_share;
        let failed = self.failed.amount;
        failed >= FAILED_MIN && failed >= share * (failed + self.committed)
    }
}

fn describe(
    context: &Context<'_>,
    leader: &MemberSnapshot,
    proposals: &Proposals,
) -> (String, Vec<Evidence>, String) {
    let what = if proposals.wait_long(context) {
        let wait = proposals.wait_seconds().unwrap_or_default();
        format!(
            "{:.0} writes wait, each for about {:.0} ms",
            proposals.pending,
            wait * 1e3
        )
    } else {
        format!(
            "{:.0} writes failed within {:.0} s, while {:.0} entries were committed",
            proposals.failed.amount, proposals.seconds, proposals.committed
        )
    };
    let (why, action) = why(context, leader, proposals);
    let seen = vec![
        evidence(
            PENDING,
            format!("{:.0} over all members", proposals.pending),
            context.now(),
        ),
        evidence(
            FAILED,
            format!(
                "rose by {:.0} within {:.0} s; {:.0} committed",
                proposals.failed.amount, proposals.seconds, proposals.committed
            ),
            context.now(),
        ),
    ];
    (
        format!("The cluster does not keep up with its writes: {what}; {why}"),
        seen,
        action,
    )
}

/// Where it is stuck: on a disk, in applying, or in the load itself.
fn why(context: &Context<'_>, leader: &MemberSnapshot, proposals: &Proposals) -> (String, String) {
    if let Some(disk) = disk::in_words(context, leader) {
        let action = format!(
            "Look at the disk of {} (`iostat -x 1`) before the writers: etcd needs a disk of its own",
            leader.name
        );
        return (disk, action);
    }
    let lag = |member: &&MemberSnapshot| member.capacity.apply_lag.unwrap_or(0);
    let behind = context.snapshot.members.iter().max_by_key(lag);
    if let Some(behind) = behind.filter(|member| lag(member) > APPLY_LAG_LIMIT / 10) {
        let why = format!(
            "{} is {} entries behind in applying",
            behind.name,
            lag(&behind)
        );
        let action = format!(
            "Look on {} for large transactions, ranges and a busy CPU (its log: \"apply request took too long\"), and slow the writers down",
            behind.name
        );
        return (why, action);
    }
    let per_second = proposals.committed / proposals.seconds.max(1.0);
    let why = format!(
        "neither the leader's disk nor applying is known to be slow, so it is the load itself ({per_second:.0} entries per second)"
    );
    let action = format!(
        "Slow the writers down, or batch what they write; etcd does not tell who they are, only what is asked: `curl -s {}/metrics | grep grpc_server_handled_total`",
        leader.endpoint
    );
    (why, action)
}
