//! The allocated file against the quota, and which action gives room.

use etcd_monitor_model::{AlertType, DatabaseSize, Finding, MemberSnapshot, Severity, rule};

use super::defrag;
use super::{Context, Verdict, bytes, evidence, no_quota, no_sizes};
use crate::assess::capacity::Uncompacted;

/// NOSPACE is decided on the allocated size, free pages included, so that is what is compared with the quota.
pub(super) fn near_quota(context: &Context<'_>, member: &MemberSnapshot) -> Finding {
    let parameters = context.parameters;
    let share = member.database.as_ref().and_then(allocated_share);
    let verdict = match (member.database, share) {
        (None, _) => no_sizes(context, member),
        (Some(database), _) if database.quota_disabled => Verdict::False,
        (Some(_), None) => no_quota(context, member),
        (Some(database), Some(share)) => {
            Verdict::when(share > parameters.quota_warning_share, || {
                let cause = format!(
                    "The database of {} fills {:.0} % of its quota; at 100 % the cluster refuses writes",
                    member.name,
                    share * 100.0
                );
                let value = format!(
                    "{} allocated, {} in use",
                    database.allocated_bytes, database.in_use_bytes
                );
                let seen = vec![evidence("Status dbSize (bytes)", value, context.now())];
                (cause, seen, which_action(context, member, &database))
            })
        }
    };
    let critical = share.is_some_and(|share| share > parameters.quota_critical_share);
    let severity = if critical {
        Severity::Critical
    } else {
        Severity::Warning
    };
    context.member_finding(
        rule::DATABASE_NEAR_QUOTA,
        AlertType::Capacity,
        severity,
        member,
        verdict,
    )
}

/// Allocated share of the quota; `None` where there is none, or it is not known.
pub(super) fn allocated_share(database: &DatabaseSize) -> Option<f64> {
    let quota = database.quota_bytes?;
    Some(database.allocated_bytes as f64 / quota as f64)
}

/// Which action gives room: defragmenting gives back free pages only, compacting makes old revisions into free pages, and
/// data that really grew needs a larger quota or deletes.
fn which_action(context: &Context<'_>, member: &MemberSnapshot, database: &DatabaseSize) -> String {
    let free = database
        .allocated_bytes
        .saturating_sub(database.in_use_bytes);
    let worth = context.parameters.capacity.defrag_worth_share;
    if free as f64 > database.allocated_bytes as f64 * worth {
        return format!(
            "Defragment, which gives back {}: {}",
            bytes(free),
            defrag::command(context, member)
        );
    }
    let compaction = context.state.compaction.now();
    if compaction.is_some_and(|compaction| !history_is_large(context, compaction)) {
        return really_grew(free);
    }
    let revision = member.raft.map_or(0, |raft| raft.revision);
    let waiting = compaction.map_or_else(
        || "how many old revisions wait is not known".to_owned(),
        |compaction| format!("{} revisions wait for it", compaction.revisions),
    );
    format!(
        "Compact first (`etcdctl compact {revision}`; {waiting}): defragmenting now gives back {} only. Then defragment: {}. Where that does not help, the data really grew: raise --quota-backend-bytes (8 GiB at most)",
        bytes(free),
        defrag::command(context, member)
    )
}

/// True where more revisions wait for a compaction than there are keys: then most of what is stored may be history.
fn history_is_large(context: &Context<'_>, compaction: &Uncompacted) -> bool {
    let limit = context.parameters.capacity.uncompacted_revisions as f64;
    let keys = compaction.keys.filter(|keys| *keys >= 0.0);
    compaction.revisions as f64 > keys.unwrap_or(limit)
}

fn really_grew(free: u64) -> String {
    format!(
        "The data really grew: few old revisions wait for compaction, and only {} are free pages. Find and delete what is not needed (`etcdctl get / --prefix --keys-only --limit 100`), or raise --quota-backend-bytes (8 GiB at most) on every member",
        bytes(free)
    )
}
