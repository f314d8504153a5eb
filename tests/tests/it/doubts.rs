//! When the monitor itself is to be doubted, nobody else is blamed.

use std::time::Duration;

use etcd_monitor_tests::harness::{Daemon, Events, WebhookReceiver};
use rustix::process::Signal;
use serde_json::Value;

use crate::several::{Configured, configured};
use crate::{
    FINDINGS, SOON, firing, healthy, items, one, resolved, rules_of_history, text, three,
    true_finding, watch_with,
};

/// At a cycle of 1 s the deadline of a call is 0.5 s: this stop is 14 deadlines and 7 cycles long, as one of 30 s is 15
/// deadlines and 6 cycles long at the default of 5 s.
const STOPPED: Duration = Duration::from_secs(7);

/// Longer than the 9 s for which silence is held before it is told.
const CYCLES_AFTER: u64 = 12;

#[tokio::test]
async fn a_stopped_monitor_blames_nobody_when_it_goes_on() {
    let cluster = three().await;
    let hook = WebhookReceiver::start().await;
    let daemon = watch_with(&cluster, &["--webhook-url", hook.url()]).await;
    healthy(&daemon, 3).await;
    let mut events = Events::open(&daemon).await;

    daemon.signal(Signal::STOP);
    // This is the fault itself: it has a length and nothing to wait for.
    tokio::time::sleep(STOPPED).await;
    daemon.signal(Signal::CONT);

    let mut late = 0;
    let first = events.next_of("snapshot", SOON).await;
    let last = cycle(&first) + CYCLES_AFTER;
    let mut snapshot = first;
    while cycle(&snapshot) < last {
        late += usize::from(true_finding(&snapshot, "MonitorLate").is_some());
        assert_blames_nobody(&snapshot);
        snapshot = events.next_of("snapshot", SOON).await;
    }
    assert!(late >= 1, "the monitor says that it was late");
    assert_eq!(snapshot["status"]["healthy"], true);
    assert_eq!(rules_of_history(&daemon).await, [""; 0]);
    assert!(hook.all().is_empty(), "{:#?}", hook.all());
}

fn cycle(snapshot: &Value) -> u64 {
    snapshot["status"]["cycle"].as_u64().unwrap()
}

/// Nothing above information is true but that the monitor was late.
fn assert_blames_nobody(snapshot: &Value) {
    for finding in items(snapshot, "findings") {
        assert!(
            finding["status"] != "true"
                || finding["severity"] == "info"
                || finding["rule"] == "MonitorLate",
            "{finding:#}"
        );
    }
}

#[tokio::test]
async fn clusters_that_all_time_out_at_once_are_one_finding_about_the_monitor() {
    let (first, second) = tokio::join!(one(), one());
    let configured = configured(&[("alpha", &first), ("beta", &second)]);
    let Configured { daemon, .. } = configured.start("1s").await;
    both_healthy(&daemon).await;

    first.member(0).stop().unwrap();
    second.member(0).stop().unwrap();
    let alert = firing(&daemon, "MonitorCutOff").await;
    assert_eq!(alert["subject"]["kind"], "monitor");
    assert_eq!(text(&alert, "alert_type"), "configuration");
    assert!(text(&alert, "cause").contains("(alpha, beta)"), "{alert:#}");
    let findings = daemon.json(FINDINGS).await;
    let cut_off = |finding: &&Value| finding["rule"] == "MonitorCutOff";
    assert_eq!(
        items(&findings, "findings").iter().filter(cut_off).count(),
        1
    );
    assert!(
        true_finding(&findings, "ClusterUnreachable").is_none(),
        "{findings:#}"
    );
    for _ in 0..3 {
        cycles_of(&daemon, "alpha").await;
    }
    assert_eq!(rules_of_history(&daemon).await, ["MonitorCutOff"]);

    first.member(0).cont().unwrap();
    second.member(0).cont().unwrap();
    resolved(&daemon, "MonitorCutOff").await;
    both_healthy(&daemon).await;
    assert_eq!(rules_of_history(&daemon).await, ["MonitorCutOff"; 2]);
}

async fn both_healthy(daemon: &Daemon) {
    let all = |clusters: &Value| {
        items(clusters, "clusters")
            .iter()
            .all(|cluster| cluster["healthy"] == true)
            .then_some(())
    };
    daemon
        .until(SOON, "/api/v1/clusters", "both clusters are healthy", all)
        .await;
}

/// Waits for one further cycle of a cluster.
async fn cycles_of(daemon: &Daemon, cluster: &str) {
    let path = format!("{}?cluster={cluster}", crate::STATUS);
    let now = daemon.json(&path).await["cycle"].as_u64();
    let next = |status: &Value| (status["cycle"].as_u64() > now).then_some(());
    daemon.until(SOON, &path, "the next cycle", next).await;
}
