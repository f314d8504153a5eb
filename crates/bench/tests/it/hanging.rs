//! Endpoints that take connections and never say a word: they cost one deadline, whatever stands beside them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use etcd_monitor_bench::{
    AccountingVerdict, Assignment, BenchError, Engine, LeaseLoad, LeaseStyle, Load, NativeEngine,
    Phase, Report, SecondsBoard, Target, TonicEngine, Until, Watcher,
};
use etcd_monitor_client::{ClientOptions, ClusterClient, Endpoint};
use etcd_monitor_testkit::Cluster;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::benchmarks::{benchmark, keys_left, run};
use crate::streams::on_streams;
use crate::{endpoints, reads, writes};

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

    benchmark.client = ClientOptions::new().with_deadline(Duration::from_secs(3));
    let report = run(&benchmark).await.unwrap();
    assert!(report.is_success(), "{:?}", report.ended_early);
    let members = &report.environment.before.members;
    assert!(members[0].error.is_some() && members[1].error.is_none());
    assert_eq!(report.keys_left, None);
    assert_eq!(keys_left(&cluster).await, 0);
}

/// Tells of the first phase of this kind, and notes why keys are left where no report does.
struct Teller {
    wanted: fn(Phase) -> bool,
    boards: mpsc::UnboundedSender<Arc<SecondsBoard>>,
    left: Mutex<Option<String>>,
}

impl Watcher for Teller {
    fn begins(&self, phase: Phase, board: &Arc<SecondsBoard>) {
        if (self.wanted)(phase) {
            self.boards.send(Arc::clone(board)).unwrap();
        }
    }

    fn keys_left(&self, prefix: &str, why: &str) {
        *self.left.lock().unwrap() = Some(format!("{prefix}: {why}"));
    }
}

/// Stops a run in this phase while its only member hangs. It has to end before two deadlines have passed one after the other.
async fn stop_while_it_hangs(
    workload: Arc<dyn etcd_monitor_bench::Workload>,
    wanted: fn(Phase) -> bool,
) -> (Result<Report, String>, Option<String>) {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let mut benchmark = benchmark(&cluster, workload, Until::Seconds(600.0));
    benchmark.client = ClientOptions::new().with_deadline(Duration::from_secs(3));
    benchmark.engine = Box::new(NativeEngine::new(
        benchmark.client.clone(),
        endpoints(&cluster),
    ));
    benchmark.options.populate_rate = Some(etcd_monitor_bench::Rate {
        per_second: 20.0,
        arrivals: etcd_monitor_bench::Arrivals::Uniform,
    });
    let hung = Hung::new(wanted);
    let running = Box::pin(benchmark.run(&hung.teller, &hung.stop));
    let ended = hung.ended(&cluster, running).await;
    (ended, hung.why_left())
}

/// A run that is stopped when its member hangs.
struct Hung {
    teller: Teller,
    told: tokio::sync::Mutex<mpsc::UnboundedReceiver<Arc<SecondsBoard>>>,
    stop: CancellationToken,
}

impl Hung {
    fn new(wanted: fn(Phase) -> bool) -> Self {
        let (boards, told) = mpsc::unbounded_channel();
        let left = Mutex::default();
        Self {
            teller: Teller {
                wanted,
                boards,
                left,
            },
            told: tokio::sync::Mutex::new(told),
            stop: CancellationToken::new(),
        }
    }

    /// How it ended, before two deadlines had passed one after the other.
    async fn ended(
        &self,
        cluster: &Cluster,
        running: impl Future<Output = Result<Report, BenchError>>,
    ) -> Result<Report, String> {
        let hanging = async {
            let board = self.told.lock().await.recv().await.unwrap();
            while board.progress().succeeded == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            cluster.member(0).stop().unwrap();
            self.stop.cancel();
            let client = ClientOptions::new().with_deadline(Duration::from_secs(3));
            let asking = ClusterClient::new(client).unwrap();
            for _ in 0..2 {
                let member = asking.connection(&endpoints(cluster)[0]);
                member.status().await.unwrap_err();
            }
        };
        let ended = tokio::select! {
            ended = running => ended.map_err(|error| error.to_string()),
            () = hanging => panic!("two deadlines have passed since the stop"),
        };
        cluster.member(0).cont().unwrap();
        ended
    }

    fn why_left(&self) -> Option<String> {
        self.teller.left.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_load_on_streams_on_a_hanging_endpoint_ends_when_it_was_asked_once() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let (endpoint, connections, _listening) = hanging().await;
    let leases = Arc::new(LeaseLoad::new(LeaseStyle::Grant));
    let mut benchmark = on_streams(&cluster, leases, Until::Operations(50));
    benchmark.client = ClientOptions::new().with_deadline(Duration::from_millis(500));
    benchmark.endpoints.insert(0, endpoint.clone());
    let ended = benchmark.run(&(), &CancellationToken::new()).await;
    let error = ended.unwrap_err().to_string();
    assert!(error.contains(name(&endpoint)), "{error}");
    assert_eq!(connections.load(Ordering::Relaxed), 1, "{error}");
}

#[tokio::test]
async fn a_stop_of_leases_while_a_member_hangs_takes_one_deadline_and_says_that_some_are_left() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let leases = Arc::new(LeaseLoad::new(LeaseStyle::Grant));
    let mut benchmark = on_streams(&cluster, leases, Until::Seconds(600.0));
    benchmark.client = ClientOptions::new().with_deadline(Duration::from_secs(3));
    let hung = Hung::new(|phase| phase == Phase::Measuring);
    let running = Box::pin(benchmark.run(&hung.teller, &hung.stop));
    let report = hung.ended(&cluster, running).await.unwrap();
    let left = report.keys_left.as_deref().unwrap();
    assert!(left.contains("after the stop"), "{left}");
    assert_eq!(report.ended_early.as_deref(), Some("stopped"));
}

#[tokio::test]
async fn a_stop_while_a_member_hangs_takes_one_deadline_and_says_that_keys_are_left() {
    let (report, told) = stop_while_it_hangs(writes(), |phase| phase == Phase::Measuring).await;
    let report = report.unwrap();
    assert!(report.succeeded > 0 && told.is_none());
    let left = report.keys_left.as_deref().unwrap();
    assert!(
        left.contains("after the stop") && left.contains("no answer"),
        "{left}"
    );
    assert_eq!(report.accounting.verdict, AccountingVerdict::Unknown);
    assert_eq!(report.environment.after, None);
    assert_eq!(report.ended_early.as_deref(), Some("stopped"));
}

#[tokio::test]
async fn a_stop_while_keys_are_written_to_a_member_that_hangs_says_that_some_are_left() {
    let is_writing = |phase| matches!(phase, Phase::Populating(_));
    let (report, told) = stop_while_it_hangs(reads(), is_writing).await;
    assert!(report.unwrap_err().contains("stopped"));
    let told = told.unwrap();
    assert!(
        told.starts_with(crate::PREFIX) && told.contains("no answer"),
        "{told}"
    );
}
