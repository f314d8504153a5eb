//! What the native engine does with TLS, tokens, servers that misbehave, and beside the other engine.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use etcd_monitor_bench::{
    Answer, Arrivals, Assignment, Engine, Load, Mixed, NativeEngine, NullServer, OperationKind,
    Outcome, Rate, Request, Requests, Until, Values, Workload, Writes,
};
use etcd_monitor_client::{ClientOptions, Credentials, Endpoint, Password, TlsOptions};
use etcd_monitor_testkit::{Cluster, TlsMode};
use tokio_util::sync::CancellationToken;

use crate::scripted::{Then, serve};
use crate::{Make, keys, picker, reads, writes};

fn load(operations: u64, connections: u32, clients: u32) -> Load {
    let mut load = Load::new(Until::Operations(operations));
    (load.connections, load.clients) = (connections, clients);
    load
}

async fn run(engine: &dyn Engine, load: Load, workload: Arc<dyn Workload>) -> Outcome {
    engine.run(Assignment::new(load, workload)).await.unwrap()
}

fn at(address: &str, deadline: Duration) -> NativeEngine {
    let endpoint = Endpoint::parse(address, false).unwrap();
    NativeEngine::new(ClientOptions::new().with_deadline(deadline), vec![endpoint])
}

fn kinds(outcome: &Outcome) -> Vec<(&str, u64)> {
    let errors = outcome.recording.errors.iter();
    errors
        .map(|(kind, errors)| (kind.as_str(), errors.count))
        .collect()
}

#[tokio::test]
async fn a_server_that_goes_away_loses_no_call() {
    let (address, connections, _serving) = serve(&[(10, Then::GoAway), (5, Then::GoAway)]).await;
    let engine = at(&address, Duration::from_secs(2));
    let outcome = run(&engine, load(100, 1, 8), writes()).await;
    assert_eq!(
        (outcome.recording.succeeded(), kinds(&outcome)),
        (100, vec![])
    );
    assert_eq!(connections.load(Ordering::Relaxed), 1 + 3);
}

#[tokio::test]
async fn what_a_server_breaks_is_counted_by_kind_and_the_load_goes_on() {
    let scripts = &[
        (10, Then::Close),
        (10, Then::Garbage),
        (10, Then::HalfAFrame),
    ];
    let (address, connections, _serving) = serve(scripts).await;
    let engine = at(&address, Duration::from_millis(300));
    let outcome = run(&engine, load(100, 1, 4), writes()).await;
    let (succeeded, failed) = (outcome.recording.succeeded(), outcome.recording.failed());
    assert_eq!(succeeded + failed, 100);
    let kinds = kinds(&outcome);
    let names: Vec<&str> = kinds.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(names, ["bad_answer", "refused", "timed_out"]);
    // As many of each as were under way; those of the half frame twice, since what came last looked like life.
    assert!(
        kinds.iter().all(|(_, count)| (1..=8).contains(count)),
        "{kinds:?}"
    );
    assert_eq!(outcome.recording.unknown_changes, failed);
    assert_eq!(connections.load(Ordering::Relaxed), 1 + 4);
}

#[tokio::test]
async fn connections_of_no_use_and_calls_that_nobody_takes_fail_requests_and_hold_up_nothing() {
    let scripts = &[(10, Then::Close), (0, Then::Mute), (10, Then::Refuse)];
    let (address, _, _serving) = serve(scripts).await;
    let engine = at(&address, Duration::from_millis(200));
    let outcome = run(&engine, load(40, 1, 4), writes()).await;
    let (succeeded, failed) = (outcome.recording.succeeded(), outcome.recording.failed());
    assert_eq!(succeeded + failed, 40);
    // Twice ten are answered, of which the reset of the first connection may swallow some.
    assert!((14..=20).contains(&succeeded), "{succeeded}");
    let kinds = kinds(&outcome);
    assert!(
        kinds
            .iter()
            .any(|(kind, count)| *kind == "timed_out" && *count >= 8),
        "{kinds:?}"
    );
    // What could not be sent was not done.
    assert!(outcome.recording.unknown_changes <= failed - 4, "{kinds:?}");
}

