//! SIGHUP: the configuration is read again, and applied as a whole or not at all; and many clusters beside each other.

use std::time::Duration;

use etcd_monitor_testkit::FakeCluster;
use etcd_monitor_tests::harness::Daemon;
use rustix::process::Signal;
use serde_json::Value;
use tokio::time::timeout;

use crate::several::{Configured, deserted, named, written};
use crate::{ALERTS, HISTORY, SOON, STATUS, firing, items, number, one, resolved, text};

const APPLIED: &str = "the configuration was read again and is applied";
const REFUSED: &str = "the configuration was not applied, the one before goes on";

async fn healthy(daemon: &Daemon, cluster: &str) -> Value {
    let path = format!("{STATUS}?cluster={cluster}");
    let healthy = |lines: &Value| {
        let mut lines = items(lines, "clusters").iter();
        let is = |line: &Value| line["cluster"] == cluster && line["healthy"] == true;
        lines.any(is).then_some(())
    };
    let what = format!("{cluster} is healthy");
    daemon.until(SOON, "/api/v1/clusters", &what, healthy).await;
    daemon.json(&path).await
}

async fn names(daemon: &Daemon) -> Vec<String> {
    let clusters = daemon.json("/api/v1/clusters").await;
    let lines = items(&clusters, "clusters").iter();
    lines.map(|line| text(line, "cluster").to_owned()).collect()
}

