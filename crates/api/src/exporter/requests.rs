//! The requests that the server answered.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use super::collector::{Labels, Snapshots, counter};
use crate::requests::DURATION_BOUNDS_SECONDS;

/// Writes how many there were, and how long they took.
pub(super) fn encode(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let answered = snapshots.source.requests().answered();
    let samples = answered.iter().map(|(answer, count)| {
        let labels: Labels<'_> = vec![
            ("route", &answer.route),
            ("method", answer.method),
            ("status", &answer.status),
        ];
        (labels, *count as f64)
    });
    let help = "Requests that were answered, by the pattern of the route (none where there is no such route), method and status";
    counter(encoder, "etcd_monitor_http_requests", help, samples)?;
    durations(snapshots, encoder)
}

fn durations(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let durations = snapshots.source.requests().durations();
    if durations.is_empty() {
        return Ok(());
    }
    let name = "etcd_monitor_http_request_duration_seconds";
    let help = "Time from a request to the head of its answer, by the pattern of the route";
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    for (route, taken) in &durations {
        let bounds = DURATION_BOUNDS_SECONDS.into_iter().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(taken.buckets).collect();
        let labels: Labels<'_> = vec![("route", route)];
        metric
            .encode_family(&labels)?
            .encode_histogram::<NoLabelSet>(taken.sum_seconds, taken.count(), &buckets, None)?;
    }
    Ok(())
}
