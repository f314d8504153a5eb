//! Endpoints that take connections and never say a word: they cost one deadline, whatever stands beside them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use etcd_monitor_bench::{Assignment, Engine, Load, NativeEngine, Target, TonicEngine, Until};
use etcd_monitor_client::{ClientOptions, Endpoint};
use etcd_monitor_testkit::Cluster;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::benchmarks::{benchmark, keys_left, run};
use crate::{endpoints, writes};

/// Longer than any test: who waits for it waits in vain.
const NEVER: Duration = Duration::from_hours(1);

async fn listen() -> (TcpListener, Endpoint) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, Endpoint::parse(&address, false).unwrap())
}

/// An endpoint that never answers, and how often somebody connected to it. It is closed when the set is dropped.
async fn hanging() -> (Endpoint, Arc<AtomicUsize>, JoinSet<()>) {
    let (listener, endpoint) = listen().await;
    let connections = Arc::new(AtomicUsize::new(0));
    let (mut listening, counted) = (JoinSet::new(), Arc::clone(&connections));
    listening.spawn(async move {
        let mut kept = Vec::new();
        loop {
            kept.push(listener.accept().await.unwrap());
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    (endpoint, connections, listening)
}

fn name(endpoint: &Endpoint) -> &str {
    endpoint.as_str().trim_end_matches('/')
}

/// All are asked while none answers, also of one thread, and of all that fail the first is told.
async fn asks_all_at_once(make: fn(ClientOptions, Vec<Endpoint>) -> Box<dyn Engine>) {
    let more_than_threads = 1 + std::thread::available_parallelism().unwrap().get();
    let (mut listeners, mut all) = (Vec::new(), Vec::new());
    for _ in 0..more_than_threads {
        let (listener, endpoint) = listen().await;
        listeners.push(listener);
        all.push(endpoint);
    }
    let engine = make(ClientOptions::new().with_deadline(NEVER), all.clone());
    let mut load = Load::new(Until::Operations(10));
    load.connections = u32::try_from(more_than_threads).unwrap();
    load.clients = load.connections;
    let asking = engine.run(Assignment::new(load, writes()));
    tokio::pin!(asking);
    let accepting = async {
        let mut accepted = Vec::new();
        for listener in &listeners {
            accepted.push(listener.accept().await.unwrap());
        }
        accepted
    };
    let mut accepted = tokio::select! {
        accepted = tokio::time::timeout(Duration::from_mins(1), accepting) => accepted.unwrap(),
        ended = &mut asking => panic!("ended before it asked all: {:?}", ended.err()),
    };
    while let (Some(_), Some(_)) = (listeners.pop(), accepted.pop()) {}
    let error = asking.await.unwrap_err().to_string();
    assert!(error.contains(name(&all[0])), "{error}");
}

#[tokio::test]
async fn the_native_engine_asks_all_endpoints_at_once() {
    asks_all_at_once(|client, to| Box::new(NativeEngine::new(client, to))).await;
}

#[tokio::test]
async fn the_tonic_engine_asks_all_endpoints_at_once() {
    asks_all_at_once(|client, to| Box::new(TonicEngine::new(client, to))).await;
}

#[tokio::test]
async fn a_load_on_a_hanging_endpoint_ends_when_it_was_asked_once() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let (endpoint, connections, _listening) = hanging().await;
    let mut benchmark = benchmark(&cluster, writes(), Until::Operations(50));
    benchmark.client = ClientOptions::new().with_deadline(Duration::from_millis(500));
    benchmark.endpoints.insert(0, endpoint.clone());
    let all = benchmark.endpoints.clone();
    benchmark.engine = Box::new(NativeEngine::new(benchmark.client.clone(), all));
    let error = run(&benchmark).await.unwrap_err().to_string();
    let is_named = error.contains(name(&endpoint)) && error.contains("no answer within 0.5 s");
    assert!(is_named, "{error}");
    assert_eq!(connections.load(Ordering::Relaxed), 1, "{error}");
}

#[tokio::test]
async fn a_load_that_does_not_go_to_the_hanging_endpoint_runs() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let (endpoint, connections, _listening) = hanging().await;
    let mut benchmark = benchmark(&cluster, writes(), Until::Operations(50));
    benchmark.endpoints.insert(0, endpoint.clone());

    // Who looks for the leader waits for nobody once it has answered.
    let patient = ClientOptions::new().with_deadline(NEVER);
    let leader = Target::Leader.endpoints(&patient, &benchmark.endpoints);
    let leader = tokio::time::timeout(Duration::from_mins(1), leader).await;
    assert_eq!(leader.unwrap().unwrap(), endpoints(&cluster));
    assert!(connections.load(Ordering::Relaxed) <= 1);

    benchmark.client = ClientOptions::new().with_deadline(Duration::from_millis(500));
    let report = run(&benchmark).await.unwrap();
    assert!(report.is_success(), "{:?}", report.ended_early);
    let members = &report.environment.before.members;
    assert!(members[0].error.is_some() && members[1].error.is_none());
    assert_eq!(report.keys_left, None);
    assert_eq!(keys_left(&cluster).await, 0);
}
