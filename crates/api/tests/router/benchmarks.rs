//! Benchmarks, as far as they need no cluster: who is taken in, and what is answered.

use super::*;
use etcd_monitor_api::{BenchmarkTargets, Benchmarks};
use etcd_monitor_bench::{BenchError, Benchmark, Load, Standard, TonicEngine};
use etcd_monitor_core::ClientOptions;
use etcd_monitor_model::DatabaseSize;
use serde_json::json;

const BENCHMARK: &str = "/api/v1/performance/benchmark";

/// Every cluster is at an address at which nobody listens.
struct Nobody;

impl BenchmarkTargets for Nobody {
    fn benchmark(
        &self,
        _cluster: &ClusterName,
        load: Load,
        standard: &Standard,
    ) -> Option<Result<Benchmark, BenchError>> {
        let made = || {
            Ok(Benchmark {
                engine: Box::new(TonicEngine::new(ClientOptions::default(), Vec::new())),
                client: ClientOptions::default(),
                endpoints: Vec::new(),
                load,
                workload: standard.workload()?,
                options: standard.options()?,
            })
        };
        Some(made())
    }
}

fn roomy(cluster: &str) -> Snapshot {
    let mut snapshot = snapshot(cluster);
    snapshot.members[0].database = Some(DatabaseSize {
        allocated_bytes: 1,
        in_use_bytes: 1,
        quota_bytes: Some(1 << 31),
        quota_disabled: false,
    });
    snapshot
}

async fn ask(
    server: &Server,
    source: &Source,
    method: Method,
    path: &str,
    body: &Value,
) -> Response<Body> {
    let request = request(path)
        .method(method)
        .header(header::CONTENT_TYPE, "application/json");
    let request = request.body(Body::from(body.to_string())).unwrap();
    server.ask(source, request).await
}

async fn started(server: &Server, source: &Source, cluster: &str) -> Response<Body> {
    let path = format!("{BENCHMARK}?cluster={cluster}");
    let body = json!({"benchmark_type": "write"});
    ask(server, source, Method::POST, &path, &body).await
}

async fn document(response: Response<Body>) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}

#[tokio::test]
async fn one_of_each_cluster_waits_is_cancelled_and_fails_where_nobody_is() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::of(vec![("c", Some(roomy("c"))), ("d", Some(roomy("d")))]);
    let file = folder.path().join("benchmarks.state");
    let (benchmarks, runner) = Benchmarks::open(&file, Arc::new(Nobody)).unwrap();
    let source = server.source().with_benchmarks(benchmarks);
    let body = json!({"benchmark_type": "write"});
    let none = ask(&server, &source, Method::POST, BENCHMARK, &body).await;
    assert_problem(none, StatusCode::BAD_REQUEST, "cluster_required").await;
    // They go on being watched.
    let watched = ["c", "d"].map(|name| {
        let latest = watch::channel(Some(Arc::new(roomy(name))));
        (ClusterName::new(name), latest)
    });
    let clusters = watched.iter();
    let clusters = clusters.map(|(name, (_, latest))| (name.clone(), latest.clone()));
    source.watch(clusters.collect(), Duration::from_secs(5));
    let taken = started(&server, &source, "c").await;
    assert_eq!(taken.status(), StatusCode::ACCEPTED);
    let url = named(&taken, header::LOCATION).to_owned();
    let job = document(taken).await;
    assert_eq!(
        (&job["state"], &job["url"]),
        (&json!("queued"), &json!(url))
    );
    let second = started(&server, &source, "c").await;
    let problem = assert_problem(second, StatusCode::CONFLICT, "benchmark_under_way").await;
    assert_eq!(problem["benchmark"], url);
    let other = document(started(&server, &source, "d").await).await;

    let cancelled = ask(&server, &source, Method::DELETE, &url, &json!({})).await;
    assert_eq!(document(cancelled).await["state"], "cancelled");
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    let path = format!("{}/events", other["url"].as_str().unwrap());
    let events = server.answer_from(&source, request(&path)).await;
    assert_eq!(named(&events, header::CONTENT_TYPE), "text/event-stream");
    // It ends by itself.
    let told = text(events).await;
    assert!(
        told.contains("\"state\":\"failed\"") && told.contains("endpoints"),
        "{told}"
    );
    let listed = server
        .answer_from(&source, request(&format!("{BENCHMARK}?cluster=d")))
        .await;
    let listed = document(listed).await;
    assert_eq!(listed["benchmarks"].as_array().unwrap().len(), 1);
    assert_eq!(listed["benchmarks"][0]["reason"]["code"], "bad_plan");
    stop.cancel();
    running.await.unwrap();

    // Who asks after the end is told so, and what ended is kept.
    assert_problem(
        started(&server, &source, "c").await,
        StatusCode::SERVICE_UNAVAILABLE,
        "stopping",
    )
    .await;
    let (benchmarks, _runner) = Benchmarks::open(&file, Arc::new(Nobody)).unwrap();
    let source = server.source().with_benchmarks(benchmarks);
    let kept = document(server.answer_from(&source, request(BENCHMARK)).await).await;
    let states: Vec<_> = kept["benchmarks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| &job["state"])
        .collect();
    assert_eq!(states, ["failed", "cancelled"]);
}

