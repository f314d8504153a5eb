//! Incidents of the daemon: a member that dies and comes back is one, with its events and its recording.

use etcd_monitor_tests::harness::Daemon;
use serde_json::Value;

use crate::{HISTORY, SOON, firing, healthy, items, resolved, text, three, watch};

const INCIDENTS: &str = "/api/v1/incidents";

/// Waits for the incident of the dead member as it is wanted.
async fn incident(daemon: &Daemon, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let find = |list: &Value| {
        let down = |incident: &&Value| text(incident, "sentence").contains("connection refused");
        let mut incidents = items(list, "incidents").iter().filter(down);
        incidents.find(|incident| wanted(incident)).cloned()
    };
    daemon.until(SOON, INCIDENTS, what, find).await
}

fn is_over(incident: &Value) -> bool {
    !incident["ended_at"].is_null()
}

#[tokio::test]
async fn a_member_that_dies_and_comes_back_is_one_incident() {
    let cluster = three().await;
    let daemon = watch(&cluster).await;
    healthy(&daemon, 3).await;
    let leader = cluster.leader_index().await.unwrap();
    let dead = cluster.member(if leader == 1 { 2 } else { 1 });
    dead.kill().await.unwrap();
    let alert = firing(&daemon, "MemberDown").await;
    let began = incident(&daemon, "it began", |it| !is_over(it)).await;
    assert_eq!(began["cluster"], "default");
    assert_eq!(began["worst"], "critical");
    assert!(text(&began, "sentence").contains(dead.name()), "{began:#}");
    let of_it = |id: &Value| *id == alert["id"];
    assert!(items(&began, "alerts").iter().any(of_it), "{began:#}");

    dead.restart().await.unwrap();
    resolved(&daemon, "MemberDown").await;
    let over = incident(&daemon, "it is over", is_over).await;
    assert_eq!(
        (&over["id"], &over["began_at"]),
        (&began["id"], &began["began_at"])
    );
    let path = format!("{INCIDENTS}/{}", text(&over, "id"));
    let document = daemon.json(&path).await;
    let kind_of = |event: &Value| {
        let is_down = event["alert"]["rule"] == "MemberDown";
        is_down.then(|| text(event, "kind").to_owned())
    };
    let kinds: Vec<String> = items(&document, "events")
        .iter()
        .filter_map(kind_of)
        .collect();
    assert_eq!(kinds, ["fired", "resolved"], "{document:#}");
    let history = daemon.json(HISTORY).await;
    let known = |event: &Value| items(&history, "history").contains(event);
    assert!(items(&document, "events").iter().all(known), "{document:#}");

    let recording = format!("/api/v1/blackbox/{}", text(&document, "recording"));
    assert_eq!(daemon.get(&recording).await.status, 200);
}
