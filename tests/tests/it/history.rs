//! The points of the past: kept over a crash, and what is said when they cannot be kept.

use std::fs;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;

use etcd_monitor_tests::harness::{Daemon, Ended, run_to_end, until};
use rustix::process::Signal;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::several::{configured, named};
use crate::shared::shared;
use crate::{FINDINGS, SOON, firing, items, resolved, text};

/// Every member's raft term.
const TERM: &str = "/api/v1/metrics/history?metric=raft_term";

/// Samples that the remote store took.
const SENT: &str = "etcd_monitor_remote_write_sent_samples_total";

/// A configuration that writes the history every 200 ms.
const FLUSH: &str = "history: {flush: 200ms}\n";

/// Waits until every member has this many points, and returns the series.
async fn points(daemon: &Daemon, path: &str, at_least: usize) -> Value {
    let enough = |answer: &Value| {
        let series = items(answer, "series");
        let full = |one: &&Value| items(one, "points").len() >= at_least;
        (series.iter().filter(full).count() == 3).then(|| answer.clone())
    };
    daemon
        .until(SOON, path, "three members have points", enough)
        .await
}

fn first_times(answer: &Value) -> Vec<f64> {
    let series = items(answer, "series").iter();
    let mut times: Vec<f64> = series
        .map(|one| one["points"][0][0].as_f64().unwrap())
        .collect();
    times.sort_by(f64::total_cmp);
    times
}

#[tokio::test]
async fn points_are_answered_and_survive_a_kill() {
    let cluster = &shared().cluster;
    let configured = configured(&[("prod", cluster)]);
    configured.rewrite(&format!(
        "{FLUSH}{}",
        named(&[("prod", cluster.member(0).client_url())])
    ));
    let running = configured.start("500ms").await;
    let before = points(&running.daemon, TERM, 6).await;
    let one = &items(&before, "series")[0];
    assert_eq!(
        (text(one, "name"), text(one, "unit")),
        ("raft_term", "count")
    );
    assert!(one["labels"]["member"].is_string() && one["labels"]["member_id"].is_string());
    running.daemon.signal(Signal::KILL);
    running.daemon.ended(SOON).await;

    let path = running.file.path();
    let arguments = ["--config", path.to_str().unwrap(), "--interval", "500ms"];
    let again = Daemon::start_on(running.daemon.data_dir(), arguments).await;
    let after = points(&again, TERM, 8).await;
    // All but what the last flush had not yet written.
    assert_eq!(first_times(&after), first_times(&before));
    let few = again.json(&format!("{TERM}&max_points=2")).await;
    let bucket = items(&items(&few, "series")[0], "points")[0].clone();
    assert_eq!(
        bucket.as_array().map(Vec::len),
        Some(4),
        "time, mean, min, max: {bucket}"
    );
    let compared = again
        .json("/api/v1/metrics/compare?metric=raft_term&window_seconds=60")
        .await;
    assert_eq!(items(&compared, "series").len(), 3, "{compared}");
    let forecast = again.json("/api/v1/metrics/forecast").await;
    let told = &items(&forecast, "members")[0];
    assert_eq!(
        told["forecast"], "unknown",
        "seconds carry no forecast: {told}"
    );
    let trends = again.json("/api/v1/trends?window_seconds=60").await;
    let reads = &items(&trends, "trends")[0];
    assert_eq!(text(reads, "metric"), "read_p99_seconds");
    assert_eq!(items(reads, "series").len(), 3, "{trends}");
    assert_eq!(trends["forecasts"], forecast["members"]);
    let wrong = again.get(&format!("{TERM}&max_points=0")).await;
    assert_eq!(wrong.status, 400);
    let metrics = again.get("/metrics").await.text();
    for name in [
        "etcd_monitor_history_file_samples_total",
        "etcd_monitor_history_ring_series",
    ] {
        assert!(metrics.contains(name), "{name}");
    }
    assert_second_is_refused(&again).await;
    assert_eq!(again.terminate().await.code(), Some(0));
}

#[tokio::test]
async fn a_disk_that_refuses_the_history_is_told_and_its_recovery_too() {
    let cluster = &shared().cluster;
    let file = configured(&[("prod", cluster)]);
    let clusters = named(&[("prod", cluster.member(0).client_url())]);
    let holds = "alerts: {holds: {HistoryNotStored: 1s}}\n";
    file.rewrite(&format!("{FLUSH}{holds}{clusters}"));
    let data = tempfile::tempdir().unwrap();
    // What stands in the place of the file cannot be written as one.
    let in_the_way = data.path().join("history.redb");
    fs::create_dir(&in_the_way).unwrap();
    let path = file.path();
    let arguments = ["--config", path.to_str().unwrap(), "--interval", "500ms"];
    let daemon = Daemon::start_on(data.path(), arguments).await;
    let told = firing(&daemon, "HistoryNotStored").await;
    assert_eq!(told["subject"]["kind"], "monitor");
    assert!(text(&told, "cause").contains("history.redb"), "{told}");
    points(&daemon, TERM, 2).await;
    fs::remove_dir(&in_the_way).unwrap();
    resolved(&daemon, "HistoryNotStored").await;
    let findings = daemon.json(FINDINGS).await;
    let mut findings = items(&findings, "findings").iter();
    let about = findings.find(|finding| finding["rule"] == "HistoryNotStored");
    assert_eq!(about.unwrap()["status"], "false");
    assert_eq!(daemon.terminate().await.code(), Some(0));
    assert!(fs::metadata(&in_the_way).unwrap().is_file());
}

#[tokio::test]
async fn samples_are_sent_to_a_remote_store() {
    let (came, mut coming) = watch::channel(HeaderMap::new());
    let take = async move |headers: HeaderMap| drop(came.send(headers));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let remote = listener.local_addr().unwrap();
    let app = Router::new().route("/write", post(take));
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let cluster = &shared().cluster;
    let file = configured(&[("prod", cluster)]);
    let remote = format!("remote_write: {{url: \"http://{remote}/write\"}}\n");
    file.rewrite(&format!(
        "{remote}{}",
        named(&[("prod", cluster.member(0).client_url())])
    ));
    let running = file.start("500ms").await;
    timeout(SOON, coming.changed()).await.unwrap().unwrap();
    assert_eq!(coming.borrow()["content-encoding"], "snappy");
    until(SOON, "what was sent is counted", async || {
        let page = running.daemon.get("/metrics").await.text();
        let counted = |line: &str| line.starts_with(SENT) && !line.ends_with(" 0");
        page.lines().any(counted).then_some(()).ok_or(page)
    })
    .await;
    assert_eq!(running.daemon.terminate().await.code(), Some(0));
    serving.abort();
}

/// A second daemon on the same data ends at once, and names the first.
async fn assert_second_is_refused(first: &Daemon) {
    let data_dir = first.data_dir().to_str().unwrap();
    let Ended { code, stderr, .. } = run_to_end(["--data-dir", data_dir, "--api-port", "0"]).await;
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains(&first.pid().to_string()), "{stderr}");
}
