//! Endpoints that belong to another cluster than they should.

use etcd_monitor_testkit::Cluster;
use etcd_monitor_tests::harness::Daemon;

use crate::{STATUS, firing, items, one, text};

/// The cluster id, as a daemon that watches nothing else says it.
async fn cluster_id(cluster: &Cluster) -> String {
    let daemon = crate::watch(cluster).await;
    text(&daemon.json(STATUS).await, "cluster_id").to_owned()
}

#[tokio::test]
async fn endpoints_of_two_clusters_under_one_name_are_named_with_both_ids() {
    let (first, second) = tokio::join!(one(), one());
    let ids = tokio::join!(cluster_id(&first), cluster_id(&second));
    assert_ne!(ids.0, ids.1);
    let endpoints = [first.member(0).client_url(), second.member(0).client_url()].join(",");
    let daemon = Daemon::start(["--endpoints", &endpoints, "--interval", "1s"]).await;
    let alert = firing(&daemon, "ClusterIdMismatch").await;
    assert_eq!(
        (text(&alert, "severity"), text(&alert, "alert_type")),
        ("critical", "configuration")
    );
    for id in [&ids.0, &ids.1] {
        assert!(
            text(&alert, "cause").contains(id.as_str()),
            "{id} is not in {alert:#}"
        );
    }
    assert!(items(&alert, "evidence").len() >= 2, "{alert:#}");
    daemon.cycles(2).await;
    let rules = crate::rules_of_history(&daemon).await;
    assert_eq!(rules, ["ClusterIdMismatch"], "no member is called down");
}
