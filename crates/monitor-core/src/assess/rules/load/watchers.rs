//! Watchers that do not keep up.

use etcd_monitor_model::{AlertType, Finding, MemberSnapshot, Severity, rule};

use super::{Context, Evidence, Verdict, durations_seen, evidence};

const SLOW: &str = "etcd_debugging_mvcc_slow_watcher_total";
const PENDING: &str = "etcd_debugging_mvcc_pending_events_total";

const SEND: &str = "etcd_debugging_server_watch_send_loop_watch_stream_duration_seconds";

/// How long the member takes to send what a watch tells; `None` where that is not known, or it sent nothing.
pub(in crate::assess::rules) fn send_seen(
    context: &Context<'_>,
    member: &MemberSnapshot,
) -> Option<Evidence> {
    let send = member.metrics.watch.send.filter(|send| send.count > 0)?;
    Some(durations_seen(context, SEND.to_owned(), &send))
}

/// Watchers are not in sync, and very many events wait for them: etcd keeps them in memory, without a bound.
pub(super) fn slow(context: &Context<'_>, member: &MemberSnapshot) -> Finding {
    let watch = &member.metrics.watch;
    let limit = context.parameters.metrics.slow_watchers_pending_events;
    let verdict = match (watch.slow_watchers, watch.pending_events) {
        (None, _) => context.no_metric(member, SLOW),
        (_, None) => context.no_metric(member, PENDING),
        (Some(slow), Some(pending)) => Verdict::when(slow > 0.0 && pending > limit, || {
            describe(context, member, slow, pending)
        }),
    };
    context.member_finding(
        rule::SLOW_WATCHERS,
        AlertType::Latency,
        Severity::Warning,
        member,
        verdict,
    )
}

fn describe(
    context: &Context<'_>,
    member: &MemberSnapshot,
    slow: f64,
    pending: f64,
) -> (String, Vec<Evidence>, String) {
    let watch = &member.metrics.watch;
    let of_all = watch
        .watchers
        .map_or_else(String::new, |all| format!(" of {all:.0}"));
    let cause = format!(
        "{slow:.0}{of_all} watchers of {} do not keep up: {pending:.0} events wait to be sent, and take memory until they are",
        member.name
    );
    let streams = watch.streams.map_or_else(String::new, |streams| {
        format!(", {streams:.0} watch streams")
    });
    let mut seen = vec![
        evidence(SLOW, format!("{slow:.0}"), context.now()),
        evidence(PENDING, format!("{pending:.0}{streams}"), context.now()),
    ];
    seen.extend(send_seen(context, member));
    let action = format!(
        "Find the clients that watch much and read slowly (who is connected: `ss -tn state established '( sport = :2379 )'` on the host of {}), narrow their prefixes or restart them, and watch the memory: `curl -s {}/metrics | grep -E 'slow_watcher|pending_events|resident_memory'`",
        member.name, member.endpoint
    );
    (cause, seen, action)
}
