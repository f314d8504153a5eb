//! How long things take, how much there is to do, and what explains which.

mod disk;
mod explain;
mod heartbeats;
mod overload;
mod requests;
pub(super) mod watchers;

pub(super) use explain::explain;

use etcd_monitor_model::{
    Durations, Evidence, Finding, MemberSnapshot, MetricsPage, Severity, UnknownClass,
};

use super::{Context, Verdict, evidence};
use crate::assess::view::Row;
use crate::collector::{Growth, MetricsCollector};

/// The rules about one member's latency and load.
pub(super) fn of_member(context: &Context<'_>, member: &MemberSnapshot) -> Vec<Finding> {
    if member.id.is_none() {
        return Vec::new();
    }
    vec![
        disk::wal_fsync_slow(context, member),
        disk::backend_commit_slow(context, member),
        disk::member_disk_slow(context, member),
        heartbeats::late(context, member),
        watchers::slow(context, member),
        requests::failing(context, member),
        requests::slow(context, member),
    ]
}

/// The rule about the cluster's load.
pub(super) fn of_cluster(context: &Context<'_>) -> Finding {
    overload::write_overload(context)
}

/// What a rule says of one of several things it looks at.
enum Part {
    Well,
    Wrong(String, Vec<Evidence>),
    Unknown(Verdict),
}

/// True where anything is wrong, else unknown where anything is unknown.
fn worst(parts: Vec<Part>, action: impl FnOnce() -> String) -> Verdict {
    let mut unknown = None;
    for part in parts {
        match part {
            Part::Well => {}
            Part::Wrong(cause, seen) => return Verdict::when(true, || (cause, seen, action())),
            Part::Unknown(verdict) => unknown = unknown.or(Some(verdict)),
        }
    }
    unknown.unwrap_or(Verdict::False)
}

/// Why what is derived from a family is not known: it is not there, or there is nothing yet to compare it with.
fn not_derived(
    context: &Context<'_>,
    member: &MemberSnapshot,
    family: &str,
    is_there: fn(&MetricsPage) -> bool,
) -> Verdict {
    let page = context.row_of(member).and_then(Row::page);
    if page.is_some_and(is_there) {
        Verdict::unknown_because(
            UnknownClass::NotEnoughData,
            format!("{family} cannot be compared with an earlier page yet"),
        )
    } else {
        context.no_metric(member, family)
    }
}

/// Why growth between two pages alone does not tell whether it goes on.
fn too_short(family: &str, grown: Growth) -> Verdict {
    Verdict::unknown_because(
        UnknownClass::NotEnoughData,
        format!(
            "{family} rose by {:.0} between the only two pages there are; whether that goes on shows with the next",
            grown.amount
        ),
    )
}

/// Why too few observations say nothing.
fn too_few(context: &Context<'_>, durations: &Durations, what: &str) -> Verdict {
    let (count, needed) = (durations.count, context.parameters.metrics.observations_min);
    Verdict::unknown_because(
        UnknownClass::NotEnoughData,
        format!("{count} of {needed} observations of {what} within the window"),
    )
}

/// Durations as evidence.
fn durations_seen(context: &Context<'_>, source: String, durations: &Durations) -> Evidence {
    let words = |seconds: Option<f64>| {
        seconds.map_or_else(
            || "not known".to_owned(),
            |seconds| durations.in_words(seconds),
        )
    };
    let value = format!(
        "p50 {}, p95 {}, p99 {} of {} within {:.0} s",
        words(durations.p50_seconds),
        words(durations.p95_seconds),
        words(durations.p99_seconds),
        durations.count,
        context.parameters.metrics.window_seconds,
    );
    evidence(source, value, context.now())
}

/// The numbers of a member whose page was read in this cycle: else its window ends in the past.
fn collector<'a>(
    context: &'a Context<'_>,
    member: &MemberSnapshot,
) -> Option<&'a MetricsCollector> {
    context.row_of(member).and_then(Row::page)?;
    let memory = context.state.members.get(&member.id?)?;
    Some(&memory.metrics)
}

fn severity(is_critical: bool) -> Severity {
    if is_critical {
        Severity::Critical
    } else {
        Severity::Warning
    }
}
