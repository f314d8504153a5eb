//! Clusters and members that do not answer at all.

use etcd_monitor_testkit::Cluster;
use etcd_monitor_tests::harness::{Daemon, Events};
use serde_json::Value;

use crate::{
    MEMBERS, SOON, STATUS, firing, healthy, items, number, resolved, started, text, three,
};

#[tokio::test]
async fn a_cluster_that_is_not_there_at_the_start_is_named_and_recovers_by_itself() {
    let cluster = started(Cluster::builder().members(5)).await;
    for member in cluster.members() {
        member.kill().await.unwrap();
    }
    let endpoints = cluster.endpoints().join(",");
    let daemon = Daemon::start(["--endpoints", &endpoints, "--interval", "1s"]).await;
    assert_eq!(
        daemon.get("/health").await.status,
        200,
        "the daemon itself works"
    );
    assert_eq!(daemon.get("/").await.status, 200);
    let members = daemon.json(MEMBERS).await;
    assert_eq!(items(&members, "members").len(), 5);
    for (member, real) in items(&members, "members").iter().zip(cluster.members()) {
        assert_eq!(text(member, "endpoint"), real.client_url());
        assert_eq!(member["healthy"], false);
        assert_eq!(text(&member["failure"], "kind"), "refused");
        assert!(text(&member["failure"], "message").contains("connection refused"));
    }
    let status = daemon.json(STATUS).await;
    assert_ne!(status["healthy"], true);
    assert_eq!(
        (&status["leader"], &status["quorum"]),
        (&Value::Null, &Value::Null)
    );
    let alert = firing(&daemon, "ClusterUnreachable").await;
    assert!(text(&alert, "cause").contains("refused"), "{alert:#}");
    assert_eq!(items(&alert, "evidence").len(), 5);
    let rules = crate::rules_of_history(&daemon).await;
    assert_eq!(rules, ["ClusterUnreachable"], "nothing else fires");

    cluster
        .members()
        .iter()
        .for_each(|member| member.start().unwrap());
    resolved(&daemon, "ClusterUnreachable").await;
    healthy(&daemon, 5).await;
    let rules = crate::rules_of_history(&daemon).await;
    assert_eq!(
        rules, ["ClusterUnreachable"; 2],
        "nothing else fired while the members came back"
    );
}

#[tokio::test]
async fn a_hanging_member_costs_its_own_deadline_and_nobody_elses() {
    let cluster = three().await;
    let endpoint = cluster.member(0).client_url();
    // The deadline is half an interval, and 2 s at most.
    let daemon = Daemon::start(["--endpoints", endpoint, "--interval", "4s"]).await;
    healthy(&daemon, 3).await;
    let hanging = cluster.member(2);

    hanging.stop().unwrap();
    let mut events = Events::open(&daemon).await;
    // The stop falls into the cycle of the first event, or comes after it.
    events.next_of("snapshot", SOON).await;
    for _ in 0..4 {
        let snapshot = events.next_of("snapshot", SOON).await;
        let took = number(&snapshot["status"], "cycle_seconds");
        assert!(took <= 3.0, "a cycle took {took} s");
        let members = items(&snapshot, "members");
        for member in members
            .iter()
            .filter(|member| member["name"] != hanging.name())
        {
            assert_eq!(member["healthy"], true, "{member:#}");
        }
    }
    let alert = firing(&daemon, "MemberDown").await;
    assert_eq!(alert["subject"]["name"], hanging.name());
    assert!(
        text(&alert, "cause").contains("no answer within the deadline"),
        "{alert:#}"
    );
    assert_eq!(
        daemon.json(STATUS).await["healthy"],
        false,
        "no further failure is tolerated"
    );

    hanging.cont().unwrap();
    resolved(&daemon, "MemberDown").await;
    healthy(&daemon, 3).await;
}

#[tokio::test]
async fn a_member_that_only_the_monitor_cannot_reach_is_not_called_down() {
    let cluster = three().await;
    let endpoint = cluster.member(0).client_url();
    let daemon = Daemon::start(["--endpoints", endpoint, "--interval", "2s"]).await;
    healthy(&daemon, 3).await;

    cluster.isolate_from_clients(1);
    let alert = firing(&daemon, "MemberUnreachable").await;
    assert_eq!(
        (text(&alert, "severity"), text(&alert, "alert_type")),
        ("warning", "partition")
    );
    assert!(
        text(&alert, "cause").contains("its peers hear it"),
        "{alert:#}"
    );
    let rules = crate::rules_of_history(&daemon).await;
    assert_eq!(rules, ["MemberUnreachable"]);

    cluster.heal();
    resolved(&daemon, "MemberUnreachable").await;
    healthy(&daemon, 3).await;
}
