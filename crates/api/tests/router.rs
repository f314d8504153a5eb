//! Every route through the router, as a client sees it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Response, StatusCode, header};
use etcd_monitor_alerting::{AlertPolicy, Alerting, AlertingOptions, MuteFile};
use etcd_monitor_api::{Access, BuildInfo, HostPolicy, HttpOptions, Source, router};
use etcd_monitor_model::{
    ClusterName, MemberId, MemberSnapshot, MonitorCondition, Quorum, Snapshot,
};
use flate2::read::GzDecoder;
use jiff::{Timestamp, ToSpan};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

#[path = "router/benchmarks.rs"]
mod benchmarks;
#[path = "router/coverage.rs"]
mod coverage;
#[path = "router/discovery.rs"]
mod discovery;
#[path = "router/incidents.rs"]
mod incidents;
#[path = "router/live.rs"]
mod live;
#[path = "router/mutes.rs"]
mod mutes;
#[path = "router/reports.rs"]
mod reports;
#[path = "router/surroundings.rs"]
mod surroundings;
#[path = "router/trends.rs"]
mod trends;

fn snapshot(cluster: &str) -> Snapshot {
    let condition = MonitorCondition {
        timer_lag_seconds: 0.0,
        deadline_seconds: 2.0,
    };
    let mut snapshot = Snapshot::empty(ClusterName::new(cluster), Timestamp::now(), condition);
    snapshot.cycle = 1;
    snapshot.health.healthy = Some(true);
    snapshot.quorum = Some(Quorum {
        learners: 0,
        voters: 3,
        needed: 2,
        available: Some(3),
        tolerance: Some(1),
    });
    let mut member = MemberSnapshot::unknown("n1", "http://n1:2379");
    member.id = Some(MemberId(0x1f));
    snapshot.members = vec![member];
    snapshot
}

/// Alerting that tells nobody.
fn alerting() -> AlertingOptions {
    AlertingOptions::new(AlertPolicy::to_channels([""; 0]), Vec::new())
}

