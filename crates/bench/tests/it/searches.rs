//! Searches on real etcd: a stop brings what is known.

use std::sync::Arc;

use etcd_monitor_bench::{
    Benchmark, CapacityPoint, CurveWatcher, LatencyTarget, Load, Options, Percentile, Phase, Probe,
    ProbeWatcher, SecondsBoard, SloOptions, Until, Watcher, capacity_curve, search_slo,
};
use etcd_monitor_client::{ClientOptions, ClusterClient, ErrorKind};
use etcd_monitor_testkit::Cluster;
use tokio_util::sync::CancellationToken;

use crate::{PREFIX, endpoints, keys, tonic, writes};

fn benchmark(cluster: &Cluster) -> Benchmark {
    Benchmark {
        client: ClientOptions::new(),
        endpoints: endpoints(cluster),
        engine: tonic(cluster),
        load: Load::new(Until::Operations(1)),
        workload: writes(),
        options: Options::new(PREFIX, keys(), 64),
    }
}

/// Stops after the first rate.
struct Stopper(CancellationToken);

impl Watcher for Stopper {
    fn begins(&self, _phase: Phase, _board: &Arc<SecondsBoard>) {}
}

impl ProbeWatcher for Stopper {
    fn probed(&self, _probe: &Probe) {
        self.0.cancel();
    }
}

impl CurveWatcher for Stopper {
    fn measured(&self, _point: &CapacityPoint) {
        self.0.cancel();
    }
}

/// Whether the revision before the last one can no longer be compacted to, since the last one is.
async fn is_compacted(cluster: &Cluster) -> bool {
    let endpoint = endpoints(cluster).remove(0);
    let member = ClusterClient::new(ClientOptions::new())
        .unwrap()
        .connection(&endpoint);
    let revision = member.status().await.unwrap().revision;
    let again = member.compact(revision - 1).await;
    again.is_err_and(|error| error.kind() == ErrorKind::Compacted)
}

#[tokio::test]
async fn a_stop_brings_what_is_known_and_the_load_is_as_it_was() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let mut benchmark = benchmark(&cluster);
    benchmark.options.compact = true;
    let asked = benchmark.load.clone();
    let mut options = SloOptions::new(LatencyTarget::new(Percentile::P99, 4.0));
    options.ramp_seconds = 1.0;
    options.settle_seconds = 0.0;
    options.first_per_second = 20.0;
    let stop = CancellationToken::new();
    let stopper = Stopper(stop.clone());
    let found = search_slo(&mut benchmark, &options, &stopper, &stop)
        .await
        .unwrap();
    assert_eq!(found.ended_early.as_deref(), Some("stopped"));
    assert_eq!((found.probes.len(), found.is_verified), (1, false));
    assert!(found.probes[0].figures.samples > 0, "{:?}", found.probes);
    assert!(found.to_table().contains("ended early  stopped"));
    assert_eq!(benchmark.load, asked);

    assert!(is_compacted(&cluster).await);

    let stop = CancellationToken::new();
    let stopper = Stopper(stop.clone());
    let rates = [20.0, 30.0];
    let curve = capacity_curve(&mut benchmark, &rates, 1.0, 0.0, &stopper, &stop)
        .await
        .unwrap();
    assert_eq!(curve.points.len(), 1);
    assert!(curve.ended_early.is_some() && curve.knee_per_second.is_none());
    assert_eq!(benchmark.load, asked);

    options.verifications = 0;
    let refused = search_slo(&mut benchmark, &options, &(), &CancellationToken::new()).await;
    assert!(refused.is_err());
}
