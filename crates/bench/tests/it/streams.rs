//! Loads on streams: what watchers, leases, locks and elections promise is held against what they do.

use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_bench::{
    AccountingVerdict, Arrivals, BenchError, ContentionLoad, ContentionStyle, Details, LeaseLoad,
    LeaseStyle, Load, OperationKind, Rate, Report, StreamBenchmark, StreamLoad, StreamOptions,
    Until, WatchFigures, WatchLoad,
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
    if cfg!(target_os = "linux") {
        let own = &report.own;
        assert!((0.0..=1.0).contains(&own.run_queue_share.unwrap()));
        assert!((0.0..=1.0).contains(&own.run_queue_share_most.unwrap()));
        assert!(own.involuntary_switches_per_second.unwrap() >= 0.0);
    }
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
    work.slow_pause = Duration::from_millis(700);
    work.patience = Duration::from_millis(200);
    let mut benchmark = on_streams(&cluster, Arc::new(work), Until::Operations(200));
    // One that does not read holds up all streams of its connection.
    benchmark.load.connections = 4;
    let report = run(&benchmark).await.unwrap();
    let watch = watched(&report);
    assert_eq!(watch.lost, 0);
    assert!(watch.behind > 0, "{watch:?}");
    assert!(report.errors.contains_key("behind"), "{:?}", report.errors);
    assert!(report.is_success(), "slowness breaks no promise");
}

/// A load that goes on until it is stopped: `meanwhile` says when.
async fn run_while(
    benchmark: &StreamBenchmark,
    board: &Board,
    meanwhile: impl Future<Output = ()>,
) -> Report {
    let stop = CancellationToken::new();
    let stopping = async {
        meanwhile.await;
        stop.cancel();
    };
    let (report, ()) = tokio::join!(benchmark.run(board, &stop), stopping);
    report.unwrap()
}

fn delivery_is_flawless(watch: &WatchFigures) {
    let faults = (watch.lost, watch.duplicated, watch.out_of_order);
    assert_eq!(faults, (0, 0, 0), "{watch:?}");
    let rest = (
        watch.behind,
        watch.broken_watchers,
        watch.cancelled_watchers,
    );
    assert_eq!(rest, (0, 0, 0), "{watch:?}");
}

#[tokio::test]
async fn watchers_come_back_with_their_member_and_see_what_was_written_meanwhile() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let mut work = WatchLoad::default();
    work.watchers = 140;
    work.streams = 2;
    work.keys = 2;
    work.patience = Duration::from_secs(30);
    let mut benchmark = on_streams(&cluster, Arc::new(work), Until::Seconds(600.0));
    benchmark.load.rate = Some(Rate {
        per_second: 200.0,
        arrivals: Arrivals::Uniform,
    });
    let board = Board::default();
    let report = run_while(&benchmark, &board, async {
        board.has_written(20).await;
        cluster.member(0).kill().await.unwrap();
        let before = board.written();
        cluster.member(0).start().unwrap();
        board.has_written(before + 100).await;
    });
    let report = report.await;
    let watch = watched(&report);
    delivery_is_flawless(watch);
    assert!(watch.reopened_streams >= 2, "{watch:?}");
    // Puts of which it is not known whether they were made may have been.
    let acknowledged = watch.events - watch.unacknowledged;
    assert_eq!(acknowledged, 70 * watch.puts, "{watch:?}");
    // One error for each time that a stream broke, however long it took to open it again.
    let events = &report.operations[1];
    assert_eq!(events.kind, OperationKind::Event);
    assert_eq!(events.failed, watch.reopened_streams);
    assert!(report.errors.contains_key("refused"), "{:?}", report.errors);
    assert!(report.is_success(), "{:?}", report.doubts);
    assert!(
        report.to_table().contains("streams opened again, 0"),
        "{}",
        report.to_table()
    );
}

#[tokio::test]
async fn watchers_whose_member_dies_go_to_the_next() {
    let cluster = Cluster::builder().start().await.unwrap();
    let mut work = WatchLoad::default();
    work.watchers = 6;
    work.streams = 3;
    work.patience = Duration::from_secs(30);
    let mut benchmark = on_streams(&cluster, Arc::new(work), Until::Seconds(600.0));
    benchmark.load.connections = 3;
    let board = Board::default();
    let follower = crate::benchmarks::follower(&cluster).await;
    let report = run_while(&benchmark, &board, async {
        board.has_written(1).await;
        cluster.member(follower).kill().await.unwrap();
        board.has_written(board.written() + 100).await;
    });
    let report = report.await;
    let watch = watched(&report);
    delivery_is_flawless(watch);
    // The streams go to the members in turn.
    assert_eq!(watch.reopened_streams, 1, "{watch:?}");
    assert_eq!(watch.events - watch.unacknowledged, 6 * watch.puts);
    assert!(report.errors.contains_key("refused"), "{:?}", report.errors);
    assert!(report.is_success(), "{:?}", report.doubts);
}