/// A server of these clusters; `None` is one whose first cycle has not ended.
struct Server {
    clusters: Vec<(&'static str, Option<Snapshot>)>,
    origins: Vec<String>,
    stop: CancellationToken,
    /// Where silences are kept.
    folder: Option<TempDir>,
}

impl Server {
    fn of(clusters: Vec<(&'static str, Option<Snapshot>)>) -> Self {
        Self {
            clusters,
            origins: Vec::new(),
            folder: None,
            stop: CancellationToken::new(),
        }
    }

    fn one() -> Self {
        Self::of(vec![("c", Some(snapshot("c")))])
    }

    fn two() -> Self {
        Self::of(vec![("c", Some(snapshot("c"))), ("d", Some(snapshot("d")))])
    }

    fn source(&self) -> Source {
        let clusters = self.clusters.iter().map(|(name, snapshot)| {
            let latest = snapshot.clone().map(Arc::new);
            (ClusterName::new(*name), watch::channel(latest).1)
        });
        let (_, alerts) = Alerting::new(alerting(), self.stop.clone());
        let interval = Duration::from_secs(5);
        let build = BuildInfo::default();
        let stop = self.stop.clone();
        let source = Source::new(clusters.collect(), alerts, build, interval, stop);
        match &self.folder {
            Some(folder) => source.with_mutes(MuteFile::new(folder.path())),
            None => source,
        }
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        self.ask(&self.source(), request).await
    }

    async fn answer_from(
        &self,
        source: &Source,
        request: axum::http::request::Builder,
    ) -> Response<Body> {
        self.ask(source, request.body(Body::empty()).unwrap()).await
    }

    async fn ask(&self, source: &Source, request: Request<Body>) -> Response<Body> {
        let hosts = HostPolicy::new(["monitor.example".to_owned()]);
        let mut options = HttpOptions::new(hosts, Access::open());
        options.cors_origins.clone_from(&self.origins);
        let answer = router(source.clone(), options).oneshot(request);
        answer.await.unwrap()
    }

    async fn get(&self, path: &str) -> Response<Body> {
        self.answer(request(path).body(Body::empty()).unwrap())
            .await
    }

    async fn json(&self, path: &str) -> (StatusCode, Value) {
        let response = self.get(path).await;
        let status = response.status();
        (status, serde_json::from_str(&text(response).await).unwrap())
    }
}

fn request(path: &str) -> axum::http::request::Builder {
    Request::get(path).header(header::HOST, "127.0.0.1:8080")
}

async fn text(response: Response<Body>) -> String {
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn named(response: &Response<Body>, name: header::HeaderName) -> &str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

const JSON_ROUTES: [&str; 19] = [
    "/health",
    "/ready",
    "/api/v1/clusters",
    "/api/v1/cluster/status",
    "/api/v1/cluster/leader",
    "/api/v1/cluster/leader/history",
    "/api/v1/cluster/members",
    "/api/v1/cluster/links",
    "/api/v1/cluster/certificates",
    "/api/v1/cluster/versions",
    "/api/v1/cluster/snapshot",
    "/api/v1/metrics/current",
    "/api/v1/metrics/latency",
    "/api/v1/findings",
    "/api/v1/coverage",
    "/api/v1/blackbox",
    "/api/v1/alerts",
    "/api/v1/alerts/history",
    "/api/v1/incidents",
];

#[tokio::test]
async fn every_route_answers_as_its_type_with_the_security_headers() {
    let of_type = [
        ("/", "text/html; charset=utf-8"),
        ("/first.js", "text/javascript; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/live.js", "text/javascript; charset=utf-8"),
        ("/app.css", "text/css; charset=utf-8"),
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
    ];
    let json = JSON_ROUTES.map(|path| (path, "application/json"));
    for (path, content_type) in of_type.into_iter().chain(json) {
        let response = Server::one().get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(
            named(&response, header::CONTENT_TYPE),
            content_type,
            "{path}"
        );
        let policy = named(&response, header::CONTENT_SECURITY_POLICY);
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{path}"
        );
        assert_eq!(
            named(&response, header::X_CONTENT_TYPE_OPTIONS),
            "nosniff",
            "{path}"
        );
        assert_eq!(named(&response, header::X_FRAME_OPTIONS), "DENY", "{path}");
        assert_eq!(
            named(&response, header::ACCESS_CONTROL_ALLOW_ORIGIN),
            "",
            "{path}"
        );
    }
}

#[tokio::test]
async fn answers_are_not_stored_and_files_are_asked_again() {
    for (path, control) in [
        ("/api/v1/alerts", "no-store"),
        ("/", "no-cache"),
        ("/app.js", "no-cache"),
    ] {
        let response = Server::one().get(path).await;
        assert_eq!(named(&response, header::CACHE_CONTROL), control, "{path}");
    }
}

#[tokio::test]
async fn a_foreign_host_is_misdirected_on_every_route() {
    for path in JSON_ROUTES
        .into_iter()
        .chain(["/", "/metrics", "/api/v1/events", "/nowhere"])
    {
        let request = Request::get(path).header(header::HOST, "evil.example");
        let response = Server::one()
            .answer(request.body(Body::empty()).unwrap())
            .await;
        assert_problem(
            response,
            StatusCode::MISDIRECTED_REQUEST,
            "host_not_allowed",
        )
        .await;
    }
    let without = Request::get("/health").body(Body::empty()).unwrap();
    let response = Server::one().answer(without).await;
    assert_problem(
        response,
        StatusCode::MISDIRECTED_REQUEST,
        "host_not_allowed",
    )
    .await;
}

#[tokio::test]
async fn allowed_hosts_are_answered() {
    for host in [
        "127.0.0.1",
        "[::1]:8080",
        "localhost:8080",
        "Monitor.Example:443",
    ] {
        let request = Request::get("/health").header(header::HOST, host);
        let response = Server::one()
            .answer(request.body(Body::empty()).unwrap())
            .await;
        assert_eq!(response.status(), StatusCode::OK, "{host}");
    }
}

async fn assert_problem(response: Response<Body>, status: StatusCode, code: &str) -> Value {
    assert_eq!(response.status(), status);
    assert_eq!(
        named(&response, header::CONTENT_TYPE),
        "application/problem+json"
    );
    let problem: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(problem["code"], code);
    assert_eq!(problem["status"], status.as_u16());
    assert!(
        problem["title"].is_string() && problem["detail"].is_string(),
        "{problem}"
    );
    problem
}

#[tokio::test]
async fn errors_are_problems_with_a_code() {
    let starting = || Server::of(vec![("c", None)]);
    for (server, path, status, code) in [
        (
            Server::one(),
            "/nowhere",
            StatusCode::NOT_FOUND,
            "route_unknown",
        ),
        (
            Server::one(),
            "/api/v1/cluster/status?cluster=x",
            StatusCode::NOT_FOUND,
            "cluster_unknown",
        ),
        (
            Server::one(),
            "/api/v1/alerts?cluster=x",
            StatusCode::NOT_FOUND,
            "cluster_unknown",
        ),
        (
            Server::one(),
            "/api/v1/cluster/status?clustre=c",
            StatusCode::BAD_REQUEST,
            "bad_query",
        ),
        (
            Server::two(),
            "/api/v1/cluster/status",
            StatusCode::BAD_REQUEST,
            "cluster_required",
        ),
        (
            Server::two(),
            "/api/v1/events?cluster=c&cluster=x",
            StatusCode::NOT_FOUND,
            "cluster_unknown",
        ),
        (
            starting(),
            "/api/v1/cluster/members",
            StatusCode::SERVICE_UNAVAILABLE,
            "not_ready",
        ),
    ] {
        let problem = assert_problem(server.get(path).await, status, code).await;
        assert!(problem["detail"].as_str().unwrap().len() < 300, "{path}");
    }
}

#[tokio::test]
async fn a_problem_names_the_clusters_and_repeats_little_of_the_request() {
    let server = Server::two();
    let (_, problem) = server.json("/api/v1/cluster/status").await;
    assert_eq!(problem["clusters"], serde_json::json!(["c", "d"]));
    let (_, problem) = server.json(&format!("/{}", "x".repeat(5_000))).await;
    assert!(problem["detail"].as_str().unwrap().len() < 200);
}

#[tokio::test]
async fn other_methods_are_refused_and_head_has_no_body() {
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        for path in ["/api/v1/alerts", "/metrics", "/"] {
            let request = request(path)
                .method(&method)
                .header(header::CONTENT_TYPE, "application/json");
            let request = request.body(Body::empty()).unwrap();
            let response = Server::one().answer(request).await;
            assert!(
                named(&response, header::ALLOW).contains("GET"),
                "{method} {path}"
            );
            assert_problem(
                response,
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
            )
            .await;
        }
    }
    let head = request("/api/v1/alerts")
        .method(Method::HEAD)
        .body(Body::empty())
        .unwrap();
    let response = Server::one().answer(head).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(text(response).await, "");
}

#[tokio::test]
async fn a_file_that_is_known_is_not_sent_again() {
    let tag = named(&Server::one().get("/app.js").await, header::ETAG).to_owned();
    assert!(tag.starts_with('"') && tag.len() > 10, "{tag}");
    for known in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"old\", {tag}"),
        "*".to_owned(),
    ] {
        let request = request("/app.js").header(header::IF_NONE_MATCH, &known);
        let response = Server::one()
            .answer(request.body(Body::empty()).unwrap())
            .await;
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!(named(&response, header::ETAG), tag);
        assert_eq!(text(response).await, "");
    }
    let request = request("/app.js").header(header::IF_NONE_MATCH, "\"old\"");
    let response = Server::one()
        .answer(request.body(Body::empty()).unwrap())
        .await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_page_is_compressed_for_who_can_read_that() {
    for accepted in ["gzip", "deflate, GZIP;q=0.5", "gzip, deflate, br, zstd"] {
        let request = request("/app.js").header(header::ACCEPT_ENCODING, accepted);
        let response = Server::one()
            .answer(request.body(Body::empty()).unwrap())
            .await;
        assert_eq!(
            named(&response, header::CONTENT_ENCODING),
            "gzip",
            "{accepted}"
        );
        let vary = named(&response, header::VARY).to_lowercase();
        assert!(vary.contains("accept-encoding"), "{vary}");
        let packed = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let mut plain = Vec::new();
        std::io::Read::read_to_end(&mut GzDecoder::new(&packed[..]), &mut plain).unwrap();
        assert_eq!(plain, include_bytes!("../ui/dist/app.js"));
    }
    for accepted in ["identity", "gzip;q=0", "gzip;q=0.0"] {
        let request = request("/app.js").header(header::ACCEPT_ENCODING, accepted);
        let response = Server::one()
            .answer(request.body(Body::empty()).unwrap())
            .await;
        let encoding = response.headers().get(header::CONTENT_ENCODING);
        assert_eq!(encoding, None, "{accepted}");
    }
}

