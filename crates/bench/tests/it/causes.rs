//! What limited a run, and what happened meanwhile, on clusters to which it is done.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use etcd_monitor_bench::{
    AccountingVerdict, Arrivals, CheckLevel, CheckResult, EventKind, Limit, Phase, Rate,
    SecondsBoard, Until, Watcher,
};
use etcd_monitor_testkit::{Cluster, Error};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::benchmarks::{benchmark, run};
use crate::writes;

/// A sync of a cluster with a slow disk takes this much longer: far more than what a busy test machine adds to it.
const SYNC: Duration = Duration::from_millis(40);

#[tokio::test]
async fn a_slow_disk_is_named_with_its_syncs() {
    let builder = Cluster::builder().members(1).slow_disk(0, SYNC);
    let cluster = match builder.start().await {
        Err(Error::Unavailable(reason)) => return println!("no slow disk here: {reason}"),
        cluster => cluster.unwrap(),
    };
    let mut benchmark = benchmark(&cluster, writes(), Until::Seconds(3.0));
    benchmark.options.fsync_probe = Some(cluster.data_dir().to_owned());
    let report = run(&benchmark).await.unwrap();
    let bottleneck = &report.bottleneck;
    assert_eq!(bottleneck.limit, Limit::WalFsync, "{bottleneck:?}");
    let fsync = report.server[0]
        .figures()
        .and_then(|known| known.wal_fsync.as_ref());
    assert!(fsync.unwrap().mean_seconds.unwrap() >= SYNC.as_secs_f64());
    assert!(report.fsync_probe.as_ref().unwrap().syncs.count > 0);
    let table = report.to_table();
    assert!(
        table.contains("disk (syncs of the write-ahead log)"),
        "{table}"
    );
    let check = CheckResult::new(CheckLevel::Xl, report);
    assert_eq!(
        check.cause.as_deref(),
        Some("disk too slow"),
        "{:?}",
        check.rules
    );
}

/// Tells the board of the measurement when it begins.
struct Told(oneshot::Sender<Arc<SecondsBoard>>);

struct Teller(Mutex<Option<Told>>);

impl Watcher for Teller {
    fn begins(&self, phase: Phase, board: &Arc<SecondsBoard>) {
        if phase == Phase::Measuring
            && let Some(Told(tell)) = self.0.lock().unwrap().take()
        {
            tell.send(Arc::clone(board)).unwrap();
        }
    }
}

#[tokio::test]
async fn the_death_of_a_leader_is_told_with_the_gap_that_it_tore() {
    let cluster = Cluster::builder().start().await.unwrap();
    let mut benchmark = benchmark(&cluster, writes(), Until::Seconds(7.0));
    benchmark.load.connections = 3;
    benchmark.load.clients = 30;
    benchmark.load.rate = Some(Rate {
        per_second: 100.0,
        arrivals: Arrivals::Uniform,
    });
    let leader = cluster.leader_index().await.unwrap();
    let (tell, told) = oneshot::channel();
    let teller = Teller(Mutex::new(Some(Told(tell))));
    let running = tokio::spawn(async move {
        let stop = CancellationToken::new();
        benchmark.run(&teller, &stop).await.unwrap()
    });
    let board = told.await.unwrap();
    // Two seconds make a level for the latency to come back to.
    while board
        .progress()
        .latest
        .is_none_or(|latest| latest.second < 2)
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    cluster.member(leader).kill().await.unwrap();
    let report = running.await.unwrap();

    let events = &report.failover.events;
    let silent = events
        .iter()
        .find(|event| event.kind == EventKind::MemberSilent);
    let dead = cluster.member(leader).client_url();
    assert_eq!(silent.unwrap().member.as_deref(), Some(dead), "{events:?}");
    let changed = events
        .iter()
        .find(|event| event.kind == EventKind::LeaderChanged);
    let changed = changed.unwrap_or_else(|| panic!("{events:?}"));
    assert_ne!(changed.member.as_deref(), Some(dead));
    // On a busy machine there may be short ones beside it.
    let outages = report.failover.outages.iter();
    let outage = outages.max_by(|one, other| one.gap.seconds().total_cmp(&other.gap.seconds()));
    let outage = outage.unwrap_or_else(|| panic!("{:?}", report.failover));
    // An election takes a second or more.
    assert!(
        outage.gap.seconds() > 0.5 && !outage.gap.is_open,
        "{outage:?}"
    );
    assert!(outage.gap.from_seconds > 2.0 && changed.at_seconds > outage.gap.from_seconds);
    assert_eq!(report.failover.longest_gap, Some(outage.gap));
    assert!(outage.p99_before_seconds.is_some());
    let marked = report
        .seconds
        .iter()
        .filter(|second| !second.events.is_empty());
    assert!(marked.count() > 0);
    assert!(report.to_csv().contains("leader_changed") && report.to_table().contains("NO SERVICE"));
    assert_eq!(
        report.bottleneck.limit,
        Limit::Outage,
        "{:?}",
        report.bottleneck
    );
    assert_ne!(report.accounting.verdict, AccountingVerdict::Lost);
}
