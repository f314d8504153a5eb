//! The key-value store, watches and leases of a member.

use etcd_monitor_client::exposition::Sample;
use etcd_monitor_model::StoreMetrics;

use super::histogram;

const WATCH_SEND: &str = "etcd_debugging_server_watch_send_loop_watch_stream_duration_seconds";

pub(super) const FAMILIES: &[&str] = &[
    "etcd_debugging_mvcc_keys_total",
    "etcd_debugging_mvcc_current_revision",
    "etcd_debugging_mvcc_compact_revision",
    "etcd_debugging_mvcc_db_compaction_keys_total",
    "etcd_debugging_mvcc_db_compaction_last",
    "etcd_mvcc_put_total",
    "etcd_mvcc_delete_total",
    "etcd_mvcc_range_total",
    "etcd_mvcc_txn_total",
    "etcd_debugging_mvcc_watcher_total",
    "etcd_debugging_mvcc_watch_stream_total",
    "etcd_debugging_mvcc_slow_watcher_total",
    "etcd_debugging_mvcc_pending_events_total",
    "etcd_debugging_mvcc_events_total",
    WATCH_SEND,
    "etcd_debugging_lease_granted_total",
    "etcd_debugging_lease_revoked_total",
    "etcd_debugging_lease_renewed_total",
    "etcd_debugging_server_lease_expired_total",
];

/// Where the value of a sample with this name goes, if it belongs here.
pub(super) fn slot<'a>(metrics: &'a mut StoreMetrics, name: &str) -> Option<&'a mut Option<f64>> {
    Some(match name {
        "etcd_debugging_mvcc_keys_total" => &mut metrics.keys,
        "etcd_debugging_mvcc_current_revision" => &mut metrics.current_revision,
        "etcd_debugging_mvcc_compact_revision" => &mut metrics.compact_revision,
        "etcd_debugging_mvcc_db_compaction_keys_total" => &mut metrics.compacted_keys,
        "etcd_debugging_mvcc_db_compaction_last" => &mut metrics.last_compaction_seconds,
        "etcd_mvcc_put_total" => &mut metrics.puts,
        "etcd_mvcc_delete_total" => &mut metrics.deletes,
        "etcd_mvcc_range_total" => &mut metrics.ranges,
        "etcd_mvcc_txn_total" => &mut metrics.txns,
        "etcd_debugging_mvcc_watcher_total" => &mut metrics.watchers,
        "etcd_debugging_mvcc_watch_stream_total" => &mut metrics.watch_streams,
        "etcd_debugging_mvcc_slow_watcher_total" => &mut metrics.slow_watchers,
        "etcd_debugging_mvcc_pending_events_total" => &mut metrics.pending_events,
        "etcd_debugging_mvcc_events_total" => &mut metrics.events,
        "etcd_debugging_lease_granted_total" => &mut metrics.leases_granted,
        "etcd_debugging_lease_revoked_total" => &mut metrics.leases_revoked,
        "etcd_debugging_lease_renewed_total" => &mut metrics.leases_renewed,
        "etcd_debugging_server_lease_expired_total" => &mut metrics.leases_expired,
        _ => return None,
    })
}

/// Takes a sample of a histogram of watches.
pub(super) fn take(metrics: &mut StoreMetrics, sample: &Sample<'_>) {
    if sample.name.starts_with(WATCH_SEND) {
        histogram::take(&mut metrics.watch_send, sample);
    }
}

pub(super) fn finish(metrics: &mut StoreMetrics) {
    histogram::finish(&mut metrics.watch_send);
}
