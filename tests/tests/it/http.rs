//! What surrounds every route: host names, compression, caching, problems, live events.

use std::time::Duration;

use etcd_monitor_tests::harness::{Daemon, Events, Reply};
use serde_json::Value;

use crate::shared::shared;
use crate::{STATUS, items};

/// A request with a header, answered.
async fn with_header(daemon: &Daemon, path: &str, name: &str, value: &str) -> Reply {
    Reply::of(daemon.request(path).header(name, value))
        .await
        .unwrap()
}

fn assert_problem(reply: &Reply, status: u16, code: &str) -> Value {
    assert_eq!(reply.status, status, "{}", reply.text());
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let problem = reply.json();
    assert_eq!(
        (&problem["code"], &problem["status"]),
        (&code.into(), &status.into())
    );
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| !detail.is_empty())
    );
    problem
}

#[tokio::test]
async fn an_unchanged_file_of_the_page_is_not_sent_again() {
    let daemon = &shared().daemon;
    assert!(daemon.get("/").await.text().contains("/app.js"));
    let first = daemon.get("/app.js").await;
    assert_eq!(first.status, 200);
    let again = with_header(daemon, "/app.js", "if-none-match", first.header("etag")).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let other = with_header(daemon, "/app.js", "if-none-match", "\"other\"").await;
    assert_eq!((other.status, other.body.len()), (200, first.body.len()));
}

#[tokio::test]
async fn the_page_is_compressed_as_the_browser_asks() {
    let daemon = &shared().daemon;
    let plain = daemon.get("/app.js").await;
    assert_eq!(plain.header("content-encoding"), "");
    for encoding in ["gzip", "br"] {
        let packed = with_header(daemon, "/app.js", "accept-encoding", encoding).await;
        assert_eq!(packed.header("content-encoding"), encoding);
        assert!(
            packed.body.len() * 2 < plain.body.len(),
            "{encoding}: {}",
            packed.body.len()
        );
    }
}

#[tokio::test]
async fn no_other_origin_may_read_and_no_other_page_may_frame() {
    let reply = with_header(&shared().daemon, STATUS, "origin", "http://evil.example").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("access-control-allow-origin"), "");
    assert!(
        reply
            .header("content-security-policy")
            .contains("frame-ancestors 'none'")
    );
}

#[tokio::test]
async fn live_events_begin_with_a_snapshot_and_follow_the_cycles() {
    let mut events = Events::open(&shared().daemon).await;
    let limit = Duration::from_secs(10);
    let mut cycles = Vec::new();
    for _ in 0..3 {
        let snapshot = events.next_of("snapshot", limit).await;
        assert_eq!(items(&snapshot, "members").len(), 3);
        assert!(!items(&snapshot, "findings").is_empty());
        cycles.push(snapshot["status"]["cycle"].as_u64().unwrap());
    }
    assert!(
        cycles.windows(2).all(|pair| pair[0] < pair[1]),
        "{cycles:?}"
    );
    let mut events = Events::open(&shared().daemon).await;
    let alerts = events.next_of("alerts", limit).await;
    assert!(items(&alerts, "alerts").is_empty());
}

#[tokio::test]
async fn only_names_of_this_server_are_answered() {
    let daemon = Daemon::start([
        "--endpoints",
        shared().cluster.member(0).client_url(),
        "--allow-host",
        "monitor.example",
        "--external-url",
        "https://etcd.example/monitor",
    ])
    .await;
    for host in [
        "localhost:1",
        "127.0.0.1",
        "[::1]:80",
        "Monitor.example",
        "etcd.example:443",
    ] {
        assert_eq!(
            with_header(&daemon, STATUS, "host", host).await.status,
            200,
            "{host}"
        );
    }
    for (path, host) in [
        (STATUS, "evil.example"),
        ("/", "127.0.0.1.evil.example"),
        ("/metrics", "example"),
    ] {
        let reply = with_header(&daemon, path, "host", host).await;
        let problem = assert_problem(&reply, 421, "host_not_allowed");
        assert!(
            problem["detail"].as_str().unwrap().contains("--allow-host"),
            "{problem:#}"
        );
    }
}

#[tokio::test]
async fn what_does_not_exist_is_a_problem_document() {
    let daemon = &shared().daemon;
    assert_problem(&daemon.get("/api/v1/nothing").await, 404, "route_unknown");
    assert_problem(
        &daemon.get(&format!("{STATUS}?colour=red")).await,
        400,
        "bad_query",
    );
    let unknown = daemon.get(&format!("{STATUS}?cluster=nobody")).await;
    let problem = assert_problem(&unknown, 404, "cluster_unknown");
    assert_eq!(problem["clusters"], serde_json::json!(["default"]));
    let posted =
        etcd_monitor_tests::harness::http_client().post(format!("{}{STATUS}", daemon.url()));
    let posted = posted.header("content-type", "application/json");
    assert_problem(&Reply::of(posted).await.unwrap(), 405, "method_not_allowed");
}
