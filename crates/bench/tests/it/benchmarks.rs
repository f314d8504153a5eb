//! Whole benchmarks: they keep to their prefix, account for what they wrote, and leave nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use etcd_monitor_bench::{
    AccountingVerdict, BenchError, Benchmark, Load, Mixed, OperationKind, Options, Phase,
    SecondsBoard, Until, Watcher, Workload,
};
use etcd_monitor_client::{ClientOptions, ClusterClient, Endpoint, MemberClient, RangeQuery};
use etcd_monitor_testkit::{AlarmKind, Cluster};
use tokio_util::sync::CancellationToken;

use crate::{PREFIX, keys, native, reads, writes};

pub(crate) fn benchmark(cluster: &Cluster, workload: Arc<dyn Workload>, until: Until) -> Benchmark {
    let endpoints = cluster.endpoints();
    let endpoints = endpoints
        .iter()
        .map(|url| Endpoint::parse(url, false).unwrap());
    let mut load = Load::new(until);
    load.connections = 2;
    Benchmark {
        client: ClientOptions::new(),
        endpoints: endpoints.collect(),
        engine: native(cluster),
        load,
        workload,
        options: Options::new(PREFIX, keys(), 64),
    }
}

pub(crate) fn member(cluster: &Cluster) -> MemberClient {
    let endpoint = Endpoint::parse(cluster.member(0).client_url(), false).unwrap();
    ClusterClient::new(ClientOptions::new())
        .unwrap()
        .connection(&endpoint)
}

pub(crate) async fn keys_left(cluster: &Cluster) -> i64 {
    let all = RangeQuery {
        end: b"\0",
        count_only: true,
        ..RangeQuery::key(b"\0")
    };
    member(cluster).range(&all).await.unwrap().count
}

/// Place of a member that does not lead.
pub(crate) async fn follower(cluster: &Cluster) -> usize {
    let leader = member(cluster).status().await.unwrap().leader;
    let mut places = 0..3;
    places
        .find(|place| Some(cluster.member(*place).id()) != leader)
        .unwrap()
}

pub(crate) async fn run(benchmark: &Benchmark) -> Result<etcd_monitor_bench::Report, BenchError> {
    benchmark.run(&(), &CancellationToken::new()).await
}

fn mixed() -> Arc<dyn Workload> {
    Arc::new(Mixed {
        reads: (*reads()).clone(),
        writes: (*writes()).clone(),
        read_share: 0.5,
    })
}

#[tokio::test]
async fn a_mixed_load_on_three_members_is_accounted_for_and_leaves_no_key() {
    let cluster = Cluster::builder().start().await.unwrap();
    let mut benchmark = benchmark(&cluster, mixed(), Until::Operations(1_000));
    benchmark.load.clients = 20;
    let report = run(&benchmark).await.unwrap();
    assert!(report.is_success() && report.valid, "{:?}", report.doubts);
    assert_eq!((report.succeeded, report.failed), (1_000, 0));
    assert_eq!(report.accounting.verdict, AccountingVerdict::NothingLost);
    let kinds: Vec<_> = report
        .operations
        .iter()
        .map(|operation| operation.kind)
        .collect();
    assert_eq!(kinds, [OperationKind::Put, OperationKind::Range]);
    // All keys were there when they were read.
    let reads = &report.operations[1];
    assert_eq!(reads.keys, reads.succeeded);
    assert!(
        (350..=650).contains(&reads.succeeded),
        "{}",
        reads.succeeded
    );
    assert_eq!(report.environment.before.members.len(), 3);
    assert_eq!(report.environment.leader_changed, Some(false));
    assert_eq!(report.keys_left, None);
    assert_eq!(keys_left(&cluster).await, 0);
    assert_eq!(report.server.len(), 3);
    let leaders = report
        .server
        .iter()
        .filter(|member| member.leads == Some(true));
    assert_eq!(leaders.count(), 1);
    let mut requests = 0;
    for member in &report.server {
        let figures = member
            .figures
            .as_ref()
            .unwrap_or_else(|| panic!("{member:?}"));
        let fsync = figures.wal_fsync.as_ref().unwrap();
        assert!(
            fsync.count > 0 && fsync.mean_seconds.unwrap() > 0.0,
            "{fsync:?}"
        );
        // Half of 1,000 changes, and each was committed once.
        let committed = figures.committed_per_second.unwrap() * figures.covered_seconds;
        assert!((300.0..=800.0).contains(&committed), "{committed}");
        requests += figures.request.as_ref().map_or(0, |request| request.count);
    }
    // The last page may be read a moment before the last request.
    assert!(requests >= 800, "{requests}");

    let read_back: etcd_monitor_bench::Report =
        serde_json::from_str(&report.to_json().unwrap()).unwrap();
    assert_eq!(read_back.plan, report.plan);
    assert_eq!(
        read_back.operations[0].histogram,
        report.operations[0].histogram
    );
    let table = report.to_table();
    assert!(
        table.contains("nothing lost") && table.contains("fsync mean"),
        "{table}"
    );
    assert_eq!(report.to_csv().lines().count(), report.seconds.len() + 1);
    assert!(report.to_hdr_log().contains("Tag=range_service,"));
}

