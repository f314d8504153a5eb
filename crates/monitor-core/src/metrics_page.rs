//! A member's `/metrics` page, reduced to the families that are used.

use etcd_monitor_client::exposition::{Sample, scan};
use etcd_monitor_model::{MemberId, MetricsPage};

const FAMILIES: [&str; 14] = [
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
    "etcd_server_request_duration_seconds_bucket",
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
    sort_buckets(&mut read.write_buckets);
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
        "etcd_server_request_duration_seconds_bucket" => take_request(read, sample),
        "etcd_network_peer_received_bytes_total" => take_peer(read, sample),
        _ => {}
    }
}

fn add(total: &mut Option<f64>, value: f64) {
    *total = Some(total.unwrap_or(0.0) + value);
}

fn take_handled(read: &mut MetricsPage, sample: &Sample<'_>) {
    add(&mut read.grpc_handled, sample.value);
    // A member has a sample for each code of each method, nearly all of them 0.
    let adds_nothing = sample.value == 0.0 && read.grpc_unary_handled.is_some();
    if !adds_nothing && sample.labels.get("grpc_type").as_deref() == Some("unary") {
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

/// Adds up the buckets of successful writes.
///
/// A series appears with its first request, so the other types stand for zero: the first write must count too.
fn take_request(read: &mut MetricsPage, sample: &Sample<'_>) {
    let label = |name| sample.labels.get(name);
    if label("success").as_deref() != Some("true") {
        return;
    }
    let is_write = matches!(label("type").as_deref(), Some("Put" | "Txn"));
    let count = if is_write { sample.value } else { 0.0 };
    let buckets = read.write_buckets.get_or_insert_default();
    let Some(bound) = upper_bound(sample) else {
        return;
    };
    let same = |(known, _): &&mut (f64, f64)| known.total_cmp(&bound).is_eq();
    if let Some((_, total)) = buckets.iter_mut().find(same) {
        *total += count;
    } else if buckets.len() < BUCKETS_MAX {
        buckets.push((bound, count));
    }
}

fn bucket(buckets: &mut Option<Vec<(f64, f64)>>, sample: &Sample<'_>) {
    let buckets = buckets.get_or_insert_default();
    if let Some(bound) = upper_bound(sample).filter(|_| buckets.len() < BUCKETS_MAX) {
        buckets.push((bound, sample.value));
    }
}

fn upper_bound(sample: &Sample<'_>) -> Option<f64> {
    let bound: f64 = sample.labels.get("le")?.parse().ok()?;
    (!bound.is_nan()).then_some(bound)
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
    fn requests(labels: &str, counts: [u32; 3]) -> String {
        let line = |bound, count| {
            format!(
                "etcd_server_request_duration_seconds_bucket{{{labels},le=\"{bound}\"}} {count}\n"
            )
        };
        ["0.001", "0.002", "+Inf"]
            .into_iter()
            .zip(counts)
            .map(|(bound, count)| line(bound, count))
            .collect()
    }

    fn writes(page: &str) -> Option<Vec<f64>> {
        let buckets = read_metrics_page(page.as_bytes()).write_buckets?;
        let bounds: Vec<f64> = buckets.iter().map(|(bound, _)| *bound).collect();
        assert_eq!(bounds, [0.001, 0.002, f64::INFINITY]);
        Some(buckets.into_iter().map(|(_, count)| count).collect())
    }

    #[test]
    fn writes_are_the_successful_puts_and_transactions() {
        let reads = requests(r#"success="true",type="Range""#, [1000, 1000, 1000])
            + &requests(r#"success="true",type="ReadonlyTxn""#, [500, 500, 500]);
        let failed = requests(r#"success="false",type="Put""#, [70, 80, 90]);
        let puts = requests(r#"success="true",type="Put""#, [1, 2, 3]);
        let transactions = requests(r#"success="true",type="Txn""#, [10, 20, 30]);
        assert_eq!(writes(&failed), None);
        assert_eq!(
            writes(&(reads.clone() + &failed)),
            Some(vec![0.0, 0.0, 0.0])
        );
        assert_eq!(
            writes(&(failed + &puts + &reads + &transactions)),
            Some(vec![11.0, 22.0, 33.0])
        );
    }

    #[test]
    fn a_count_of_zero_is_known_to_be_zero() {
        let sample = |code| {
            format!("grpc_server_handled_total{{grpc_code=\"{code}\",grpc_type=\"unary\"}} 0\n")
        };
        let read = read_metrics_page((sample("OK") + &sample("Aborted")).as_bytes());
        assert_eq!(
            (read.grpc_handled, read.grpc_unary_handled),
            (Some(0.0), Some(0.0))
        );
    }
}
