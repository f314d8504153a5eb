//! Numbers of one member.

use crate::{
    LatencySource, MemberId, MemberMetrics, MemberSnapshot, SampleBatch, SampledMember,
    ServerCounters, Snapshot,
};

use super::{Taken, flag};

/// Names of the median, the 95th and the 99th percentile of what was measured.
type Quantiles = [&'static str; 3];

const WAL_FSYNC: Quantiles = [
    "wal_fsync_p50_seconds",
    "wal_fsync_p95_seconds",
    "wal_fsync_p99_seconds",
];
const BACKEND_COMMIT: Quantiles = [
    "backend_commit_p50_seconds",
    "backend_commit_p95_seconds",
    "backend_commit_p99_seconds",
];
const SNAPSHOT: Quantiles = [
    "snapshot_p50_seconds",
    "snapshot_p95_seconds",
    "snapshot_p99_seconds",
];
const DEFRAG: Quantiles = [
    "defrag_p50_seconds",
    "defrag_p95_seconds",
    "defrag_p99_seconds",
];
const SERVER_READS: Quantiles = [
    "server_read_p50_seconds",
    "server_read_p95_seconds",
    "server_read_p99_seconds",
];
const GRPC_READS: Quantiles = [
    "grpc_read_p50_seconds",
    "grpc_read_p95_seconds",
    "grpc_read_p99_seconds",
];
const GRPC_WRITES: Quantiles = [
    "grpc_write_p50_seconds",
    "grpc_write_p95_seconds",
    "grpc_write_p99_seconds",
];

/// `None` for an endpoint without a member, and for a member that did not answer in this cycle.
pub(super) fn batch(snapshot: &Snapshot, member: &MemberSnapshot) -> Option<SampleBatch> {
    let id = member.id?;
    let spoke = member.last_answer_at == Some(snapshot.at);
    if !spoke && member.counters.is_none() {
        return None;
    }
    let mut taken = Taken::default();
    state(&mut taken, member);
    space(&mut taken, member);
    if let Some(page) = &member.counters {
        counters(&mut taken, page);
        metrics(&mut taken, &member.metrics);
        links(&mut taken, id, snapshot);
    }
    Some(SampleBatch {
        cluster: snapshot.cluster.clone(),
        member: Some(SampledMember {
            id,
            name: member.name.clone(),
        }),
        at: snapshot.at,
        samples: taken.0,
    })
}

fn state(taken: &mut Taken, member: &MemberSnapshot) {
    taken.put("healthy", member.healthy.map(flag));
    taken.put("read_seconds", member.last_read_seconds);
    // Without a read in this cycle the summary is of earlier ones.
    let reads = member.last_read_seconds.and(member.read_latency.as_ref());
    taken.put("read_p50_seconds", reads.map(|it| it.p50_seconds));
    taken.put("read_p95_seconds", reads.map(|it| it.p95_seconds));
    taken.put("read_p99_seconds", reads.map(|it| it.p99_seconds));
    let raft = member.raft.as_ref();
    taken.put("raft_term", raft.map(|raft| raft.term as f64));
    let committed = raft.map(|raft| raft.committed_index as f64);
    taken.put("raft_committed_index", committed);
    let applied = raft.and_then(|raft| raft.applied_index);
    taken.put("raft_applied_index", applied.map(|index| index as f64));
    taken.put("revision", raft.map(|raft| raft.revision as f64));
    let clock = member.trust.clock;
    taken.put(
        "clock_offset_seconds",
        clock.map(|clock| clock.offset_seconds),
    );
}

fn space(taken: &mut Taken, member: &MemberSnapshot) {
    let database = member.database.as_ref();
    let bytes = |bytes: u64| bytes as f64;
    taken.put(
        "database_allocated_bytes",
        database.map(|it| bytes(it.allocated_bytes)),
    );
    taken.put(
        "database_in_use_bytes",
        database.map(|it| bytes(it.in_use_bytes)),
    );
    let quota = database.and_then(|database| database.quota_bytes);
    taken.put("database_quota_bytes", quota.map(bytes));
    let lag = member.capacity.apply_lag;
    taken.put("apply_lag_entries", lag.map(|lag| lag as f64));
}

fn counters(taken: &mut Taken, counters: &ServerCounters) {
    taken.put("proposals_failed_total", counters.proposals_failed);
    taken.put("write_p50_seconds", counters.write_p50_seconds);
    taken.put("write_p95_seconds", counters.write_p95_seconds);
    taken.put("write_p99_seconds", counters.write_p99_seconds);
}

fn metrics(taken: &mut Taken, metrics: &MemberMetrics) {
    let latency = &metrics.latency;
    let server_reads = latency.reads_by(LatencySource::ServerRequests);
    taken.put_durations(SERVER_READS, server_reads);
    let grpc_reads = latency.reads_by(LatencySource::GrpcHandling);
    taken.put_durations(GRPC_READS, grpc_reads);
    let grpc_writes = latency.writes_by(LatencySource::GrpcHandling);
    taken.put_durations(GRPC_WRITES, grpc_writes);
    let disk = &metrics.disk;
    taken.put_durations(WAL_FSYNC, disk.wal_fsync.as_ref());
    taken.put_durations(BACKEND_COMMIT, disk.backend_commit.as_ref());
    taken.put_durations(SNAPSHOT, disk.snapshot.as_ref());
    taken.put_durations(DEFRAG, disk.defrag.as_ref());
    load(taken, metrics);
    machine(taken, metrics);
}

fn load(taken: &mut Taken, metrics: &MemberMetrics) {
    let (requests, raft) = (&metrics.requests, &metrics.raft);
    let (watch, leases) = (&metrics.watch, &metrics.leases);
    let heartbeat_failures = raft.heartbeat_failures_per_second;
    let read_index_failures = raft.read_index_failures_per_second;
    for (metric, value) in [
        ("requests_per_second", requests.per_second),
        ("request_fault_share", requests.server_fault_share),
        ("rpcs_in_flight", requests.in_flight),
        ("committed_per_second", raft.committed_per_second),
        ("proposals_pending", raft.proposals_pending),
        (
            "proposals_failed_per_second",
            raft.proposals_failed_per_second,
        ),
        ("heartbeat_failures_per_second", heartbeat_failures),
        ("slow_applies_per_second", raft.slow_applies_per_second),
        (
            "slow_read_indexes_per_second",
            raft.slow_read_indexes_per_second,
        ),
        ("read_index_failures_per_second", read_index_failures),
        ("watchers", watch.watchers),
        ("watch_streams", watch.streams),
        ("slow_watchers", watch.slow_watchers),
        ("pending_events", watch.pending_events),
        ("events_per_second", watch.events_per_second),
        (
            "watch_send_p99_seconds",
            watch.send.and_then(|send| send.p99_seconds),
        ),
        ("leases_granted_per_second", leases.granted_per_second),
        ("leases_revoked_per_second", leases.revoked_per_second),
        ("leases_renewed_per_second", leases.renewed_per_second),
        ("leases_expired_per_second", leases.expired_per_second),
    ] {
        taken.put(metric, value);
    }
}

fn machine(taken: &mut Taken, metrics: &MemberMetrics) {
    let (process, network) = (&metrics.process, &metrics.network);
    for (metric, value) in [
        ("cpu_cores", process.cpu_cores),
        ("resident_memory_bytes", process.resident_memory_bytes),
        ("open_fds", process.open_fds),
        ("max_fds", process.max_fds),
        ("gc_pause_share", process.gc_pause_share),
        ("goroutines", process.goroutines),
        (
            "client_received_bytes_per_second",
            network.client_received_bytes_per_second,
        ),
        (
            "client_sent_bytes_per_second",
            network.client_sent_bytes_per_second,
        ),
    ] {
        taken.put(metric, value);
    }
}

/// What this member measured of its links: what it sends, what arrives, and how long a round trip takes.
fn links(taken: &mut Taken, id: MemberId, snapshot: &Snapshot) {
    for link in snapshot.links.iter().filter(|link| link.from == id) {
        let fresh = link.round_trip.filter(|round_trip| !round_trip.stale);
        let round_trip = fresh.map(|round_trip| round_trip.seconds);
        taken.put_of_peer("peer_round_trip_seconds", link.to, round_trip);
        let sent = link.sent_bytes_per_second;
        taken.put_of_peer("peer_sent_bytes_per_second", link.to, sent);
        let failures = link.failures_per_second;
        taken.put_of_peer("peer_failures_per_second", link.to, failures);
    }
    for link in snapshot.links.iter().filter(|link| link.to == id) {
        let received = link.received_bytes_per_second;
        taken.put_of_peer("peer_received_bytes_per_second", link.from, received);
    }
}