#[tokio::test]
async fn clusters_come_change_and_go_and_the_others_are_not_touched() {
    let (alpha, beta) = tokio::join!(one(), one());
    let (alpha, beta) = (alpha.member(0).client_url(), beta.member(0).client_url());
    let silent = deserted();
    let file = written(&[("alpha", alpha), ("silent", &silent)]);
    let Configured { daemon, file } = file.start("1s").await;
    let before = healthy(&daemon, "alpha").await;
    let alert = firing(&daemon, "ClusterUnreachable").await;

    file.rewrite(&named(&[
        ("alpha", alpha),
        ("silent", &silent),
        ("beta", beta),
    ]));
    daemon.signal(Signal::HUP);
    healthy(&daemon, "beta").await;
    assert_eq!(names(&daemon).await, ["alpha", "silent", "beta"]);
    daemon.log().line(APPLIED, SOON).await;
    let after = healthy(&daemon, "alpha").await;
    assert!(
        number(&after, "cycle") > number(&before, "cycle"),
        "it was not restarted"
    );
    assert_eq!(after["leader"], before["leader"]);
    let alerts = daemon.json(ALERTS).await;
    assert_eq!(items(&alerts, "alerts")[0]["since"], alert["since"]);
    let page = daemon.get("/metrics").await.text();
    assert!(
        page.contains(r#"etcd_cluster_healthy{cluster="beta"} 1"#),
        "{page}"
    );

    // One changes: another probe stands behind it, and it remembers.
    let path = format!("{STATUS}?cluster=beta");
    let some = |status: &Value| (number(status, "cycle") >= 5.0).then(|| status.clone());
    let before = daemon
        .until(SOON, &path, "beta has some cycles", some)
        .await;
    let changed = named(&[("alpha", alpha), ("silent", &silent), ("beta", beta)]);
    file.rewrite(&(changed + "    discover: false\n"));
    daemon.signal(Signal::HUP);
    let again = |status: &Value| {
        (number(status, "cycle") < number(&before, "cycle")).then(|| status.clone())
    };
    // Its cycles begin anew; one more cycle of the old one would only go up.
    let after = daemon.until(SOON, &path, "beta begins anew", again).await;
    assert_eq!(after["leader"]["since"], before["leader"]["since"]);

    // One goes: its alert ends, its live events end, and nothing is said of it any more.
    let events = daemon.request("/api/v1/events?cluster=silent").send().await;
    file.rewrite(&named(&[("alpha", alpha)]));
    daemon.signal(Signal::HUP);
    let over = resolved(&daemon, "ClusterUnreachable").await;
    assert_eq!(over["alert"]["resolve_reason"], "removed");
    let rest = timeout(SOON, events.unwrap().text()).await;
    rest.expect("the events end").unwrap();
    assert_eq!(names(&daemon).await, ["alpha"]);
    assert_eq!(
        daemon.get(&format!("{STATUS}?cluster=silent")).await.status,
        404
    );
    let page = daemon.get("/metrics").await.text();
    assert!(!page.contains("silent") && !page.contains("beta"), "{page}");
    let history = daemon.json(HISTORY).await;
    assert_eq!(items(&history, "history").len(), 2, "{history:#}");
    assert_eq!(daemon.get("/health").await.status, 200);
    assert!(daemon.terminate().await.success());
}

#[tokio::test]
async fn a_configuration_with_an_error_or_that_needs_a_restart_changes_nothing() {
    let alpha = one().await;
    let endpoint = alpha.member(0).client_url();
    let Configured { daemon, file } = written(&[("alpha", endpoint)]).start("1s").await;
    let before = healthy(&daemon, "alpha").await;
    let beta = named(&[("alpha", endpoint), ("beta", endpoint)]);
    let cases = [
        ("intervall: 5s\n", "did you mean `interval`?"),
        (
            "listen: 127.0.0.2\n",
            "listen, api_port: only a restart changes this",
        ),
        (
            "external_url: https://etcd.example/\n",
            "only a restart changes this",
        ),
        (
            "history: {days: 3}\n",
            "history: only a restart changes this",
        ),
    ];
    for (refused, said) in cases {
        file.rewrite(&format!("{refused}{beta}"));
        daemon.signal(Signal::HUP);
        let told = daemon.log().line(said, SOON).await;
        assert!(
            told.contains(REFUSED) || daemon.log().text().contains(REFUSED),
            "{told}"
        );
    }
    assert_eq!(names(&daemon).await, ["alpha"]);
    daemon.cycles(1).await;
    let after = healthy(&daemon, "alpha").await;
    assert!(
        number(&after, "cycle") > number(&before, "cycle"),
        "it goes on"
    );

    file.rewrite(&beta);
    daemon.signal(Signal::HUP);
    healthy(&daemon, "beta").await;
}

/// More clusters that hang than there are cycles at once.
const HANGING: usize = 12;

#[tokio::test]
async fn clusters_that_hang_delay_no_other() {
    let well = one().await;
    let mut hanging = Vec::new();
    for _ in 0..HANGING {
        let cluster = FakeCluster::start(1).await.unwrap();
        cluster.member(0).hang();
        hanging.push(cluster);
    }
    let urls: Vec<String> = hanging
        .iter()
        .map(|cluster| cluster.member(0).url())
        .collect();
    let called: Vec<String> = (0..HANGING)
        .map(|number| format!("hanging-{number}"))
        .collect();
    let silent = called
        .iter()
        .zip(&urls)
        .map(|(name, url)| (name.as_str(), url.as_str()));
    let mut all: Vec<(&str, &str)> = silent.collect();
    all.push(("well", well.member(0).client_url()));
    let Configured { daemon, .. } = written(&all).start("2s").await;
    let path = format!("{STATUS}?cluster=well");
    let mut last = healthy(&daemon, "well").await;
    for _ in 0..4 {
        let next = |status: &Value| (status["cycle"] != last["cycle"]).then(|| status.clone());
        // Twice the interval, and what the machine needs for itself.
        let limit = Duration::from_secs(6);
        let status = daemon
            .until(limit, &path, "the next cycle ends", next)
            .await;
        let count = |status: &Value| status["cycle"].as_u64().unwrap();
        assert_eq!(count(&status), count(&last) + 1);
        assert_eq!(status["healthy"], true, "{status:#}");
        assert!(number(&status, "cycle_seconds") < 1.0, "{status:#}");
        last = status;
    }
}
