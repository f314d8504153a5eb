//! How long one page of a real member takes to parse. Target: 0.5 ms.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use etcd_monitor_client::exposition;

/// A page of one member of three, etcd 3.7.3, after a few puts and gets.
const PAGE: &[u8] = include_bytes!("pages/etcd-3.7.3-member.txt");

/// What the monitor reads.
const WANTED: [&str; 15] = [
    "etcd_debugging_mvcc_watcher",
    "etcd_disk_backend_commit_duration_seconds",
    "etcd_disk_wal_fsync_duration_seconds",
    "etcd_network_peer_round_trip_time_seconds",
    "etcd_server_leader_changes_seen",
    "etcd_server_proposals_applied",
    "etcd_server_proposals_committed",
    "etcd_server_proposals_failed",
    "etcd_server_proposals_pending",
    "etcd_server_quota_backend_bytes",
    "etcd_server_request_duration_seconds",
    "grpc_server_handled",
    "grpc_server_started",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
];

fn page_of_a_member(criterion: &mut Criterion) {
    criterion.bench_function("exposition/member page, 15 families", |bencher| {
        bencher.iter(|| {
            let samples = exposition::scan(black_box(PAGE), &WANTED);
            samples.map(|sample| sample.value).sum::<f64>()
        });
    });
    criterion.bench_function(
        "exposition/member page, 15 families, one label of each",
        |bencher| {
            bencher.iter(|| {
                let samples = exposition::scan(black_box(PAGE), &WANTED);
                samples
                    .filter(|sample| sample.labels.get("grpc_type").is_some())
                    .count()
            });
        },
    );
}

criterion_group!(benches, page_of_a_member);
criterion_main!(benches);
