//! Two daemons on the same cluster: what each sends is merged where the service can.

use std::collections::BTreeSet;

use etcd_monitor_testkit::Cluster;
use etcd_monitor_tests::harness::{Alertmanager, Daemon, WebhookReceiver, until};
use serde_json::Value;
use tempfile::TempDir;

use crate::{SOON, healthy, text, three};

/// A daemon, where its webhook goes, and its configuration.
struct Watcher {
    daemon: Daemon,
    hook: WebhookReceiver,
    _folder: TempDir,
}

impl Watcher {
    async fn start(cluster: &Cluster, member: usize, pager: &str, alertmanager: &str) -> Self {
        let hook = WebhookReceiver::start().await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("etcd-monitor.yaml");
        let text = format!(
            "interval: 1s
clusters: [{{name: prod, endpoints: [{endpoint}]}}]
alerts:
  channels:
    hook: {{type: webhook, url: {hook}}}
    pager: {{type: pagerduty, routing_key: 0123456789abcdef0123456789abcdef, api_url: {pager}}}
    am: {{type: alertmanager, urls: [{alertmanager}]}}
",
            endpoint = cluster.member(member).client_url(),
            hook = hook.url(),
        );
        std::fs::write(&file, text).unwrap();
        let daemon = Daemon::start(["--config".to_owned(), file.display().to_string()]).await;
        healthy(&daemon, 3).await;
        Self {
            daemon,
            hook,
            _folder: folder,
        }
    }

    /// What the webhook said of the member's death.
    async fn told(&self, status: &str) -> Value {
        self.hook.wait_for(status, "MemberDown", SOON).await.body
    }
}

/// The dedup keys of the events of one kind that the pager got, and how many there were.
fn events(pager: &WebhookReceiver, action: &str) -> (BTreeSet<String>, usize) {
    let posts = pager.all();
    let of_action = posts
        .iter()
        .filter(|post| post.body["event_action"] == action);
    let keys: Vec<String> = of_action
        .map(|post| text(&post.body, "dedup_key").to_owned())
        .collect();
    (keys.iter().cloned().collect(), keys.len())
}

/// Waits until both daemons have sent an event of this kind, and returns the keys.
async fn both_sent(pager: &WebhookReceiver, action: &str) -> BTreeSet<String> {
    let both = async || match events(pager, action) {
        (keys, 2..) => Ok(keys),
        (_, count) => Err(format!("{count} events: {:#?}", pager.all())),
    };
    until(SOON, &format!("both send {action}"), both).await
}

/// The names of what is active in Alertmanager.
async fn active(alertmanager: &Alertmanager) -> Vec<String> {
    let alerts = alertmanager.alerts().await;
    let named = alerts.iter().map(|alert| &alert["labels"]);
    named
        .map(|labels| text(labels, "alertname").to_owned())
        .collect()
}

async fn wait_for_active(alertmanager: &Alertmanager, expected: &[&str]) {
    let as_expected = async || match active(alertmanager).await {
        names if names == expected => Ok(()),
        names => Err(format!("{names:?}")),
    };
    until(SOON, &format!("Alertmanager has {expected:?}"), as_expected).await;
}

#[tokio::test]
async fn a_fault_that_two_daemons_see_is_one_alert_where_it_is_told() {
    let Some(alertmanager) = Alertmanager::start().await else {
        return;
    };
    let (cluster, pager) = (three().await, WebhookReceiver::start().await);
    let one = Watcher::start(&cluster, 0, pager.origin(), alertmanager.url()).await;
    let two = Watcher::start(&cluster, 1, pager.origin(), alertmanager.url()).await;

    let dead = cluster.member(2);
    dead.kill().await.unwrap();
    let (first, second) = (one.told("firing").await, two.told("firing").await);
    assert_eq!(first["dedup_key"], second["dedup_key"]);
    assert_eq!(first["alert"]["id"], second["alert"]["id"]);
    let triggered = both_sent(&pager, "trigger").await;
    assert_eq!(
        triggered.len(),
        1,
        "PagerDuty merges by the key: {triggered:?}"
    );
    assert!(
        triggered.contains(text(&first, "dedup_key")),
        "{triggered:?}"
    );
    wait_for_active(&alertmanager, &["MemberDown"]).await;

    dead.restart().await.unwrap();
    let (first, second) = (one.told("resolved").await, two.told("resolved").await);
    assert_eq!(first["dedup_key"], second["dedup_key"]);
    assert_eq!(both_sent(&pager, "resolve").await, triggered);
    wait_for_active(&alertmanager, &[]).await;
    drop((one.daemon, two.daemon));
}
