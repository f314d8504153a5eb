//! Rules, channels and the configuration by the API: what holds, a trial of a channel, and reading it again.

use std::fs;

use etcd_monitor_tests::harness::{Daemon, Reply, WebhookReceiver};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{SOON, healthy, items, one, text};

const RELOAD: &str = "/api/v1/configuration/reload";

async fn post(daemon: &Daemon, path: &str) -> Reply {
    let request = daemon.change(Method::POST, path, &json!({}));
    Reply::of(request).await.unwrap()
}

fn named<'a>(document: &'a Value, list: &str, key: &str, name: &str) -> &'a Value {
    let mut all = items(document, list).iter();
    let found = all.find(|one| one[key] == name);
    found.unwrap_or_else(|| panic!("{name} is there: {document:#}"))
}

#[tokio::test]
async fn rules_channels_and_configuration_are_told_tried_and_read_again() {
    let cluster = one().await;
    let endpoint = cluster.member(0).client_url();
    let receiver = WebhookReceiver::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("etcd-monitor.yaml");
    let written = |interval: &str| {
        let text = format!(
            "{interval}: 500ms\nclusters: [{{name: prod, endpoints: [{endpoint}]}}]\nalerts:\n  channels:\n    hook: {{type: webhook, url: '{}'}}\n    deaf: {{type: webhook, url: 'http://127.0.0.1:1/'}}\n",
            receiver.url()
        );
        fs::write(&file, text).unwrap();
    };
    written("interval");
    let daemon = Daemon::start(["--config", file.to_str().unwrap()]).await;
    healthy(&daemon, 1).await;

    let rules = daemon.json("/api/v1/rules").await;
    let down = named(&rules, "rules", "rule", "MemberDown");
    assert_eq!(
        (&down["for_seconds"], &down["enabled"]),
        (&json!(9.0), &json!(true))
    );
    assert_eq!(down["alert_type"], "member");
    let channels = daemon.json("/api/v1/channels").await;
    assert_eq!(
        named(&channels, "channels", "name", "hook")["kind"],
        "webhook"
    );

    channels_can_be_tried(&daemon, &receiver).await;

    let before = daemon.json("/api/v1/configuration").await;
    assert_eq!(
        (&before["clusters"], &before["reloadable"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(before["last_reload"], Value::Null);
    assert_eq!(before["web_configuration_file"], Value::Null);
    let reloaded = post(&daemon, RELOAD).await;
    assert_eq!(reloaded.status, 200, "{}", reloaded.text());
    assert_eq!(reloaded.json()["last_reload"]["ok"], true);
    assert!(text(&reloaded.json(), "loaded_at") > text(&before, "loaded_at"));

    written("intervall");
    for path in [RELOAD, "/-/reload"] {
        let refused = post(&daemon, path).await;
        assert_eq!(refused.status, 409, "{}", refused.text());
        let problem = refused.json();
        assert_eq!(text(&problem, "code"), "configuration_refused");
        assert!(
            text(&problem, "detail").contains("did you mean `interval`?"),
            "{problem:#}"
        );
    }
    let after = daemon.json("/api/v1/configuration").await;
    assert_eq!(after["last_reload"]["ok"], false);
    assert_eq!(
        after["loaded_at"],
        reloaded.json()["loaded_at"],
        "the one before goes on"
    );
    answers_under_other_names(&daemon).await;
}

async fn channels_can_be_tried(daemon: &Daemon, receiver: &WebhookReceiver) {
    let tried = post(daemon, "/api/v1/channels/hook/test").await;
    assert_eq!(
        (tried.status, &tried.json()["ok"]),
        (200, &json!(true)),
        "{}",
        tried.text()
    );
    receiver.wait_for("firing", "ChannelTrial", SOON).await;
    receiver.wait_for("resolved", "ChannelTrial", SOON).await;
    let tried = post(daemon, "/api/v1/channels/deaf/test").await.json();
    assert_eq!(tried["ok"], false, "{tried:#}");
    let unknown = post(daemon, "/api/v1/channels/other/test").await;
    assert_eq!(
        (unknown.status, text(&unknown.json(), "code")),
        (404, "channel_unknown")
    );
}

async fn answers_under_other_names(daemon: &Daemon) {
    for path in ["/-/healthy", "/healthz", "/livez", "/-/ready", "/readyz"] {
        assert_eq!(daemon.get(path).await.status, 200, "{path}");
    }
    let asked = daemon.get(RELOAD).await;
    assert_eq!((asked.status, asked.header("allow")), (405, "POST"));
}