#[tokio::test]
async fn what_was_under_way_when_the_daemon_was_killed_has_failed() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::of(vec![("c", Some(roomy("c")))]);
    let file = folder.path().join("benchmarks.state");
    let (benchmarks, _runner) = Benchmarks::open(&file, Arc::new(Nobody)).unwrap();
    let source = server.source().with_benchmarks(benchmarks);
    let job = document(started(&server, &source, "c").await).await;
    let (benchmarks, _runner) = Benchmarks::open(&file, Arc::new(Nobody)).unwrap();
    let source = server.source().with_benchmarks(benchmarks);
    let job = server.answer_from(&source, request(job["url"].as_str().unwrap()));
    let job = document(job.await).await;
    assert_eq!(
        (&job["state"], &job["reason"]["code"]),
        (&json!("failed"), &json!("daemon_killed"))
    );
    // It had not begun, so there is nothing to delete.
    assert_eq!(job["keys_left"], Value::Null);
}

#[tokio::test]
async fn a_damaged_file_costs_the_results_alone_and_a_newer_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("benchmarks.state");
    let open = || Benchmarks::open(&file, Arc::new(Nobody));
    let server = Server::of(vec![("c", Some(roomy("c")))]);
    let (benchmarks, _runner) = open().unwrap();
    let source = server.source().with_benchmarks(benchmarks);
    started(&server, &source, "c").await;
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, whole.replacen("queued", "failed", 1)).unwrap();
    let (benchmarks, _runner) = open().unwrap();
    let source = server.source().with_benchmarks(benchmarks);
    let kept = document(server.answer_from(&source, request(BENCHMARK)).await).await;
    assert_eq!(kept["benchmarks"], json!([]));
    assert!(folder.path().join("benchmarks.state.corrupt").exists());
    let newer = whole.replacen("\"version\":1", "\"version\":2", 1);
    std::fs::write(&file, &newer).unwrap();
    let refused = open().unwrap_err().to_string();
    assert!(refused.contains("format version 2"), "{refused}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), newer);
}

#[tokio::test]
async fn a_cluster_that_is_not_known_well_enough_is_not_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Benchmarks::open(folder.path().join("b"), Arc::new(Nobody)).unwrap();
    let server = Server::of(vec![("c", Some(snapshot("c"))), ("new", None)]);
    let (benchmarks, _runner) = open();
    let source = server.source().with_benchmarks(benchmarks);
    let unknown = started(&server, &source, "c").await;
    let problem = assert_problem(unknown, StatusCode::CONFLICT, "quota_unknown").await;
    assert!(
        problem["detail"].as_str().unwrap().contains("n1"),
        "{problem}"
    );
    let new = started(&server, &source, "new").await;
    assert_problem(new, StatusCode::SERVICE_UNAVAILABLE, "not_ready").await;
    let nowhere = started(&server, &source, "nowhere").await;
    assert_problem(nowhere, StatusCode::NOT_FOUND, "cluster_unknown").await;
    let without = server.get(BENCHMARK).await;
    assert_problem(without, StatusCode::NOT_FOUND, "no_benchmarks").await;
}
