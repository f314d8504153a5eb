//! Members that die, and come back.

use std::time::{Duration, Instant};

use etcd_monitor_testkit::Cluster;
use etcd_monitor_tests::harness::{Daemon, WebhookReceiver};
use serde_json::Value;

use crate::{
    FINDINGS, SNAPSHOT, SOON, STATUS, alert, finding_of, firing, healthy, items, number, resolved,
    text, three, true_finding, watch,
};

/// From the death of a member to its alert at the webhook, with nothing configured: a promise to users.
const PROMISED: Duration = Duration::from_secs(20);

/// A member that does not lead, and is not the one that the daemon was given.
async fn follower(cluster: &Cluster) -> usize {
    let leader = cluster
        .leader_index()
        .await
        .expect("the cluster is healthy");
    if leader == 1 { 2 } else { 1 }
}

#[tokio::test]
async fn a_dead_follower_is_told_within_20_s_at_all_defaults_and_its_return_as_well() {
    let cluster = three().await;
    let hook = WebhookReceiver::start().await;
    let endpoint = cluster.member(0).client_url();
    let daemon = Daemon::start(["--endpoints", endpoint, "--webhook-url", hook.url()]).await;
    healthy(&daemon, 3).await;
    let dead = cluster.member(follower(&cluster).await);

    let killed_at = Instant::now();
    dead.kill().await.unwrap();
    let told = hook.wait_for("firing", "MemberDown", PROMISED).await;
    let took = told.at.duration_since(killed_at);
    assert!(took <= PROMISED, "it took {took:?}");
    let alert = &told.body["alert"];
    assert_eq!(
        (text(alert, "severity"), text(alert, "alert_type")),
        ("critical", "member")
    );
    assert_eq!(alert["subject"]["name"], dead.name());
    assert!(
        text(alert, "cause").contains("connection refused"),
        "{alert:#}"
    );
    assert!(
        text(alert, "cause").contains("no further failure is tolerated"),
        "{alert:#}"
    );
    assert!(!items(alert, "evidence").is_empty());
    let block = daemon
        .log()
        .line("[FIRING critical] MemberDown: ", SOON)
        .await;
    assert!(block.contains(dead.name()), "{block}");

    dead.restart().await.unwrap();
    let over = hook.wait_for("resolved", "MemberDown", PROMISED).await;
    assert_eq!(over.body["dedup_key"], told.body["dedup_key"]);
    assert_eq!(over.body["alert"]["resolve_reason"], "cleared");
    let about: Vec<Value> = hook
        .all()
        .iter()
        .map(|post| post.body["alert"]["rule"].clone())
        .collect();
    assert_eq!(about, ["MemberDown", "MemberDown"], "one cause, one alert");
    daemon.log().line("[RESOLVED] MemberDown", SOON).await;
}

#[tokio::test]
async fn a_dead_leader_is_followed_by_another_and_the_change_is_counted() {
    let cluster = three().await;
    let daemon = watch(&cluster).await;
    healthy(&daemon, 3).await;
    let before = daemon.json(STATUS).await;
    let index = cluster.leader_index().await.unwrap();

    cluster.member(index).kill().await.unwrap();
    let changed = |status: &Value| {
        let other =
            status["leader"]["id"].is_string() && status["leader"]["id"] != before["leader"]["id"];
        other.then(|| status.clone())
    };
    let after = daemon
        .until(SOON, STATUS, "another member leads", changed)
        .await;
    assert!(number(&after["leader"], "term") > number(&before["leader"], "term"));
    assert!(number(&after, "leader_changes") > number(&before, "leader_changes"));
    let last = items(&after, "leader_history")
        .last()
        .expect("a change was seen");
    assert_eq!(last["to"], after["leader"]["id"]);
    assert_eq!(last["term"], after["leader"]["term"]);
    assert!(after["leader"]["since"].as_str() > before["leader"]["since"].as_str());
    let down = finding_of(&daemon, "MemberDown").await;
    assert_eq!(down["subject"]["name"], cluster.member(index).name());
    let available = daemon.json(STATUS).await["quorum"].clone();
    assert_eq!(
        available,
        serde_json::json!({"voters": 3, "learners": 0, "needed": 2, "available": 2, "tolerance": 0})
    );
}

#[tokio::test]
async fn a_lost_quorum_is_the_root_of_what_follows_from_it_and_resolves() {
    let cluster = three().await;
    let daemon = watch(&cluster).await;
    healthy(&daemon, 3).await;

    for index in [1, 2] {
        cluster.member(index).kill().await.unwrap();
    }
    let lost = firing(&daemon, "QuorumLost").await;
    assert_eq!(
        (text(&lost, "severity"), text(&lost, "alert_type")),
        ("critical", "quorum")
    );
    for name in ["m1", "m2", "1 of 3 voters answer, 2 needed"] {
        assert!(text(&lost, "cause").contains(name), "{lost:#}");
    }
    // A leader steps down when it has not heard a quorum for an election timeout.
    let explained = |found: &Value| {
        let root = |rule: &str| Some(&true_finding(found, rule)?["caused_by"]["rule"]);
        let rules = ["MemberDown", "NoLeader", "LinearizableReadFailing"];
        rules
            .iter()
            .all(|rule| root(rule).is_some_and(|by| by == "QuorumLost"))
            .then_some(())
    };
    daemon
        .until(SOON, FINDINGS, "QuorumLost explains the rest", explained)
        .await;
    let snapshot = daemon.json(SNAPSHOT).await;
    assert_eq!(snapshot["status"]["healthy"], false);
    assert_eq!(snapshot["status"]["quorum"]["available"], 1);
    assert!(
        text(&snapshot["status"], "sentence").starts_with("Quorum lost"),
        "{snapshot:#}"
    );

    for index in [1, 2] {
        cluster.member(index).start().unwrap();
    }
    resolved(&daemon, "QuorumLost").await;
    healthy(&daemon, 3).await;
    let history = crate::rules_of_history(&daemon).await;
    assert!(
        history.iter().all(|rule| rule == "QuorumLost"),
        "only the root was told: {history:?}"
    );
    let alerts = daemon.json(crate::ALERTS).await;
    assert!(
        alert(&alerts, "QuorumLost", "firing").is_none(),
        "{alerts:#}"
    );
}
