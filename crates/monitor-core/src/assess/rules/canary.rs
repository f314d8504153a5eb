//! What the canary's writes and watches show of what users of etcd meet.

use etcd_monitor_model::{
    AlertType, CanaryReading, FailureKind, Finding, MemberSnapshot, ProbeFailure, Severity,
    UnknownClass, rule,
};

use super::load::watchers::send_seen;
use super::{Context, Evidence, Verdict, evidence};
use crate::assess::coverage::class_of;
use crate::assess::view::says_nothing;

/// Rounds after which the latest one says nothing of now.
const ROUNDS_FRESH: f64 = 3.0;

/// The canary's key cannot be written.
pub(super) fn write_failing(context: &Context<'_>) -> Finding {
    let verdict = match latest(context) {
        Err(unknown) => unknown,
        Ok(reading) => match reading.put.failure() {
            None => Verdict::False,
            Some(failure) if says_nothing(failure.kind) => Verdict::unknown_because(
                class_of(failure.kind),
                format!("the canary may not write: {}", failure.message),
            ),
            Some(_) if context.view.late => Verdict::late(),
            Some(failure) => Verdict::when(true, || describe_failure(reading, failure)),
        },
    };
    context.cluster_finding(
        rule::CANARY_WRITE_FAILING,
        AlertType::Quorum,
        Severity::Warning,
        verdict,
    )
}

fn describe_failure(
    reading: &CanaryReading,
    failure: &ProbeFailure,
) -> (String, Vec<Evidence>, String) {
    let cause = format!(
        "A write of the canary's key through {} fails: {}",
        reading.through, failure.message
    );
    let seen = vec![evidence(
        format!("Put of {} through {}", reading.key, reading.through),
        failure.message.clone(),
        reading.put.at,
    )];
    let action = format!(
        "Try it by hand: `etcdctl --endpoints {} put {} test`",
        reading.through, reading.key
    );
    (cause, seen, action)
}

/// A member's watch tells late of a write that was answered.
pub(super) fn watch_late(context: &Context<'_>, member: &MemberSnapshot) -> Option<Finding> {
    member.id?;
    let verdict = match latest(context) {
        Err(unknown) => unknown,
        Ok(reading) => late_verdict(context, member, reading),
    };
    Some(context.member_finding(
        rule::WATCH_LATE,
        AlertType::Latency,
        Severity::Warning,
        member,
        verdict,
    ))
}

fn late_verdict(
    context: &Context<'_>,
    member: &MemberSnapshot,
    reading: &CanaryReading,
) -> Verdict {
    if reading.put.result.is_err() {
        return Verdict::unknown_because(UnknownClass::NotEnoughData, "the canary's write failed");
    }
    let mut events = reading.events.iter();
    let Some(event) = events.find(|event| event.endpoint == member.endpoint) else {
        return Verdict::unknown_because(
            UnknownClass::NotServed,
            "no watch through this member: it did not answer, or is a learner",
        );
    };
    let failure = event.event.failure();
    match failure {
        Some(failure) if failure.kind != FailureKind::TimedOut => {
            return Verdict::unknown_because(
                class_of(failure.kind),
                format!("the watch failed: {}", failure.message),
            );
        }
        _ => {}
    }
    let lateness = event.event.took_seconds - reading.put.took_seconds;
    if !lateness.is_finite() {
        return Verdict::unknown_because(
            UnknownClass::BadAnswer,
            "the time of the event is no time",
        );
    }
    if lateness <= context.parameters.canary.watch_late_seconds && failure.is_none() {
        return Verdict::False;
    }
    if context.view.late {
        return Verdict::late();
    }
    Verdict::when(true, || {
        describe_late(context, member, reading, lateness, failure.is_some())
    })
}

fn describe_late(
    context: &Context<'_>,
    member: &MemberSnapshot,
    reading: &CanaryReading,
    lateness: f64,
    missing: bool,
) -> (String, Vec<Evidence>, String) {
    let timely = reading
        .events
        .iter()
        .filter(|event| event.event.result.is_ok() && event.endpoint != member.endpoint)
        .count();
    let how = if missing { "more than " } else { "" };
    let cause = format!(
        "A watch through {} tells {how}{lateness:.1} s late of a write; {timely} of {} other watches have told",
        member.name,
        reading.events.len().saturating_sub(1)
    );
    let mut seen = vec![evidence(
        format!("watch of {} through {}", reading.key, member.endpoint),
        format!("{how}{lateness:.3} s after the write was answered"),
        reading.put.at,
    )];
    seen.extend(backlog(context, member));
    seen.extend(send_seen(context, member));
    let action = format!(
        "Look for clients that watch much and read slowly on {}: `curl -s {}/metrics | grep -E 'slow_watcher|pending_events'`",
        member.name, member.endpoint
    );
    (cause, seen, action)
}

/// What the member says of its own watchers.
fn backlog(context: &Context<'_>, member: &MemberSnapshot) -> Vec<Evidence> {
    let page = context
        .row_of(member)
        .and_then(super::super::view::Row::page);
    let families = page.map(|page| {
        [
            (
                "etcd_debugging_mvcc_slow_watcher_total",
                page.store.slow_watchers,
            ),
            (
                "etcd_debugging_mvcc_pending_events_total",
                page.store.pending_events,
            ),
        ]
    });
    let values = families.into_iter().flatten();
    let values = values.filter_map(|(family, value)| Some((family, value?)));
    values
        .map(|(family, value)| evidence(family, value.to_string(), context.now()))
        .collect()
}

/// The latest round, or why it says nothing of now.
fn latest<'a>(context: &'a Context<'_>) -> Result<&'a CanaryReading, Verdict> {
    let Some(reading) = context.state.canary.latest() else {
        return Err(Verdict::unknown_because(
            UnknownClass::NotConfigured,
            "the canary has not written: it is off unless configured",
        ));
    };
    let age = context.now().duration_since(reading.put.at).as_secs_f64();
    let cycle = context
        .snapshot
        .interval_seconds
        .max(reading.interval_seconds);
    if age > ROUNDS_FRESH * cycle {
        return Err(Verdict::unknown_because(
            UnknownClass::NotEnoughData,
            format!("the canary was last written at {}", reading.put.at),
        ));
    }
    Ok(reading)
}
