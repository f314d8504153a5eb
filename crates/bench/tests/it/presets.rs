//! Loads of known shape, under watches.

use etcd_monitor_bench::{
    AccountingVerdict, Arrivals, Details, OperationKind, Preset, PresetKind, Rate, Until,
    WatchFigures, WatchedEngine,
};
use etcd_monitor_client::ClientOptions;
use etcd_monitor_testkit::Cluster;
use tokio_util::sync::CancellationToken;

use crate::benchmarks::{benchmark, keys_left};
use crate::streams::Board;
use crate::{PREFIX, native, writes};

#[tokio::test]
async fn what_an_api_server_asks_is_seen_whole_by_its_watchers() {
    let cluster = Cluster::builder().start().await.unwrap();
    let mut preset = Preset::new(PresetKind::ApiserverMix);
    preset.standard.prefix = PREFIX.to_owned();
    preset.standard.key_space = 50;
    let mut benchmark = benchmark(
        &cluster,
        preset.workload().unwrap(),
        Until::Operations(1_000),
    );
    benchmark.options = preset.options().unwrap();
    benchmark.engine = Box::new(WatchedEngine {
        engine: native(&cluster),
        client: ClientOptions::new(),
        endpoints: benchmark.endpoints.clone(),
        prefix: PREFIX.to_owned(),
        watchers: 4,
    });
    let report = benchmark.run(&(), &CancellationToken::new()).await.unwrap();
    assert!(
        report.is_success(),
        "{:?} {:?}",
        report.doubts,
        report.errors
    );
    assert_eq!(report.accounting.verdict, AccountingVerdict::NothingLost);
    let kinds: Vec<_> = report.operations.iter().map(|of| of.kind).collect();
    assert_eq!(kinds, [OperationKind::Range, OperationKind::Txn]);
    let Some(Details::Watch(watch)) = &report.details else {
        panic!("{:?}", report.details);
    };
    // Each update that was made makes one event for each watcher.
    assert_eq!(watch.puts, report.accounting.acknowledged);
    assert_eq!(watch.events, 4 * watch.puts);
    assert_eq!((watch.behind, watch.broken_watchers), (0, 0));
    // Those that met a conflict learn from it.
    let updates = &report.operations[1];
    assert_eq!(updates.changed, watch.puts);
    assert!(
        (100..updates.succeeded).contains(&updates.changed),
        "{updates:?}"
    );
    assert_eq!(keys_left(&cluster).await, 0);
}

#[tokio::test]
async fn a_storm_of_jobs_creates_updates_and_deletes() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let mut preset = Preset::new(PresetKind::JobStorm);
    preset.standard.prefix = PREFIX.to_owned();
    preset.standard.key_space = 50;
    let mut benchmark = benchmark(&cluster, preset.workload().unwrap(), Until::Operations(400));
    benchmark.options = preset.options().unwrap();
    let report = benchmark.run(&(), &CancellationToken::new()).await.unwrap();
    assert!(
        report.is_success(),
        "{:?} {:?}",
        report.doubts,
        report.errors
    );
    assert_eq!(report.accounting.verdict, AccountingVerdict::NothingLost);
    let [deletes, txns] = report.operations.as_slice() else {
        panic!("{:?}", report.operations);
    };
    assert_eq!(
        (deletes.kind, txns.kind),
        (OperationKind::Delete, OperationKind::Txn)
    );
    assert!(deletes.keys > 0 && report.accounting.acknowledged > deletes.keys);
}

/// Writes under two watchers until it is stopped: `meanwhile` says when. What they saw, and how often their streams broke.
async fn under_watch(
    cluster: &Cluster,
    board: &Board,
    meanwhile: impl Future<Output = ()>,
) -> (WatchFigures, u64) {
    let mut benchmark = benchmark(cluster, writes(), Until::Seconds(600.0));
    benchmark.load.rate = Some(Rate {
        per_second: 200.0,
        arrivals: Arrivals::Uniform,
    });
    benchmark.engine = Box::new(WatchedEngine {
        engine: native(cluster),
        client: ClientOptions::new(),
        endpoints: benchmark.endpoints.clone(),
        prefix: PREFIX.to_owned(),
        watchers: 2,
    });
    let stop = CancellationToken::new();
    let stopping = async {
        meanwhile.await;
        stop.cancel();
    };
    let (report, ()) = tokio::join!(benchmark.run(board, &stop), stopping);
    let report = report.unwrap();
    let Some(Details::Watch(watch)) = report.details else {
        panic!("{:?}", report.details);
    };
    let events = report.operations.iter();
    let events = events.filter(|of| of.kind == OperationKind::Event);
    (watch, events.map(|of| of.failed).sum())
}

#[tokio::test]
async fn watchers_of_a_preset_come_back_with_their_member() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let board = Board::default();
    let meanwhile = async {
        board.has_written(20).await;
        cluster.member(0).kill().await.unwrap();
        let before = board.written();
        cluster.member(0).start().unwrap();
        board.has_written(before + 100).await;
    };
    let (watch, breaks) = under_watch(&cluster, &board, meanwhile).await;
    assert_eq!((watch.behind, watch.broken_watchers), (0, 0), "{watch:?}");
    assert_eq!((watch.out_of_order, watch.cancelled_watchers), (0, 0));
    assert!(watch.reopened_streams >= 2, "{watch:?}");
    assert_eq!(breaks, watch.reopened_streams);
    // Of some puts it is not known whether they were made.
    assert!(
        watch.puts >= 120 && watch.events >= 2 * watch.puts,
        "{watch:?}"
    );
}

#[tokio::test]
async fn watchers_of_a_preset_whose_member_stays_dead_are_broken_in_the_end() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let board = Board::default();
    let meanwhile = async {
        board.has_written(20).await;
        cluster.member(0).kill().await.unwrap();
        board.has_failed(20).await;
    };
    let (watch, breaks) = under_watch(&cluster, &board, meanwhile).await;
    assert_eq!((watch.broken_watchers, watch.reopened_streams), (2, 0));
    assert_eq!((watch.behind, breaks), (0, 2));
}