#[tokio::test]
async fn watchers_whose_member_stays_dead_are_broken_in_the_end() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let mut work = WatchLoad::default();
    work.watchers = 6;
    work.streams = 3;
    work.patience = Duration::from_secs(1);
    let benchmark = on_streams(&cluster, Arc::new(work), Until::Seconds(600.0));
    let board = Board::default();
    let report = run_while(&benchmark, &board, async {
        board.has_written(1).await;
        cluster.member(0).kill().await.unwrap();
        board.has_failed(20).await;
    });
    let report = report.await;
    let watch = watched(&report);
    assert_eq!((watch.broken_watchers, watch.reopened_streams), (6, 0));
    // What they missed was not promised to them any more.
    assert_eq!((watch.lost, watch.behind), (0, 0), "{watch:?}");
    let events = &report.operations[1];
    assert_eq!(events.failed, 3, "{:?}", report.errors);
    assert!(watch.events > 0 && report.is_success());
}

/// Hears what the measurement has brought.
#[derive(Clone, Default)]
pub(crate) struct Board(Arc<std::sync::Mutex<Option<Arc<etcd_monitor_bench::SecondsBoard>>>>);

impl etcd_monitor_bench::Watcher for Board {
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

impl Board {
    fn count(&self, of: fn(&etcd_monitor_bench::Progress) -> u64) -> u64 {
        let board = self.0.lock().unwrap();
        board.as_ref().map_or(0, |board| of(&board.progress()))
    }

    pub(crate) fn written(&self) -> u64 {
        self.count(|progress| progress.succeeded)
    }

