//! Members whose `/metrics` page is not one.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use etcd_monitor_testkit::Cluster;
use futures_util::stream;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::shared::shared;
use crate::{FINDINGS, SNAPSHOT, SOON, healthy, items, number, text, true_finding, watch_with};

const CHUNK: usize = 1 << 20;
const CHUNKS: usize = 100;

/// A build without optimisation peaks at 67 MB with pages of 200 kB, most of it its own program file, and at 76 to 82 MB with
/// these: one page of 100 MB that were held would show.
const PEAK_KILOBYTES_MAX: u64 = 140_000;

/// Serves `/metrics` on the cluster's address, and gives the `--metrics-url` under which it stands for every member.
async fn lying_page(cluster: &Cluster, page: fn() -> Body) -> (JoinSet<()>, String) {
    let url = reqwest::Url::parse(cluster.member(0).client_url()).unwrap();
    let listener = TcpListener::bind((url.host_str().unwrap(), 0))
        .await
        .unwrap();
    let metrics_url = format!("http://{{host}}:{}", listener.local_addr().unwrap().port());
    let app = Router::new().route("/metrics", get(async move || page()));
    let mut serving = JoinSet::new();
    serving.spawn(async move { axum::serve(listener, app).await.unwrap() });
    (serving, metrics_url)
}

/// Bytes of every value, with many lines and no text.
fn garbage() -> Body {
    let bytes: Vec<u8> = (0..200_000_u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    Body::from(bytes)
}

/// 100 MB of well-formed lines.
fn huge() -> Body {
    let chunk = || "etcd_server_has_leader 1\n".repeat(CHUNK / 25);
    Body::from_stream(stream::iter(
        (0..CHUNKS).map(move |_| Ok::<_, std::io::Error>(chunk())),
    ))
}

/// What stands whatever the pages are: everything that gRPC said.
fn assert_rest_stands(snapshot: &Value) {
    assert_eq!(snapshot["status"]["healthy"], true, "{snapshot:#}");
    for member in items(snapshot, "members") {
        assert!(number(&member["database"], "allocated_bytes") > 0.0);
        assert!(number(member, "last_read_seconds") > 0.0);
        assert_eq!(member["counters"]["resident_memory_bytes"], Value::Null);
    }
    let true_rules = items(snapshot, "findings")
        .iter()
        .filter(|finding| finding["status"] == "true");
    assert!(
        true_rules
            .into_iter()
            .all(|finding| finding["rule"] == "MetricsUnreadable"),
        "{snapshot:#}"
    );
}

async fn unreadable(page: fn() -> Body) -> (Value, u64) {
    let cluster = &shared().cluster;
    let (_serving, metrics_url) = lying_page(cluster, page).await;
    let daemon = watch_with(cluster, &["--metrics-url", &metrics_url]).await;
    let finding = crate::finding_of(&daemon, "MetricsUnreadable").await;
    healthy(&daemon, 3).await;
    let of_every_member = |found: &Value| {
        let count = items(found, "findings")
            .iter()
            .filter(|finding| finding["rule"] == "MetricsUnreadable" && finding["status"] == "true")
            .count();
        (count == 3).then_some(())
    };
    daemon
        .until(SOON, FINDINGS, "each page is unreadable", of_every_member)
        .await;
    let punctual = |snapshot: &Value| {
        let all = snapshot["status"]["quorum"]["available"] == 3;
        all.then(|| snapshot.clone())
    };
    let snapshot = daemon
        .until(SOON, SNAPSHOT, "every member answers", punctual)
        .await;
    assert_rest_stands(&snapshot);
    daemon.cycles(3).await;
    assert!(true_finding(&daemon.json(FINDINGS).await, "MetricsUnreadable").is_some());
    let page = daemon.get("/metrics").await.text();
    assert!(
        !page.contains("etcd_server_memory_usage_bytes{"),
        "not known, so no sample: {page}"
    );
    (finding, daemon.peak_kilobytes())
}

#[tokio::test]
async fn garbage_instead_of_metrics_is_reported_and_the_rest_stands() {
    let (finding, _) = unreadable(garbage).await;
    assert_eq!(
        (text(&finding, "severity"), text(&finding, "alert_type")),
        ("info", "member")
    );
    assert!(text(&finding, "cause").contains("/metrics"), "{finding:#}");
}

#[tokio::test]
async fn a_page_of_100_mb_is_cut_off_and_reported_and_the_rest_stands() {
    let (finding, peak) = unreadable(huge).await;
    assert!(
        text(&finding, "cause").contains("cannot be read"),
        "{finding:#}"
    );
    assert!(peak < PEAK_KILOBYTES_MAX, "the daemon took {peak} kB");
}
