//! Free pages that only a defragmentation gives back.

use etcd_monitor_model::{AlertType, DatabaseSize, Finding, MemberSnapshot, Severity, rule};

use super::quota::allocated_share;
use super::{Context, Verdict, bytes, defrag, evidence, no_quota, no_sizes};

/// Free pages are many, are most of the file, and the file fills a good part of the quota. A ratio alone would blame every
/// small cluster after a compaction.
pub(super) fn fragmented(context: &Context<'_>, member: &MemberSnapshot) -> Finding {
    let limit = context.parameters.capacity.fragmented_quota_share;
    let verdict = match member.database {
        None => no_sizes(context, member),
        Some(database) if database.quota_disabled || !mostly_free(context, &database) => {
            Verdict::False
        }
        Some(database) => match allocated_share(&database) {
            None => no_quota(context, member),
            Some(share) => Verdict::when(share > limit, || {
                describe(context, member, &database, share)
            }),
        },
    };
    context.member_finding(
        rule::DATABASE_FRAGMENTED,
        AlertType::Capacity,
        Severity::Info,
        member,
        verdict,
    )
}

fn free_bytes(database: &DatabaseSize) -> u64 {
    database
        .allocated_bytes
        .saturating_sub(database.in_use_bytes)
}

fn mostly_free(context: &Context<'_>, database: &DatabaseSize) -> bool {
    let parameters = &context.parameters.capacity;
    let free = free_bytes(database);
    free > parameters.fragmented_free_bytes
        && free as f64 > database.allocated_bytes as f64 * parameters.fragmented_free_share
}

fn describe(
    context: &Context<'_>,
    member: &MemberSnapshot,
    database: &DatabaseSize,
    share: f64,
) -> (String, Vec<super::super::Evidence>, String) {
    let free = free_bytes(database);
    let cause = format!(
        "{} of the {} that {} has allocated are free pages, and they count against its quota ({:.0} % full)",
        bytes(free),
        bytes(database.allocated_bytes),
        member.name,
        share * 100.0
    );
    let value = format!(
        "{} allocated, {} in use",
        database.allocated_bytes, database.in_use_bytes
    );
    let seen = vec![evidence("Status dbSize (bytes)", value, context.now())];
    let action = format!(
        "Defragment one member after the other, the leader last: {}",
        defrag::command(context, member)
    );
    (cause, seen, action)
}