#[tokio::test]
async fn foreign_keys_below_the_prefix_are_not_touched() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    cluster.put("/bench/of-somebody", "precious").await.unwrap();
    cluster.put("/benchmark", "beside it").await.unwrap();
    let mut benchmark = benchmark(&cluster, writes(), Until::Operations(50));
    benchmark.options.server_metrics = false;
    let error = run(&benchmark).await.unwrap_err();
    assert!(
        matches!(error, BenchError::PrefixInUse { count: 1, .. }),
        "{error}"
    );
    assert_eq!(keys_left(&cluster).await, 2);
    benchmark.options.use_existing_prefix = true;
    benchmark.options.keep_keys = true;
    let report = run(&benchmark).await.unwrap();
    assert!(report.is_success());
    let unasked = &report.server[0];
    assert!(unasked.figures.is_none() && unasked.unreadable.is_some());
    assert_eq!(keys_left(&cluster).await, 2 + 50);
    benchmark.options.keep_keys = false;
    run(&benchmark).await.unwrap();
    // Told to use what is there, it deletes it as well, but nothing beside it.
    assert_eq!(keys_left(&cluster).await, 1);
    benchmark.options.prefix = String::new();
    assert!(matches!(
        run(&benchmark).await,
        Err(BenchError::BadPlan { .. })
    ));
    assert_eq!(keys_left(&cluster).await, 1);
}

#[tokio::test]
async fn an_alarm_ends_the_load_and_is_named() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    cluster.raise_alarm(AlarmKind::NoSpace).await.unwrap();
    let benchmark = benchmark(&cluster, writes(), Until::Seconds(60.0));
    let report = run(&benchmark).await.unwrap();
    assert!(!report.is_success() && !report.valid);
    assert_eq!(report.succeeded, 0);
    assert!(
        report.errors.contains_key("no_space"),
        "{:?}",
        report.errors
    );
    let why = report.ended_early.unwrap();
    assert!(why.contains("quota") || why.contains("space"), "{why}");
}

/// Stops the benchmark when its measurement has brought something.
struct Stopper {
    stop: CancellationToken,
    has_begun: AtomicBool,
}

impl Watcher for Stopper {
    fn begins(&self, phase: Phase, board: &Arc<SecondsBoard>) {
        if phase != Phase::Measuring || self.has_begun.swap(true, Ordering::Relaxed) {
            return;
        }
        let (stop, board) = (self.stop.clone(), Arc::clone(board));
        tokio::spawn(async move {
            while board.progress().succeeded == 0 {
                tokio::task::yield_now().await;
            }
            stop.cancel();
        });
    }
}

#[tokio::test]
async fn a_stop_brings_the_report_of_what_ran_and_cleans_up() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let benchmark = benchmark(&cluster, writes(), Until::Seconds(600.0));
    let stop = CancellationToken::new();
    let stopper = Stopper {
        stop: stop.clone(),
        has_begun: AtomicBool::default(),
    };
    let report = benchmark.run(&stopper, &stop).await.unwrap();
    assert!(report.is_success());
    assert_eq!(report.ended_early.as_deref(), Some("stopped"));
    assert!(report.succeeded > 0 && report.window_seconds < 60.0);
    assert_eq!(report.accounting.verdict, AccountingVerdict::NothingLost);
    assert_eq!(keys_left(&cluster).await, 0);
}

#[tokio::test]
async fn a_member_that_dies_is_told_by_kind_of_error_and_the_load_goes_on() {
    let cluster = Cluster::builder().start().await.unwrap();
    let mut benchmark = benchmark(&cluster, writes(), Until::Seconds(4.0));
    benchmark.load.connections = 3;
    benchmark.load.clients = 6;
    let running = tokio::spawn(async move { run(&benchmark).await.unwrap() });
    let leader = loop {
        let status = member(&cluster).status().await.unwrap();
        if status.revision > 50 {
            break status.leader;
        }
    };
    let follower = (0..3)
        .find(|index| Some(cluster.member(*index).id()) != leader)
        .unwrap();
    cluster.member(follower).kill().await.unwrap();
    let report = running.await.unwrap();
    assert!(report.is_success(), "{:?}", report.ended_early);
    assert!(report.failed > 0 && report.succeeded > report.seconds.len() as u64);
    assert!(!report.errors.is_empty());
    assert_ne!(report.accounting.verdict, AccountingVerdict::Lost);
}
