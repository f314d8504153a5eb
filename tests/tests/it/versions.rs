//! The versions of etcd that are still maintained.

use etcd_monitor_testkit::Cluster;

use crate::{healthy, items, nothing_wrong, number, started, watch};

async fn assert_watched(version: &str) {
    let cluster = started(Cluster::builder().version(version)).await;
    let daemon = watch(&cluster).await;
    healthy(&daemon, 3).await;
    // Counters of one member's page are compared with those of the cycle before.
    daemon.cycles(1).await;
    let snapshot = nothing_wrong(&daemon).await;
    assert_eq!(snapshot["status"]["quorum"]["available"], 3);
    for member in items(&snapshot, "members") {
        assert_eq!(member["version"], version);
        assert_eq!(member["database"]["quota_bytes"], 2_u64 << 30);
        assert!(number(&member["counters"], "resident_memory_bytes") > 1e6);
    }
    assert_eq!(crate::rules_of_history(&daemon).await, [""; 0]);
}

#[tokio::test]
async fn etcd_3_5_is_watched() {
    assert_watched("3.5.35").await;
}

#[tokio::test]
async fn etcd_3_6_is_watched() {
    assert_watched("3.6.16").await;
}
