//! The exporter, in both formats.

use etcd_monitor_testkit::Cluster;
use etcd_monitor_tests::harness::{Reply, until};

use crate::shared::shared;
use crate::{SOON, started, watch};

/// The names with a sample on a healthy cluster without load, and how many samples.
const NAMES: [(&str, usize); 21] = [
    ("etcd_cluster_healthy", 1),
    ("etcd_cluster_has_leader", 1),
    ("etcd_cluster_member_count", 1),
    ("etcd_cluster_quorum_size", 1),
    ("etcd_cluster_leader_changes_total", 1),
    ("etcd_request_read_latency_p50_milliseconds", 3),
    ("etcd_request_read_latency_p95_milliseconds", 3),
    ("etcd_request_read_latency_p99_milliseconds", 3),
    ("etcd_request_rate_per_second", 3),
    ("etcd_mvcc_db_total_size_bytes", 3),
    ("etcd_mvcc_db_total_size_in_use_bytes", 3),
    ("etcd_server_proposals_committed_total", 3),
    ("etcd_server_proposals_applied_total", 3),
    ("etcd_server_proposals_pending", 3),
    ("etcd_server_proposals_failed_total", 3),
    ("etcd_server_memory_usage_bytes", 3),
    ("etcd_server_disk_usage_bytes", 3),
    ("etcd_server_active_connections", 3),
    ("etcd_server_watchers", 3),
    ("etcd_monitor_member_up", 3),
    ("etcd_monitor_build_info", 1),
];

/// Of the members through which clients write, on etcd 3.7 and later.
const WRITE_LATENCIES: [&str; 3] = [
    "etcd_request_write_latency_p50_milliseconds",
    "etcd_request_write_latency_p95_milliseconds",
    "etcd_request_write_latency_p99_milliseconds",
];

/// The values of a name's samples.
fn samples(page: &str, name: &str) -> Vec<f64> {
    let value = |line: &str| {
        let rest = line.strip_prefix(name)?.strip_prefix('{')?;
        rest.rsplit(' ').next()?.parse().ok()
    };
    page.lines().filter_map(value).collect()
}

#[tokio::test]
async fn every_promised_name_has_its_samples_and_its_help() {
    let daemon = &shared().daemon;
    // A rate needs two cycles.
    daemon.cycles(2).await;
    let page = daemon.get("/metrics").await.text();
    for (name, count) in NAMES {
        assert_eq!(samples(&page, name).len(), count, "{name} in\n{page}");
        assert!(
            page.contains(&format!("# HELP {name} ")),
            "{name} has no help in\n{page}"
        );
    }
    assert_eq!(samples(&page, "etcd_cluster_healthy"), [1.0]);
    assert_eq!(samples(&page, "etcd_cluster_member_count"), [3.0]);
    assert_eq!(samples(&page, "etcd_cluster_quorum_size"), [2.0]);
    assert!(
        page.contains(r#"etcd_monitor_member_up{cluster="default",member="m1"} 1"#),
        "{page}"
    );
}

#[tokio::test]
async fn disk_latencies_are_known_once_something_is_written() {
    let shared = shared();
    let names = [
        "etcd_disk_wal_fsync_duration_p95_milliseconds",
        "etcd_disk_backend_commit_duration_p95_milliseconds",
    ];
    let mut written = 0;
    let look = async || {
        written += 1;
        let key = format!("metrics/{written}");
        shared.cluster.put(&key, "value").await.unwrap();
        let page = shared.daemon.get("/metrics").await.text();
        let known = names.map(|name| samples(&page, name));
        let all = known
            .iter()
            .all(|values| values.len() == 3 && values.iter().all(|v| *v > 0.0));
        all.then_some(()).ok_or(page)
    };
    until(SOON, "both latencies of each member", look).await;
}

#[tokio::test]
async fn latencies_of_writes_are_known_once_something_is_written() {
    let shared = shared();
    let mut written = 0;
    let look = async || {
        written += 1;
        let key = format!("metrics/writes/{written}");
        shared.cluster.put(&key, "value").await.unwrap();
        let page = shared.daemon.get("/metrics").await.text();
        let [p50, p95, p99] = WRITE_LATENCIES.map(|name| samples(&page, name));
        let known = !p50.is_empty() && p50.len() == p95.len() && p50.len() == p99.len();
        let first = |values: &[f64]| values.first().copied();
        known
            .then(|| [first(&p50), first(&p95), first(&p99)])
            .ok_or(page)
    };
    let quantiles = until(SOON, "latencies of writes", look).await;
    let [p50, p95, p99] = quantiles.map(Option::unwrap);
    assert!(0.0 < p50 && p50 <= p95 && p95 <= p99, "{quantiles:?}");
    let page = shared.daemon.get("/metrics").await.text();
    for name in WRITE_LATENCIES {
        assert!(page.contains(&format!("# HELP {name} ")), "{page}");
    }
}

#[tokio::test]
async fn a_latency_of_writes_that_nobody_measured_has_no_sample() {
    for version in ["3.5.35", "3.6.16"] {
        let cluster = started(Cluster::builder().version(version).members(1)).await;
        let daemon = watch(&cluster).await;
        daemon.cycles(1).await;
        cluster.put("metrics/written", "value").await.unwrap();
        daemon.cycles(2).await;
        let page = daemon.get("/metrics").await.text();
        let fsync = samples(&page, "etcd_disk_wal_fsync_duration_p95_milliseconds");
        assert_eq!(fsync.len(), 1, "{version} has written");
        for name in WRITE_LATENCIES {
            assert_eq!(samples(&page, name), [0.0; 0], "{version}: {name}");
        }
    }
}

#[tokio::test]
async fn the_format_follows_the_accept_header() {
    let daemon = &shared().daemon;
    let plain = daemon.get("/metrics").await;
    assert_eq!(
        plain.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    assert!(!plain.text().contains("# EOF"));
    let request = daemon.request("/metrics");
    let request = request.header("accept", "application/openmetrics-text; version=1.0.0");
    let open = Reply::of(request).await.unwrap();
    assert!(
        open.header("content-type")
            .starts_with("application/openmetrics-text")
    );
    assert!(open.text().ends_with("# EOF\n"), "{}", open.text());
    assert!(
        open.text()
            .contains("# TYPE etcd_cluster_leader_changes counter")
    );
    assert_eq!(
        samples(&open.text(), "etcd_cluster_leader_changes_total").len(),
        1
    );
}
