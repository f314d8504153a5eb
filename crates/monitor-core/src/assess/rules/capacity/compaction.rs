//! Old revisions that nothing compacts.

use etcd_monitor_model::{AlertType, Evidence, Finding, Severity, UnknownClass, rule};

use super::{Context, Verdict, bytes, duration, evidence};
use crate::assess::capacity::{Uncompacted, latest_revision};

/// Many revisions wait for a compaction, the data in use are large, and there was no compaction for long, or never.
pub(super) fn never_compacted(context: &Context<'_>) -> Finding {
    let severity = if much_of_the_quota(context) {
        Severity::Warning
    } else {
        Severity::Info
    };
    context.cluster_finding(
        rule::NEVER_COMPACTED,
        AlertType::Capacity,
        severity,
        verdict(context),
    )
}

fn verdict(context: &Context<'_>) -> Verdict {
    let parameters = &context.parameters.capacity;
    let limit = parameters.uncompacted_revisions;
    let Some(revision) = latest_revision(context.view) else {
        return Verdict::unknown("no member answered Status");
    };
    if u64::try_from(revision).unwrap_or(0) <= limit {
        // There are not that many revisions, compacted or not.
        return Verdict::False;
    }
    let Some(compaction) = context.state.compaction.now() else {
        return no_compacted_revision(context);
    };
    let in_use = in_use_bytes(context);
    if compaction.revisions <= limit || in_use <= parameters.uncompacted_in_use_bytes {
        return Verdict::False;
    }
    let idle_seconds = idle_seconds(context, compaction);
    let long = idle_seconds >= parameters.uncompacted_seconds;
    match (compaction.compacted, compaction.last_at) {
        (Some(_), None) if !long => Verdict::unknown_because(
            UnknownClass::NotEnoughData,
            format!(
                "when the last compaction was is not known: none was seen in the {} of watching",
                duration(idle_seconds)
            ),
        ),
        (compacted, _) => Verdict::when(long || compacted.is_none(), || {
            describe(context, compaction, idle_seconds, in_use)
        }),
    }
}

/// Seconds since the last compaction, or that the monitor has seen none for.
fn idle_seconds(context: &Context<'_>, compaction: &Uncompacted) -> f64 {
    let since = compaction.last_at.unwrap_or(compaction.watched_since);
    context.now().duration_since(since).as_secs_f64().max(0.0)
}

fn no_compacted_revision(context: &Context<'_>) -> Verdict {
    let class = if context.view.pages().next().is_some() {
        UnknownClass::MetricAbsent
    } else {
        UnknownClass::MetricsUnread
    };
    Verdict::unknown_because(
        class,
        "no member's page has etcd_debugging_mvcc_compact_revision",
    )
}

fn in_use_bytes(context: &Context<'_>) -> u64 {
    let members = context.snapshot.members.iter();
    let in_use = members.filter_map(|member| Some(member.database?.in_use_bytes));
    in_use.max().unwrap_or(0)
}

fn much_of_the_quota(context: &Context<'_>) -> bool {
    let limit = context.parameters.capacity.uncompacted_quota_share;
    let members = context.snapshot.members.iter();
    let mut sizes = members.filter_map(|member| {
        let database = member.database?;
        Some((database.in_use_bytes, database.quota_bytes?))
    });
    sizes.any(|(in_use, quota)| in_use as f64 > quota as f64 * limit)
}

fn describe(
    context: &Context<'_>,
    compaction: &Uncompacted,
    idle_seconds: f64,
    in_use: u64,
) -> (String, Vec<Evidence>, String) {
    let how_long = match (compaction.compacted, compaction.last_at) {
        (None, _) => "The cluster was never compacted".to_owned(),
        (Some(_), Some(_)) => format!("No compaction for {}", duration(idle_seconds)),
        (Some(_), None) => format!("No compaction for at least {}", duration(idle_seconds)),
    };
    let cause = format!(
        "{how_long}: {} old revisions pile up, with {} in use",
        compaction.revisions,
        bytes(in_use)
    );
    let compacted = compaction
        .compacted
        .map_or_else(|| "never".to_owned(), |revision| revision.to_string());
    let value = format!("revision {}, compacted {compacted}", compaction.revision);
    let source = "Status revision, etcd_debugging_mvcc_compact_revision";
    let action = format!(
        "Compact (`etcdctl compact {}`), then defragment one member after the other; for good, start etcd with --auto-compaction-mode=periodic --auto-compaction-retention=1h, or find why who compacts (the Kubernetes API server, say) does not",
        compaction.revision
    );
    (cause, vec![evidence(source, value, context.now())], action)
}
