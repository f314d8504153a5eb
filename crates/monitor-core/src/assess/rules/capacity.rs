//! Space and its limits, and whether the member's numbers can be read at all.

use etcd_monitor_model::{AlertType, DatabaseSize, Finding, MemberSnapshot, Severity, rule};

use super::{Context, Verdict, evidence};
use crate::assess::view::Row;

/// The rules about one member's space and numbers.
pub(super) fn of_member(context: &Context<'_>, member: &MemberSnapshot) -> Vec<Finding> {
    if member.id.is_none() {
        return Vec::new();
    }
    vec![
        near_quota(context, member),
        metrics_unreadable(context, member),
    ]
}

/// NOSPACE is decided on the allocated size, free pages included, so that is what is compared with the quota.
fn near_quota(context: &Context<'_>, member: &MemberSnapshot) -> Finding {
    let parameters = context.parameters;
    let share = member.database.and_then(|database| {
        database
            .quota_bytes
            .map(|quota| database.allocated_bytes as f64 / quota as f64)
    });
    let verdict = match (member.database, share) {
        (None, _) if member.raft.is_some() => {
            Verdict::unknown("what Status reports as the database's size is no size")
        }
        (None, _) => Verdict::unknown("member unreachable"),
        (Some(database), _) if database.quota_disabled => Verdict::False,
        (Some(_), None) => {
            Verdict::unknown("the quota is not known: no /metrics, and Status does not report it")
        }
        (Some(database), Some(share)) => {
            Verdict::when(share > parameters.quota_warning_share, || {
                let cause = format!(
                    "The database of {} fills {:.0} % of its quota",
                    member.name,
                    share * 100.0
                );
                let value = format!(
                    "{} allocated, {} in use",
                    database.allocated_bytes, database.in_use_bytes
                );
                let seen = vec![evidence("Status dbSize (bytes)", value, context.now())];
                (cause, seen, which_action(member, &database))
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

/// Defragmentation helps only where free pages are a good part of the file.
fn which_action(member: &MemberSnapshot, database: &DatabaseSize) -> String {
    let free = database
        .allocated_bytes
        .saturating_sub(database.in_use_bytes);
    if free > database.allocated_bytes / 2 {
        return format!(
            "Defragment, which gives back up to {free} bytes: `etcdctl defrag --endpoints {}`",
            member.endpoint
        );
    }
    let revision = member.raft.map_or(0, |raft| raft.revision);
    format!(
        "Compact old revisions first (`etcdctl compact {revision}`), then defragment; where that does not help, raise --quota-backend-bytes (8 GiB at most)"
    )
}

/// The page was refused, too large, or mostly not in the exposition format.
fn metrics_unreadable(context: &Context<'_>, member: &MemberSnapshot) -> Finding {
    let row = context.row_of(member);
    let probe = row.and_then(|row| row.seen.metrics.as_ref());
    let verdict = match probe.map(|probe| (probe, &probe.result)) {
        None => Verdict::unknown("not asked in this cycle"),
        Some((_, Ok(page))) if page.skipped_lines == 0 => Verdict::False,
        Some((probe, Ok(page))) => Verdict::when(true, || {
            let cause = format!(
                "{} lines of {}'s /metrics page are not in the exposition format; what they say is not known",
                page.skipped_lines, member.name
            );
            let seen = vec![evidence(
                "/metrics",
                format!("{} bytes", page.page_bytes),
                probe.at,
            )];
            (cause, seen, what_answers(member))
        }),
        Some((_, Err(_))) if row.is_some_and(Row::silent) => Verdict::unknown("member unreachable"),
        Some((_, Err(_))) if context.view.late => Verdict::late(),
        Some((probe, Err(failure))) => Verdict::when(true, || {
            let cause = format!(
                "The /metrics page of {} cannot be read: {}",
                member.name, failure.message
            );
            let seen = vec![evidence("/metrics", failure.message.clone(), probe.at)];
            (cause, seen, what_answers(member))
        }),
    };
    context.member_finding(
        rule::METRICS_UNREADABLE,
        AlertType::Member,
        Severity::Info,
        member,
        verdict,
    )
}

fn what_answers(member: &MemberSnapshot) -> String {
    format!(
        "Check what answers there, and --metrics-url: `curl -sS {}/metrics | head`",
        member.endpoint
    )
}
