//! Loads of known shape, under watches.

use etcd_monitor_bench::{
    AccountingVerdict, Details, OperationKind, Preset, PresetKind, Until, WatchedEngine,
};
use etcd_monitor_client::ClientOptions;
use etcd_monitor_testkit::Cluster;
use tokio_util::sync::CancellationToken;

use crate::benchmarks::{benchmark, keys_left};
use crate::{PREFIX, native};

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