#[tokio::test]
async fn more_threads_than_clients_end_as_well() {
    let (address, _, _serving) = serve(&[]).await;
    let engine = at(&address, Duration::from_secs(2)).with_threads(4);
    let outcome = run(&engine, load(20, 6, 2), writes()).await;
    assert_eq!(outcome.recording.succeeded(), 20);
    let mut open = load(20, 6, 3);
    open.rate = Some(Rate {
        per_second: 1_000.0,
        arrivals: Arrivals::Uniform,
    });
    let outcome = run(&engine, open, writes()).await;
    assert_eq!((outcome.recording.succeeded(), outcome.unsent), (20, 0));
}

/// Keys of requests with the revisions of their answers.
type Seen = Arc<Mutex<Vec<(Vec<u8>, i64)>>>;

/// Notes which answer came for which request.
#[derive(Debug, Default)]
struct Noting {
    seen: Seen,
}

struct NotingRequests(Seen);

impl Workload for Noting {
    fn name(&self) -> &'static str {
        "noting"
    }

    fn requests(&self, _seed: u64) -> Box<dyn Requests> {
        Box::new(NotingRequests(Arc::clone(&self.seen)))
    }
}

impl Requests for NotingRequests {
    fn next(&mut self, number: u64, request: &mut Request) {
        let (key, value) = request.begin_put();
        key.clear();
        key.extend_from_slice(&number.to_be_bytes());
        value.clear();
    }

    fn answered(&mut self, request: &Request, answer: &Answer) {
        self.0
            .lock()
            .unwrap()
            .push((request.key.clone(), answer.revision));
    }
}

#[tokio::test]
async fn answers_out_of_order_reach_who_asked() {
    let (address, _, _serving) = serve(&[(0, Then::Reversed)]).await;
    let noting = Noting::default();
    let seen = Arc::clone(&noting.seen);
    let engine = at(&address, Duration::from_secs(2));
    let outcome = run(&engine, load(60, 1, 2), Arc::new(noting)).await;
    assert_eq!(outcome.recording.succeeded(), 60);
    // Request n goes out on stream 2 n + 1, and the answer to a stream has its number as revision.
    for (key, revision) in &*seen.lock().unwrap() {
        let number = i64::from_be_bytes(key[..].try_into().unwrap());
        assert_eq!(*revision, 2 * number + 1);
    }
}

fn secured(cluster: &Cluster) -> ClientOptions {
    let file = |path: Option<&Path>| path.unwrap().to_owned();
    let tls = TlsOptions::new()
        .with_ca_file(file(cluster.ca_file()))
        .with_client_certificate(
            file(cluster.client_cert_file()),
            file(cluster.client_key_file()),
        );
    ClientOptions::new()
        .with_tls(tls)
        .with_credentials(Credentials {
            user: cluster.user().unwrap().to_owned(),
            password: Password::Text(cluster.password().unwrap().into()),
        })
}

#[tokio::test]
async fn tls_and_tokens_work_and_a_token_that_ends_is_replaced() {
    let cluster = Cluster::builder()
        .members(1)
        .tls(TlsMode::Mutual)
        .auth(true)
        .extra_args(["--auth-token-ttl=1"])
        .start()
        .await
        .unwrap();
    let endpoint = Endpoint::parse(cluster.member(0).client_url(), true).unwrap();
    let engine = NativeEngine::new(secured(&cluster), vec![endpoint.clone()]);
    let mut load = load(30, 2, 10);
    // Between the bursts the token ends, since nobody uses it.
    load.rate = Some(Rate {
        per_second: 10.0 / 3.5,
        arrivals: Arrivals::Burst(10),
    });
    let outcome = run(&engine, load.clone(), writes()).await;
    assert_eq!(
        (outcome.recording.succeeded(), kinds(&outcome)),
        (30, vec![])
    );

    // Values that fill the windows of a connection, under TLS.
    load.rate = None;
    let large = Writes {
        keys: keys(),
        picker: picker(),
        values: Values::new(1 << 20, 1),
    };
    let outcome = run(&engine, load, Arc::new(large)).await;
    assert_eq!(
        (outcome.recording.succeeded(), kinds(&outcome)),
        (30, vec![])
    );

    let mut wrong = secured(&cluster);
    wrong.tls = Some(TlsOptions::new());
    let error = NativeEngine::new(wrong, vec![endpoint])
        .run(Assignment::new(Load::new(Until::Operations(1)), writes()))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("--cacert"), "{error}");
}

