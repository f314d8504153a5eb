//! Numbers of one member.

use etcd_monitor_model::{
    MemberId, MemberSnapshot, SampleBatch, SampledMember, ServerCounters, Snapshot,
};

use super::{Taken, flag};

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
    for (metric, value) in [
        ("proposals_pending", counters.proposals_pending),
        ("proposals_failed_total", counters.proposals_failed),
        ("resident_memory_bytes", counters.resident_memory_bytes),
        ("watchers", counters.watchers),
        ("rpcs_in_flight", counters.rpcs_in_flight),
        ("requests_per_second", counters.request_rate_per_second),
        ("wal_fsync_p95_seconds", counters.wal_fsync_p95_seconds),
        (
            "backend_commit_p95_seconds",
            counters.backend_commit_p95_seconds,
        ),
        ("write_p50_seconds", counters.write_p50_seconds),
        ("write_p95_seconds", counters.write_p95_seconds),
        ("write_p99_seconds", counters.write_p99_seconds),
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
