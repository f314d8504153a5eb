//! Silences and acknowledgements by the API: what alerting shows, and what the commands see; and live events that go on
//! where they broke off.

use etcd_monitor_testkit::{AlarmKind, Cluster};
use etcd_monitor_tests::harness::{Daemon, Events, Reply, run_to_end};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{ALERTS, SOON, alert, firing, healthy, items, one, text};

/// The rule whose alert an alarm makes fire in the next cycle.
pub(crate) const NO_SPACE: &str = "AlarmNoSpace";

pub(crate) const SILENCES: &str = "/api/v1/silences";

pub(crate) async fn watched() -> (Cluster, Daemon) {
    let cluster = one().await;
    let endpoint = cluster.member(0).client_url();
    let daemon = Daemon::start(["--endpoints", endpoint, "--interval", "500ms"]).await;
    healthy(&daemon, 1).await;
    (cluster, daemon)
}

pub(crate) async fn changed(daemon: &Daemon, method: Method, path: &str, body: &Value) -> Reply {
    let request = daemon.change(method, path, body);
    Reply::of(request).await.unwrap()
}

/// The alert as it is shown now.
pub(crate) async fn shown(daemon: &Daemon) -> Value {
    let alerts = daemon.json(ALERTS).await;
    let found = alert(&alerts, NO_SPACE, "firing");
    found
        .unwrap_or_else(|| panic!("it fires: {alerts:#}"))
        .clone()
}

/// What a command of the program says, beside the daemon.
async fn said(daemon: &Daemon, command: &[&str]) -> String {
    let folder = daemon.data_dir().display().to_string();
    let ended = run_to_end(&[command, &["--data-dir", &folder]].concat()).await;
    assert_eq!(ended.code, Some(0), "{command:?}: {}", ended.stderr);
    ended.stdout
}

#[tokio::test]
async fn a_silence_of_the_api_mutes_by_the_time_it_is_answered_until_it_is_ended() {
    let (cluster, daemon) = watched().await;
    cluster.raise_alarm(AlarmKind::NoSpace).await.unwrap();
    firing(&daemon, NO_SPACE).await;

    let body = json!({"matchers": [format!("rule={NO_SPACE}")], "duration_seconds": 600,
        "comment": "a test", "author": "me"});
    let added = changed(&daemon, Method::POST, SILENCES, &body).await;
    assert_eq!(added.status, 201, "{}", added.text());
    let silence = added.json();
    let id = text(&silence, "id");
    let muted = shown(&daemon).await;
    assert_eq!(muted["muted_by"], json!({"by": "silence", "name": id}));
    assert!(said(&daemon, &["silence", "list"]).await.contains(id));

    let path = format!("{SILENCES}/{id}");
    let ended = changed(&daemon, Method::DELETE, &path, &json!({})).await;
    assert_eq!(
        (ended.status, text(&ended.json(), "state")),
        (200, "expired")
    );
    let told = shown(&daemon).await;
    assert_eq!(told["muted_by"], Value::Null);
    assert_eq!(said(&daemon, &["silence", "list"]).await, "no silences\n");
}

#[tokio::test]
async fn an_acknowledgement_of_the_api_shows_at_once_and_the_live_events_go_on_where_they_broke_off()
 {
    let (cluster, daemon) = watched().await;
    let mut events = Events::open(&daemon).await;
    let before = events.next_id_of("alerts", SOON).await;
    drop(events);
    cluster.raise_alarm(AlarmKind::NoSpace).await.unwrap();
    let fired = firing(&daemon, NO_SPACE).await;

    let path = format!("{ALERTS}/{}/acknowledgement", text(&fired, "id"));
    let body = json!({"comment": "on it", "author": "me"});
    let put = changed(&daemon, Method::PUT, &path, &body).await;
    assert_eq!(put.status, 200, "{}", put.text());
    let now = shown(&daemon).await;
    assert_eq!(now["acknowledged"], put.json()["acknowledged"]);
    assert_eq!(now["acknowledged"]["by"], "me");

    // What happened meanwhile comes before the alerts as they are.
    let mut events = Events::resume(&daemon, &before).await;
    let mut missed = Vec::new();
    while let Some(event) = events.next(SOON).await {
        match event.kind.as_str() {
            "alert_event" if event.data["alert"]["rule"] == NO_SPACE => {
                missed.push(text(&event.data, "kind").to_owned());
            }
            "alerts" => break,
            kind => assert_ne!(kind, "reset", "{:#}", event.data),
        }
    }
    assert_eq!(missed, ["fired", "acknowledged"]);
    let mut events = Events::resume(&daemon, "999-0").await;
    events.next_of("reset", SOON).await;

    let removed = changed(&daemon, Method::DELETE, &path, &json!({})).await;
    assert_eq!(removed.status, 204, "{}", removed.text());
    let now = shown(&daemon).await;
    assert_eq!(now["acknowledged"], Value::Null);
    let history = daemon.json("/api/v1/alerts/history?limit=1").await;
    let newest = &items(&history, "history")[0];
    assert_eq!(text(newest, "kind"), "acknowledged");
    let path = format!("/api/v1/alerts/history?before={}", text(&history, "next"));
    let older = daemon.json(&path).await;
    assert_eq!(text(&items(&older, "history")[0], "kind"), "fired");
    assert_eq!(older["next"], Value::Null);
}
