//! A member's `/metrics` page, reduced to the families that are used.

use etcd_monitor_client::exposition::{Sample, scan};
use etcd_monitor_model::{MemberId, MetricsPage};

const FAMILIES: [&str; 13] = [
    "process_start_time_seconds",
    "process_resident_memory_bytes",
    "etcd_server_quota_backend_bytes",
    "etcd_server_proposals_committed_total",
    "etcd_server_proposals_applied_total",
    "etcd_server_proposals_pending",
    "etcd_server_proposals_failed_total",
    "etcd_debugging_mvcc_watcher_total",
    "grpc_server_started_total",
    "grpc_server_handled_total",
    "etcd_disk_wal_fsync_duration_seconds_bucket",
    "etcd_disk_backend_commit_duration_seconds_bucket",
    "etcd_network_peer_received_bytes_total",
];

/// Peers kept per page: far above the 7 voters of the largest sensible cluster; beyond it a page is hostile.
const PEERS_MAX: usize = 64;

/// Buckets kept per histogram: etcd's have 14 or 20.
const BUCKETS_MAX: usize = 64;

/// Reads the families that `assess` uses from a page in the Prometheus text format; an absent family stays `None`.
///
/// Never fails: lines that are not in the format are skipped and counted.
pub fn read_metrics_page(page: &[u8]) -> MetricsPage {
    let mut read = MetricsPage::default();
    read.page_bytes = page.len() as u64;
    let mut samples = scan(page, &FAMILIES);
    for sample in samples.by_ref() {
        take(&mut read, &sample);
    }
    read.skipped_lines = samples.skipped();
    sort_buckets(&mut read.wal_fsync_buckets);
    sort_buckets(&mut read.backend_commit_buckets);
    read
}

fn take(read: &mut MetricsPage, sample: &Sample<'_>) {
    let value = sample.value;
    match sample.name {
        "process_start_time_seconds" => read.process_start_time_seconds = Some(value),
        "process_resident_memory_bytes" => read.resident_memory_bytes = Some(value),
        "etcd_server_quota_backend_bytes" => read.quota_backend_bytes = Some(value),
        "etcd_server_proposals_committed_total" => read.proposals_committed = Some(value),
        "etcd_server_proposals_applied_total" => read.proposals_applied = Some(value),
        "etcd_server_proposals_pending" => read.proposals_pending = Some(value),
        "etcd_server_proposals_failed_total" => read.proposals_failed = Some(value),
        "etcd_debugging_mvcc_watcher_total" => read.watchers = Some(value),
        "grpc_server_started_total" => add(&mut read.grpc_started, value),
        "grpc_server_handled_total" => take_handled(read, sample),
        "etcd_disk_wal_fsync_duration_seconds_bucket" => {
            bucket(&mut read.wal_fsync_buckets, sample);
        }
        "etcd_disk_backend_commit_duration_seconds_bucket" => {
            bucket(&mut read.backend_commit_buckets, sample);
        }
        "etcd_network_peer_received_bytes_total" => take_peer(read, sample),
        _ => {}
    }
}

fn add(total: &mut Option<f64>, value: f64) {
    *total = Some(total.unwrap_or(0.0) + value);
}

fn take_handled(read: &mut MetricsPage, sample: &Sample<'_>) {
    add(&mut read.grpc_handled, sample.value);
    if sample.labels.get("grpc_type").as_deref() == Some("unary") {
        add(&mut read.grpc_unary_handled, sample.value);
    }
}

fn take_peer(read: &mut MetricsPage, sample: &Sample<'_>) {
    let peers = read.peer_received_bytes.get_or_insert_default();
    let from: Option<MemberId> = sample.labels.get("From").and_then(|from| from.parse().ok());
    if let Some(from) = from.filter(|_| peers.len() < PEERS_MAX) {
        peers.push((from, sample.value));
    }
}

fn bucket(buckets: &mut Option<Vec<(f64, f64)>>, sample: &Sample<'_>) {
    let bound = sample
        .labels
        .get("le")
        .and_then(|le| le.parse::<f64>().ok());
    let buckets = buckets.get_or_insert_default();
    if let Some(bound) = bound.filter(|bound| !bound.is_nan() && buckets.len() < BUCKETS_MAX) {
        buckets.push((bound, sample.value));
    }
}

fn sort_buckets(buckets: &mut Option<Vec<(f64, f64)>>) {
    if let Some(buckets) = buckets {
        buckets.sort_by(|left, right| left.0.total_cmp(&right.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_there_and_leaves_the_rest_unknown() {
        let page = b"# TYPE process_start_time_seconds gauge\n\
            process_start_time_seconds 1.7e+09\n\
            grpc_server_handled_total{grpc_code=\"OK\",grpc_type=\"unary\"} 5\n\
            grpc_server_handled_total{grpc_code=\"OK\",grpc_type=\"bidi_stream\"} 2\n\
            etcd_disk_wal_fsync_duration_seconds_bucket{le=\"+Inf\"} 3\n\
            etcd_disk_wal_fsync_duration_seconds_bucket{le=\"0.001\"} 1\n\
            etcd_network_peer_received_bytes_total{From=\"1f\"} 7\n\
            process_resident_memory_bytes is garbage\n";
        let read = read_metrics_page(page);
        assert_eq!(read.process_start_time_seconds, Some(1.7e9));
        assert_eq!(
            (read.grpc_handled, read.grpc_unary_handled),
            (Some(7.0), Some(5.0))
        );
        assert_eq!(
            read.wal_fsync_buckets,
            Some(vec![(0.001, 1.0), (f64::INFINITY, 3.0)])
        );
        assert_eq!(read.peer_received_bytes, Some(vec![(MemberId(0x1f), 7.0)]));
        assert_eq!((read.resident_memory_bytes, read.skipped_lines), (None, 1));
        assert_eq!(read.grpc_started, None);
    }
}
