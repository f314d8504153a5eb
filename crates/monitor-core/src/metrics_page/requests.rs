//! Requests that a member took from clients.

use etcd_monitor_client::exposition::Sample;
use etcd_monitor_model::RequestMetrics;

use super::histogram;

pub(super) const FAMILIES: &[&str] = &[
    "grpc_server_handled_total",
    "grpc_server_started_total",
    "grpc_server_handling_seconds",
    "etcd_server_request_duration_seconds",
];

/// Codes that blame the server and not the one who asked: the set of etcd's own alert rules.
const SERVER_FAULTS: [&str; 7] = [
    "Unknown",
    "FailedPrecondition",
    "ResourceExhausted",
    "Internal",
    "Unavailable",
    "DataLoss",
    "DeadlineExceeded",
];

/// Takes a sample of the gRPC library.
pub(super) fn take(metrics: &mut RequestMetrics, sample: &Sample<'_>) {
    match sample.name {
        "grpc_server_started_total" => take_started(metrics, sample),
        "grpc_server_handled_total" => take_handled(metrics, sample),
        _ if has(sample, "grpc_type", "unary") => take_handling(metrics, sample),
        _ => {}
    }
}

/// Counts of zero are passed over, so the bounds of other methods stand for those of a method without requests.
fn take_handling(metrics: &mut RequestMetrics, sample: &Sample<'_>) {
    histogram::take(&mut metrics.unary_handling, sample);
    let method = sample.labels.get("grpc_method");
    let counted = |is: bool| if is { sample.value } else { 0.0 };
    let read = method.as_deref() == Some("Range");
    histogram::take_scaled(&mut metrics.grpc_reads, sample, counted(read));
    let write = matches!(method.as_deref(), Some("Put" | "Txn"));
    histogram::take_scaled(&mut metrics.grpc_writes, sample, counted(write));
}

fn take_started(metrics: &mut RequestMetrics, sample: &Sample<'_>) {
    add(&mut metrics.started, sample.value);
    known([
        &mut metrics.watch_streams_started,
        &mut metrics.lease_streams_started,
    ]);
    match stream_service(sample).as_deref() {
        Some("etcdserverpb.Watch") => add(&mut metrics.watch_streams_started, sample.value),
        Some("etcdserverpb.Lease") => add(&mut metrics.lease_streams_started, sample.value),
        _ => {}
    }
}

fn take_handled(metrics: &mut RequestMetrics, sample: &Sample<'_>) {
    add(&mut metrics.handled, sample.value);
    known([
        &mut metrics.unary_handled,
        &mut metrics.unary_server_faults,
        &mut metrics.watch_streams_handled,
        &mut metrics.lease_streams_handled,
    ]);
    if has(sample, "grpc_type", "unary") {
        add(&mut metrics.unary_handled, sample.value);
        let code = sample.labels.get("grpc_code");
        if code.is_some_and(|code| SERVER_FAULTS.contains(&&*code)) {
            add(&mut metrics.unary_server_faults, sample.value);
        }
    }
    match stream_service(sample).as_deref() {
        Some("etcdserverpb.Watch") => add(&mut metrics.watch_streams_handled, sample.value),
        Some("etcdserverpb.Lease") => add(&mut metrics.lease_streams_handled, sample.value),
        _ => {}
    }
}

/// Where a family is there, what is not in it, or is passed over as 0, has not happened.
fn known<const SUMS: usize>(sums: [&mut Option<f64>; SUMS]) {
    for sum in sums {
        sum.get_or_insert(0.0);
    }
}

/// Takes a sample of the server's own durations (3.7 and later), which are of all request types.
///
/// A series appears with its first request, so the other types stand for zero: the first write must count too.
pub(super) fn take_durations(metrics: &mut RequestMetrics, sample: &Sample<'_>) {
    if !sample
        .name
        .starts_with("etcd_server_request_duration_seconds")
        || !has(sample, "success", "true")
    {
        return;
    }
    let kind = sample.labels.get("type");
    let counted = |is: bool| if is { sample.value } else { 0.0 };
    let write = matches!(kind.as_deref(), Some("Put" | "Txn"));
    histogram::take_scaled(&mut metrics.writes, sample, counted(write));
    let read = kind.as_deref() == Some("Range");
    histogram::take_scaled(&mut metrics.reads, sample, counted(read));
}

fn stream_service<'a>(sample: &Sample<'a>) -> Option<std::borrow::Cow<'a, str>> {
    if has(sample, "grpc_type", "bidi_stream") {
        sample.labels.get("grpc_service")
    } else {
        None
    }
}

fn has(sample: &Sample<'_>, label: &str, value: &str) -> bool {
    sample.labels.get(label).as_deref() == Some(value)
}

fn add(total: &mut Option<f64>, value: f64) {
    *total = Some(total.unwrap_or(0.0) + value);
}

pub(super) fn finish(metrics: &mut RequestMetrics) {
    histogram::finish(&mut metrics.writes);
    histogram::finish(&mut metrics.reads);
    histogram::finish(&mut metrics.unary_handling);
    histogram::finish(&mut metrics.grpc_reads);
    histogram::finish(&mut metrics.grpc_writes);
}