#[tokio::test]
async fn metrics_come_as_open_metrics_where_that_is_asked() {
    let request = request("/metrics").header(header::ACCEPT, "application/openmetrics-text");
    let response = Server::one()
        .answer(request.body(Body::empty()).unwrap())
        .await;
    assert!(
        named(&response, header::CONTENT_TYPE)
            .starts_with("application/openmetrics-text; version=1.0.0")
    );
    assert!(text(response).await.ends_with("# EOF\n"));
}

#[tokio::test]
async fn the_shapes_are_those_promised() {
    let server = Server::one();
    let (_, status) = server.json("/api/v1/cluster/status").await;
    for (field, value) in [
        ("cluster", serde_json::json!("c")),
        ("cluster_id", Value::Null),
        ("healthy", Value::Bool(true)),
        ("leader", Value::Null),
        (
            "quorum",
            serde_json::json!({"voters": 3, "learners": 0, "needed": 2, "available": 3, "tolerance": 1}),
        ),
    ] {
        assert_eq!(status[field], value, "{field}");
    }
    assert!(status["age_seconds"].as_f64().unwrap() >= 0.0);
    let (_, members) = server.json("/api/v1/cluster/members").await;
    let member = &members["members"][0];
    assert_eq!(member["id"], "1f");
    assert_eq!(
        (&member["role"], &member["healthy"]),
        (&"unknown".into(), &Value::Null)
    );
    assert!(member.get("version").is_some() && member.get("name").is_some());
}

