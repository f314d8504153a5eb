//! Loads on streams: what watchers, leases, locks and elections promise is held against what they do.

use std::sync::Arc;

use etcd_monitor_bench::{
    AccountingVerdict, BenchError, Details, Load, OperationKind, Report, StreamBenchmark,
    StreamLoad, StreamOptions, Until, WatchFigures, WatchLoad,
};
use etcd_monitor_client::{ClientOptions, Endpoint};
use etcd_monitor_testkit::Cluster;
use tokio_util::sync::CancellationToken;

use crate::PREFIX;
use crate::benchmarks::keys_left;

pub(crate) fn on_streams(
    cluster: &Cluster,
    work: Arc<dyn StreamLoad>,
    until: Until,
) -> StreamBenchmark {
    let endpoints = cluster.endpoints();
    let endpoints = endpoints
        .iter()
        .map(|url| Endpoint::parse(url, false).unwrap());
    let mut load = Load::new(until);
    load.connections = 2;
    load.clients = 4;
    StreamBenchmark {
        client: ClientOptions::new(),
        endpoints: endpoints.collect(),
        load,
        work,
        options: StreamOptions::new(PREFIX),
    }
}

async fn run(benchmark: &StreamBenchmark) -> Result<Report, BenchError> {
    benchmark.run(&(), &CancellationToken::new()).await
}

fn count(report: &Report, kind: OperationKind) -> u64 {
    let of_kind = report.operations.iter().find(|of| of.kind == kind);
    of_kind.map_or(0, |of| of.succeeded)
}

fn watched(report: &Report) -> &WatchFigures {
    match &report.details {
        Some(Details::Watch(figures)) => figures,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_watcher_sees_every_put_to_its_key_once_and_in_order() {
    let cluster = Cluster::builder().start().await.unwrap();
    let mut work = WatchLoad::default();
    work.watchers = 60;
    work.streams = 7;
    work.keys = 3;
    let benchmark = on_streams(&cluster, Arc::new(work), Until::Operations(300));
    let report = run(&benchmark).await.unwrap();
    assert!(
        report.is_success(),
        "{:?} {:?}",
        report.doubts,
        report.errors
    );
    assert_eq!(report.accounting.verdict, AccountingVerdict::NothingLost);
    let watch = watched(&report);
    // Each put is seen by 60 / 3 watchers.
    assert_eq!((watch.puts, watch.events), (300, 6_000));
    assert_eq!(count(&report, OperationKind::Event), 6_000);
    assert_eq!(
        (
            watch.lost,
            watch.duplicated,
            watch.out_of_order,
            watch.behind
        ),
        (0, 0, 0, 0)
    );
    assert_eq!((watch.broken_watchers, watch.unacknowledged), (0, 0));
    // Events are no requests: the throughput is that of the puts.
    assert_eq!(report.succeeded, 300);
    let events = &report.operations[1];
    assert!(events.response.min_seconds.unwrap() > 0.0);
    assert_eq!(keys_left(&cluster).await, 0);
    assert!(
        report.to_table().contains("0 lost, 0 twice"),
        "{}",
        report.to_table()
    );
    let read_back: Report = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    assert_eq!(read_back.details, report.details);
}

#[tokio::test]
async fn watchers_that_are_too_slow_are_errors_by_type_and_no_loss() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let mut work = WatchLoad::default();
    work.watchers = 4;
    work.streams = 4;
    work.value_size = 64 << 10;
    work.slow_streams = 1;
    work.slow_pause = std::time::Duration::from_millis(300);
    work.patience = std::time::Duration::from_millis(10);
    let benchmark = on_streams(&cluster, Arc::new(work), Until::Operations(200));
    let report = run(&benchmark).await.unwrap();
    let watch = watched(&report);
    assert_eq!(watch.lost, 0);
    assert!(watch.behind > 0, "{watch:?}");
    assert_eq!(report.errors["behind"].count, 1, "{:?}", report.errors);
    assert!(report.is_success(), "slowness breaks no promise");
}

#[tokio::test]
async fn watchers_whose_member_dies_are_broken_by_kind_of_error() {
    let cluster = Cluster::builder().start().await.unwrap();
    let mut work = WatchLoad::default();
    work.watchers = 6;
    work.streams = 3;
    let mut benchmark = on_streams(&cluster, Arc::new(work), Until::Seconds(1.5));
    benchmark.load.connections = 3;
    let board = Killer::default();
    let report = {
        let follower = crate::benchmarks::follower(&cluster).await;
        let (done, stop) = (board.clone(), CancellationToken::new());
        let killing = async {
            board.writes().await;
            cluster.member(follower).kill().await.unwrap();
        };
        let (report, ()) = tokio::join!(benchmark.run(&done, &stop), killing);
        report.unwrap()
    };
    let watch = watched(&report);
    // The streams go to the members in turn.
    assert_eq!((watch.broken_watchers, watch.lost), (2, 0), "{watch:?}");
    assert!(report.errors.contains_key("refused"), "{:?}", report.errors);
    assert!(
        watch.events > 0 && report.is_success(),
        "{:?}",
        report.doubts
    );
}

/// Hears when the measurement has brought something.
#[derive(Clone, Default)]
struct Killer(Arc<std::sync::Mutex<Option<Arc<etcd_monitor_bench::SecondsBoard>>>>);

impl etcd_monitor_bench::Watcher for Killer {
    fn begins(
        &self,
        phase: etcd_monitor_bench::Phase,
        board: &Arc<etcd_monitor_bench::SecondsBoard>,
    ) {
        if phase == etcd_monitor_bench::Phase::Measuring {
            *self.0.lock().unwrap() = Some(Arc::clone(board));
        }
    }
}

impl Killer {
    async fn writes(&self) {
        loop {
            let succeeded = self
                .0
                .lock()
                .unwrap()
                .as_ref()
                .is_some_and(|board| board.progress().succeeded > 0);
            if succeeded {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}
