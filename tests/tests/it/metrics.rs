//! The exporter, in both formats.

use etcd_monitor_tests::harness::{Reply, until};

use crate::SOON;
use crate::shared::shared;

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