    pub(crate) async fn has_failed(&self, count: u64) {
        while self.count(|progress| progress.failed) < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn has_written(&self, count: u64) {
        while self.written() < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn leases(report: &Report) -> &etcd_monitor_bench::LeaseFigures {
    match &report.details {
        Some(Details::Lease(figures)) => figures,
        other => panic!("{other:?}"),
    }
}

async fn leases_left(cluster: &Cluster) -> usize {
    let url = cluster.member(0).client_url();
    let mut client = etcd_client::Client::connect([url], None).await.unwrap();
    client.leases().await.unwrap().leases().len()
}

#[tokio::test]
async fn leases_are_granted_and_revoked_in_the_end() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let work = LeaseLoad::new(LeaseStyle::Grant);
    let benchmark = on_streams(&cluster, Arc::new(work), Until::Operations(200));
    let report = run(&benchmark).await.unwrap();
    assert!(report.is_success(), "{:?}", report.errors);
    assert_eq!(count(&report, OperationKind::Grant), 200);
    let figures = leases(&report);
    assert_eq!((figures.granted, figures.ttl_seconds), (200, Some(60.0)));
    // Grants make no revision.
    assert_eq!(report.accounting.verdict, AccountingVerdict::NothingLost);
    assert_eq!(leases_left(&cluster).await, 0);
}

#[tokio::test]
async fn leases_whose_grant_was_never_answered_are_revoked_too() {
    let cluster = Cluster::builder().start().await.unwrap();
    let follower = crate::benchmarks::follower(&cluster).await;
    let work = LeaseLoad::new(LeaseStyle::Grant);
    let mut benchmark = on_streams(&cluster, Arc::new(work), Until::Seconds(600.0));
    benchmark.load.clients = 300;
    benchmark.load.connections = 3;
    let board = Board::default();
    let report = run_while(&benchmark, &board, async {
        board.has_written(200).await;
        for _ in 0..3 {
            // What it has passed on to the leader is made, and nobody is told.
            cluster.member(follower).kill().await.unwrap();
            board.has_written(board.written() + 200).await;
            cluster.member(follower).start().unwrap();
            cluster.wait_ready(Duration::from_mins(1)).await.unwrap();
        }
    });
    let report = report.await;
    assert!(report.is_success(), "{:?}", report.doubts);
    assert!(report.errors.contains_key("refused"), "{:?}", report.errors);
    assert!(leases(&report).granted >= 800, "{:?}", report.details);
    assert_eq!(report.keys_left, None);
    assert_eq!(leases_left(&cluster).await, 0);
}

#[tokio::test]
async fn renewals_go_over_streams_that_stay() {
    let cluster = Cluster::builder().start().await.unwrap();
    let mut work = LeaseLoad::new(LeaseStyle::KeepAlive(50));
    work.ttl = Duration::from_secs(30);
    let benchmark = on_streams(&cluster, Arc::new(work), Until::Operations(1_000));
    let report = run(&benchmark).await.unwrap();
    assert!(report.is_success(), "{:?}", report.errors);
    assert_eq!(count(&report, OperationKind::KeepAlive), 1_000);
    let figures = leases(&report);
    assert_eq!((figures.granted, figures.gone), (50, 0));
    assert_eq!(figures.streams, 2);
    assert_eq!(leases_left(&cluster).await, 0);
}

#[tokio::test]
async fn leases_that_end_together_are_seen_to_end_and_not_before_their_time() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let mut work = LeaseLoad::new(LeaseStyle::Expire(100));
    work.ttl = Duration::from_secs(1);
    let mut benchmark = on_streams(&cluster, Arc::new(work), Until::Seconds(60.0));
    benchmark.load.rate = Some(Rate {
        per_second: 100.0,
        arrivals: Arrivals::Uniform,
    });
    let report = run(&benchmark).await.unwrap();
    assert!(
        report.is_success(),
        "{:?} {:?}",
        report.errors,
        report.doubts
    );
    let figures = leases(&report);
    assert_eq!((figures.granted, figures.expired), (100, 100));
    assert_eq!((figures.not_expired, figures.expired_early), (0, 0));
    assert_eq!(count(&report, OperationKind::Expiry), 100);
    // Puts before and meanwhile are all there were.
    let puts = figures.puts_before.count + figures.puts_meanwhile.count;
    assert_eq!(puts, report.succeeded);
    assert!(figures.puts_before.count > 50, "{figures:?}");
    // A hundred puts of keys with leases, the puts meanwhile, and a deletion for each lease.
    assert_eq!(report.accounting.verdict, AccountingVerdict::NothingLost);
    assert_eq!(report.accounting.acknowledged, puts + 200);
    assert_eq!(
        (leases_left(&cluster).await, keys_left(&cluster).await),
        (0, 0)
    );
}

fn contended(report: &Report) -> &etcd_monitor_bench::ContentionFigures {
    match &report.details {
        Some(Details::Lock(figures) | Details::Election(figures)) => figures,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_lock_has_one_owner_at_a_time_and_all_get_their_turn() {
    let cluster = Cluster::builder().start().await.unwrap();
    let mut work = ContentionLoad::new(ContentionStyle::Lock);
    work.names = 2;
    let mut benchmark = on_streams(&cluster, Arc::new(work), Until::Operations(200));
    benchmark.load.clients = 10;
    benchmark.load.connections = 3;
    let report = run(&benchmark).await.unwrap();
    assert!(
        report.is_success(),
        "{:?} {:?}",
        report.errors,
        report.doubts
    );
    let of = contended(&report);
    assert_eq!((of.contenders, of.owned, of.phantoms), (10, 200, 0));
    assert_eq!((of.overlaps_seen, of.overlaps_by_revision), (0, 0));
    assert_eq!((of.unverified, of.given_up), (0, 0));
    assert!(of.fairness.unwrap() > 0.8 && of.fewest > 0, "{of:?}");
    assert_eq!(count(&report, OperationKind::Lock), 200);
    assert_eq!(count(&report, OperationKind::Unlock), 200);
    let hand_overs = count(&report, OperationKind::HandOver);
    assert!((150..200).contains(&hand_overs), "{hand_overs}");
    // Each turn makes a key and deletes it.
    assert_eq!(report.accounting.verdict, AccountingVerdict::NothingLost);
    assert_eq!(report.accounting.acknowledged, 400);
    assert_eq!(
        (leases_left(&cluster).await, keys_left(&cluster).await),
        (0, 0)
    );
}

#[tokio::test]
async fn elections_have_one_leader_at_a_time_and_observers_hear_of_them() {
    let cluster = Cluster::builder().start().await.unwrap();
    let mut work = ContentionLoad::new(ContentionStyle::Election(2));
    work.hold = Duration::from_millis(10);
    let mut benchmark = on_streams(&cluster, Arc::new(work), Until::Seconds(1.0));
    benchmark.load.clients = 6;
    let report = run(&benchmark).await.unwrap();
    assert!(
        report.is_success(),
        "{:?} {:?}",
        report.errors,
        report.doubts
    );
    let of = contended(&report);
    assert_eq!((of.overlaps_seen, of.overlaps_by_revision), (0, 0));
    assert_eq!((of.phantoms, of.unverified), (0, 0));
    assert!(of.owned > 5, "{of:?}");
    // Those who waited at the end gave up; etcd took their wishes back.
    assert!((5..=6).contains(&of.given_up), "{of:?}");
    assert_eq!(of.leaders_seen + of.leaders_missed, 2 * of.owned);
    assert!(of.leaders_seen > of.owned, "{of:?}");
    assert_eq!(count(&report, OperationKind::LeaderSeen), of.leaders_seen);
    assert_eq!(report.accounting.verdict, AccountingVerdict::NothingLost);
    assert_eq!(
        (leases_left(&cluster).await, keys_left(&cluster).await),
        (0, 0)
    );
}

#[tokio::test]
async fn a_stop_ends_a_storm_and_revokes_its_leases() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let work = LeaseLoad::new(LeaseStyle::Expire(20));
    let benchmark = on_streams(&cluster, Arc::new(work), Until::Seconds(600.0));
    let (board, stop) = (Board::default(), CancellationToken::new());
    let stopping = async {
        board.has_written(1).await;
        stop.cancel();
    };
    let (report, ()) = tokio::join!(benchmark.run(&board, &stop), stopping);
    let report = report.unwrap();
    assert_eq!(report.ended_early.as_deref(), Some("stopped"));
    assert_eq!(leases(&report).not_expired, 20);
    assert!(
        report.is_success(),
        "{:?} {:?}",
        report.accounting,
        report.errors
    );
    assert_eq!(
        (leases_left(&cluster).await, keys_left(&cluster).await),
        (0, 0)
    );
}
