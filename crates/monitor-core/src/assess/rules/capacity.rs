//! Room and its limits, and whether the member's numbers can be read at all.

mod apply_lag;
mod compaction;
mod defrag;
mod disarm;
mod forecast;
mod fragmentation;
mod open_fds;
mod quota;

use etcd_monitor_model::{
    AlertType, Finding, FindingKey, MemberSnapshot, Severity, UnknownClass, rule,
};

use super::{Context, Verdict, evidence};
use crate::assess::view::Row;

/// The rules about one member's room and numbers.
pub(super) fn of_member(context: &Context<'_>, member: &MemberSnapshot) -> Vec<Finding> {
    if member.id.is_none() {
        return Vec::new();
    }
    vec![
        apply_lag::near_limit(context, member),
        quota::near_quota(context, member),
        fragmentation::fragmented(context, member),
        forecast::quota_forecast(context, member),
        open_fds::near_limit(context, member),
        metrics_unreadable(context, member),
    ]
}

/// The rules about the cluster's room.
pub(super) fn of_cluster(context: &Context<'_>) -> [Finding; 2] {
    [
        compaction::never_compacted(context),
        disarm::not_disarmed(context),
    ]
}

/// Sets `caused_by` among the rules about room.
///
/// A raised NOSPACE alarm explains what only foresees it. A file near its quota explains what is milder or as bad about the
/// same member. An alarm that nobody disarmed is explained by the alarm at first, and explains it once it has stood
/// for its time: then disarming is all that is missing, and that is what must be told.
pub(super) fn explain(context: &Context<'_>, findings: &mut [Finding]) {
    disarm::explain(context, findings);
    let roots: Vec<(FindingKey, Severity)> = findings
        .iter()
        .filter(|finding| finding.status.is_true())
        .filter(|finding| {
            [rule::ALARM_NO_SPACE, rule::DATABASE_NEAR_QUOTA].contains(&finding.rule.as_str())
        })
        .map(|finding| (finding.key(), finding.severity))
        .collect();
    let explained = [rule::QUOTA_FORECAST, rule::DATABASE_FRAGMENTED];
    for finding in findings.iter_mut() {
        let open = finding.is_root() && explained.contains(&finding.rule.as_str());
        if !open {
            continue;
        }
        let subject = finding.subject.key();
        let root = roots.iter().find(|(root, severity)| {
            let wide = root.rule == rule::ALARM_NO_SPACE;
            *severity >= finding.severity && (wide || root.subject == subject)
        });
        finding.caused_by = root.map(|(root, _)| root.clone());
    }
}

/// Why a member's database sizes are not known.
fn no_sizes(context: &Context<'_>, member: &MemberSnapshot) -> Verdict {
    if member.raft.is_some() {
        Verdict::unknown_because(
            UnknownClass::BadAnswer,
            "what Status reports as the database's size is no size",
        )
    } else {
        context.no_status(member)
    }
}

/// Why a member's quota is not known, although its sizes are.
fn no_quota(context: &Context<'_>, member: &MemberSnapshot) -> Verdict {
    match context.no_metric(member, "etcd_server_quota_backend_bytes") {
        Verdict::Unknown { class, reason } => Verdict::unknown_because(
            class,
            format!("the quota is not known: Status does not report it, and {reason}"),
        ),
        other => other,
    }
}

/// Bytes for people: one decimal, binary units.
fn bytes(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let unit = UNITS.into_iter().find(|(_, size)| bytes >= *size);
    unit.map_or_else(
        || format!("{bytes} bytes"),
        |(unit, size)| format!("{:.1} {unit}", bytes as f64 / size as f64),
    )
}

/// A time for people: two digits are enough.
fn duration(seconds: f64) -> String {
    match seconds {
        _ if seconds >= 172_800.0 => format!("{:.0} days", seconds / 86_400.0),
        _ if seconds >= 5_400.0 => format!("{:.1} h", seconds / 3_600.0),
        _ if seconds >= 90.0 => format!("{:.0} min", seconds / 60.0),
        _ if seconds >= 1.0 => format!("{seconds:.0} s"),
        _ => format!("{:.0} ms", seconds * 1e3),
    }
}

/// The page was refused, too large, or mostly not in the exposition format.
fn metrics_unreadable(context: &Context<'_>, member: &MemberSnapshot) -> Finding {
    let row = context.row_of(member);
    let probe = row.and_then(|row| row.seen.metrics.as_ref());
    let verdict = match probe.map(|probe| (probe, &probe.result)) {
        None => Verdict::unknown_because(UnknownClass::NotAsked, "not asked in this cycle"),
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
        Some((_, Err(_))) if row.is_some_and(Row::silent) => context.no_status(member),
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