#[tokio::test]
async fn questions_about_all_clusters_need_no_name() {
    let server = Server::two();
    for path in [
        "/api/v1/alerts",
        "/api/v1/findings",
        "/api/v1/alerts/history",
        "/api/v1/clusters",
    ] {
        assert_eq!(server.json(path).await.0, StatusCode::OK, "{path}");
    }
    let (_, clusters) = server.json("/api/v1/clusters").await;
    assert_eq!(clusters["clusters"][1]["cluster"], "d");
    assert_eq!(
        server.json("/api/v1/cluster/status?cluster=d").await.1["cluster"],
        "d"
    );
}

#[tokio::test]
async fn ready_waits_for_the_first_cycle_of_every_cluster_and_health_does_not() {
    let server = Server::of(vec![("c", Some(snapshot("c"))), ("d", None)]);
    assert_eq!(
        server.json("/ready").await.0,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(server.json("/health").await.0, StatusCode::OK);
    assert_eq!(Server::two().json("/ready").await.0, StatusCode::OK);
}

#[tokio::test]
async fn health_is_about_the_probe_loop_not_about_etcd() {
    let mut ill = snapshot("c");
    ill.health.healthy = Some(false);
    let (code, body) = Server::of(vec![("c", Some(ill))]).json("/health").await;
    assert_eq!(
        (code, &body["clusters"][0]["healthy"]),
        (StatusCode::OK, &Value::Bool(false))
    );
    let mut old = snapshot("c");
    old.at = Timestamp::now() - 21.seconds();
    let (code, body) = Server::of(vec![("c", Some(old))]).json("/health").await;
    assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body["status"], "stalled");
}

#[tokio::test]
async fn live_events_begin_with_the_newest_and_end_with_the_stop() {
    let server = Server::one();
    let response = server.get("/api/v1/events").await;
    assert_eq!(named(&response, header::CONTENT_TYPE), "text/event-stream");
    assert_eq!(named(&response, header::CONTENT_ENCODING), "");
    server.stop.cancel();
    let stopped = text(response).await;
    assert!(
        stopped.is_empty() || stopped.contains("event: "),
        "{stopped}"
    );

    let running = Server::one();
    let response = running.get("/api/v1/events?cluster=c").await;
    let mut events = response.into_body().into_data_stream();
    let first = futures_util::StreamExt::next(&mut events)
        .await
        .unwrap()
        .unwrap();
    let first = String::from_utf8(first.to_vec()).unwrap();
    assert!(
        first.contains("event: snapshot\n") || first.contains("event: alerts\n"),
        "{first}"
    );
    let data = first
        .lines()
        .find_map(|line| line.strip_prefix("data: "))
        .unwrap();
    assert!(serde_json::from_str::<Value>(data).unwrap().is_object());
}
