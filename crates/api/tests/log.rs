//! What the log says of requests, and what it never says.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "serving/mod.rs"]
mod serving;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::Request;
use etcd_monitor_api::router;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::level_filters::LevelFilter;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the log has of a request, at a level.
async fn logged(level: LevelFilter, method: &str, target: &str) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header("host", "127.0.0.1")
        .header("authorization", "Bearer hunter2")
        .header("cookie", "session=hunter2")
        .header("x-request-id", "proxy-7")
        .header("content-type", "application/json")
        .body(Body::empty())
        .unwrap();
    let routes = router(
        serving::source(&CancellationToken::new()),
        serving::patient(),
    );
    let guard = tracing::subscriber::set_default(log);
    routes.oneshot(request).await.unwrap();
    drop(guard);
    let written = lines.0.lock().unwrap().clone();
    String::from_utf8(written).unwrap()
}

#[tokio::test]
async fn a_line_names_the_route_and_the_id_and_no_secret() {
    let status = "/api/v1/cluster/status?cluster=hunter2";
    let line = logged(LevelFilter::DEBUG, "GET", status).await;
    for part in [
        "GET",
        "route=\"/api/v1/cluster/status\"",
        "status=404",
        "milliseconds=",
        "proxy-7",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(!line.contains("hunter2"), "{line}");
    let nowhere = logged(LevelFilter::DEBUG, "GET", "/hunter2").await;
    assert!(
        nowhere.contains("route=\"none\"") && !nowhere.contains("hunter2"),
        "{nowhere}"
    );
}

#[tokio::test]
async fn reading_is_told_at_debug_and_changing_at_info() {
    assert_eq!(logged(LevelFilter::INFO, "GET", "/health").await, "");
    let changed = logged(LevelFilter::INFO, "DELETE", "/api/v1/session").await;
    assert!(
        changed.contains("Answered") && changed.contains("DELETE"),
        "{changed}"
    );
}

/// The audit log tells what was refused, and bounds what strangers can write there.
#[tokio::test]
async fn strangers_cannot_fill_the_log() {
    let refused = logged(LevelFilter::INFO, "POST", "/health").await;
    assert!(!refused.contains("Answered"), "{refused}");
    let long = logged(LevelFilter::DEBUG, &"A".repeat(30_000), "/health").await;
    assert!(long.contains("Answered") && long.len() < 1_000, "{long}");
}
