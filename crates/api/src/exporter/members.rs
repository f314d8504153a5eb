//! What the monitor derives of members beyond the promised names.

use std::fmt;

use etcd_monitor_model::MemberMetrics;
use prometheus_client::encoding::DescriptorEncoder;

use super::cluster::labelled;
use super::collector::{Snapshots, gauge};

type OfMetrics = fn(&MemberMetrics) -> Option<f64>;

const GAUGES: [(&str, &str, OfMetrics); 12] = [
    (
        "etcd_monitor_member_wal_fsync_p99_seconds",
        "99th percentile of WAL fsync over 5 minutes, from bucket differences; etcd's histogram ends at 8.192",
        |metrics| metrics.disk.wal_fsync?.p99_seconds,
    ),
    (
        "etcd_monitor_member_backend_commit_p99_seconds",
        "99th percentile of backend commit over 5 minutes, likewise",
        |metrics| metrics.disk.backend_commit?.p99_seconds,
    ),
    (
        "etcd_monitor_member_request_fault_share",
        "Share of the unary requests of 5 minutes whose code blames the server",
        |metrics| metrics.requests.server_fault_share,
    ),
    (
        "etcd_monitor_member_committed_per_second",
        "Raft entries committed per second since the page before",
        |metrics| metrics.raft.committed_per_second,
    ),
    (
        "etcd_monitor_member_heartbeat_failures_per_second",
        "Heartbeats that a leader sent too late, per second since the page before",
        |metrics| metrics.raft.heartbeat_failures_per_second,
    ),
    (
        "etcd_monitor_member_slow_applies_per_second",
        "Applies slower than the member's warning threshold, likewise",
        |metrics| metrics.raft.slow_applies_per_second,
    ),
    (
        "etcd_monitor_member_slow_watchers",
        "Watchers that are not in sync",
        |metrics| metrics.watch.slow_watchers,
    ),
    (
        "etcd_monitor_member_pending_events",
        "Events not yet sent to watchers",
        |metrics| metrics.watch.pending_events,
    ),
    (
        "etcd_monitor_member_cpu_cores",
        "CPU seconds per second of the member's process since the page before",
        |metrics| metrics.process.cpu_cores,
    ),
    (
        "etcd_monitor_member_gc_pause_share",
        "Share of the time in pauses of the garbage collection since the page before",
        |metrics| metrics.process.gc_pause_share,
    ),
    (
        "etcd_monitor_member_open_fds",
        "File descriptors that the member's process has open",
        |metrics| metrics.process.open_fds,
    ),
    (
        "etcd_monitor_member_max_fds",
        "File descriptors that it may open",
        |metrics| metrics.process.max_fds,
    ),
];

/// Writes them, a sample where the value is known.
pub(super) fn encode(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let members = labelled(snapshots);
    for (name, help, value) in GAUGES {
        let samples = members
            .iter()
            .filter_map(|member| member.sample(value(&member.seen.metrics)));
        gauge(encoder, name, help, samples)?;
    }
    Ok(())
}