#[tokio::test]
async fn a_value_that_the_server_refuses_is_an_error_of_its_request() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let engine = crate::native(&cluster);
    let too_large = Writes {
        keys: keys(),
        picker: picker(),
        values: Values::new(2 << 20, 1),
    };
    let outcome = run(&*engine, load(10, 1, 2), Arc::new(too_large)).await;
    assert_eq!(outcome.recording.failed(), 10);
    let example = &outcome.recording.errors.values().next().unwrap().example;
    assert!(
        example.contains("too large") || example.contains("larger than"),
        "{example}"
    );
    // The connection goes on.
    let outcome = run(&*engine, load(10, 1, 2), writes()).await;
    assert_eq!(outcome.recording.succeeded(), 10);
}

#[tokio::test]
async fn both_engines_agree() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let mixed = || {
        Arc::new(Mixed {
            reads: (*reads()).clone(),
            writes: (*writes()).clone(),
            read_share: 0.5,
        })
    };
    run(&*crate::native(&cluster), load(200, 2, 8), writes()).await;
    let mut found = Vec::new();
    for make in [crate::native as Make, crate::tonic] {
        // One connection and so one worker: the same seed asks the same.
        let before = cluster_revision(&cluster).await;
        let outcome = run(&*make(&cluster), load(2_000, 1, 8), mixed()).await;
        let made = cluster_revision(&cluster).await - before;
        let recording = &outcome.recording;
        assert_eq!(recording.acknowledged_changes.cast_signed(), made);
        let tally = |kind| &recording.tallies[&kind];
        let (puts, ranges) = (tally(OperationKind::Put), tally(OperationKind::Range));
        found.push((
            (
                puts.succeeded,
                ranges.succeeded,
                ranges.keys,
                kinds(&outcome).len(),
            ),
            [puts, ranges].map(|tally| tally.service.quantile_seconds(0.5).unwrap()),
        ));
    }
    assert_eq!(found[0].0, found[1].0);
    // They share the server's time: neither can be far from the other, unless one measures something else.
    for (native, tonic) in found[0].1.into_iter().zip(found[1].1) {
        assert!(
            native < 2.0 * tonic && native > 0.05 * tonic,
            "{native} {tonic}"
        );
    }
}

async fn cluster_revision(cluster: &Cluster) -> i64 {
    let member = crate::benchmarks::member(cluster);
    member.status().await.unwrap().revision
}

#[tokio::test]
async fn the_null_server_answers_both_engines_and_many_clients() {
    let server = NullServer::bind("127.0.0.1:0").unwrap();
    let address = server.address().unwrap().to_string();
    let stop = CancellationToken::new();
    let (stopped, server) = (stop.clone(), Arc::new(server));
    let serving = tokio::task::spawn_blocking(move || server.serve(&stopped));
    let endpoint = Endpoint::parse(&address, false).unwrap();
    let native = at(&address, Duration::from_secs(5));
    let outcome = run(&native, load(20_000, 8, 10_000), writes()).await;
    assert_eq!(
        (outcome.recording.succeeded(), kinds(&outcome)),
        (20_000, vec![])
    );
    let single = native.clone().with_batch_max(1).with_threads(1);
    let outcome = run(&single, load(2_000, 2, 64), writes()).await;
    assert_eq!(outcome.recording.acknowledged_changes, 2_000);
    let tonic = etcd_monitor_bench::TonicEngine::new(ClientOptions::new(), vec![endpoint]);
    let outcome = run(&tonic, load(1_000, 2, 16), writes()).await;
    assert_eq!(
        (outcome.recording.succeeded(), kinds(&outcome)),
        (1_000, vec![])
    );
    stop.cancel();
    serving.await.unwrap().unwrap();
}
