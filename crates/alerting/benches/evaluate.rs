//! One cycle of 50 clusters with 10,000 alerts that fire: what the engine takes to see that nothing has changed, to fire
//! them all at once, and to take them back after a restart.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench fails by panicking"
)]

#[path = "../tests/crowd/mod.rs"]
mod crowd;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use etcd_monitor_alerting::{AlertEngine, AlertPolicy, StateRow};
use etcd_monitor_model::Snapshot;

fn snapshots(cycle: u64) -> Vec<Snapshot> {
    (0..crowd::CLUSTERS)
        .map(|cluster| crowd::snapshot(cluster, cycle))
        .collect()
}

/// Takes over the snapshots as the driver does, and gives the time that it took.
fn cycle(engine: &mut AlertEngine, snapshots: &[Snapshot]) -> Duration {
    let began = Instant::now();
    for snapshot in snapshots {
        black_box(engine.observe(snapshot, snapshot.at));
        black_box(engine.take_changes());
        black_box(engine.next_deadline());
    }
    began.elapsed()
}

fn unchanged(criterion: &mut Criterion) {
    let (mut engine, mut latest) = crowd::engine();
    assert_eq!(engine.alerts().len(), 10_000);
    criterion.bench_function("cycle_of_10000_alerts_that_fire_on", |bencher| {
        bencher.iter_custom(|times| {
            (0..times)
                .map(|_| {
                    latest += 1;
                    cycle(&mut engine, &snapshots(latest))
                })
                .sum()
        });
    });
    criterion.bench_function("list_of_10000_alerts", |bencher| {
        bencher.iter(|| engine.alerts());
    });
}

fn outbreak(criterion: &mut Criterion) {
    criterion.bench_function("cycle_in_which_10000_alerts_fire", |bencher| {
        bencher.iter_custom(|times| {
            (0..times)
                .map(|_| {
                    let policy = AlertPolicy::to_channels(["pager", "chat"]);
                    let mut engine = AlertEngine::new(policy);
                    cycle(&mut engine, &snapshots(1));
                    cycle(&mut engine, &snapshots(2));
                    cycle(&mut engine, &snapshots(3))
                })
                .sum()
        });
    });
}

fn restart(criterion: &mut Criterion) {
    let (mut engine, latest) = crowd::engine();
    let rows: Vec<StateRow> = engine.rows();
    criterion.bench_function("restore_of_10000_alerts", |bencher| {
        bencher.iter(|| {
            let policy = AlertPolicy::to_channels(["pager", "chat"]);
            AlertEngine::restore(policy, rows.clone(), crowd::at(latest)).unwrap()
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = unchanged, outbreak, restart
}
criterion_main!(benches);
