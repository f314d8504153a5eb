//! Disk and backend of a member.

use etcd_monitor_client::exposition::Sample;
use etcd_monitor_model::{DiskMetrics, HistogramReading};

use super::histogram;

pub(super) const FAMILIES: &[&str] = &[
    "etcd_disk_wal_fsync_duration_seconds",
    "etcd_disk_backend_commit_duration_seconds",
    "etcd_disk_backend_snapshot_duration_seconds",
    "etcd_disk_backend_defrag_duration_seconds",
    "etcd_mvcc_hash_rev_duration_seconds",
    "etcd_disk_defrag_inflight",
    "etcd_disk_wal_write_bytes_total",
    "etcd_server_quota_backend_bytes",
    "etcd_mvcc_db_open_read_transactions",
];

pub(super) fn take(metrics: &mut DiskMetrics, sample: &Sample<'_>) {
    let value = Some(sample.value);
    match sample.name {
        "etcd_disk_defrag_inflight" => metrics.defrag_in_flight = value,
        "etcd_disk_wal_write_bytes_total" => metrics.wal_written_bytes = value,
        "etcd_server_quota_backend_bytes" => metrics.quota_backend_bytes = value,
        "etcd_mvcc_db_open_read_transactions" => metrics.open_read_transactions = value,
        name => {
            if let Some(reading) = histogram_of(metrics, name) {
                histogram::take(reading, sample);
            }
        }
    }
}

fn histogram_of<'a>(
    metrics: &'a mut DiskMetrics,
    name: &str,
) -> Option<&'a mut Option<HistogramReading>> {
    let (family, _) = name.rsplit_once('_')?;
    Some(match family {
        "etcd_disk_wal_fsync_duration_seconds" => &mut metrics.wal_fsync,
        "etcd_disk_backend_commit_duration_seconds" => &mut metrics.backend_commit,
        "etcd_disk_backend_snapshot_duration_seconds" => &mut metrics.snapshot,
        "etcd_disk_backend_defrag_duration_seconds" => &mut metrics.defrag,
        "etcd_mvcc_hash_rev_duration_seconds" => &mut metrics.hash_rev,
        _ => return None,
    })
}

pub(super) fn finish(metrics: &mut DiskMetrics) {
    histogram::finish(&mut metrics.wal_fsync);
    histogram::finish(&mut metrics.backend_commit);
    histogram::finish(&mut metrics.snapshot);
    histogram::finish(&mut metrics.defrag);
    histogram::finish(&mut metrics.hash_rev);
}
