use std::collections::BTreeSet;

use jiff::Timestamp;

use super::*;
use crate::sampling::samples;
use crate::{
    CanaryReading, CanarySummary, ClockOffset, ClusterName, DatabaseSize, DiskLatency, Durations,
    LatencySource, LatencySummary, LeaseLoad, LinkSnapshot, MeasuredLatency, MemberSnapshot,
    MonitorCondition, NetworkLoad, Probe, ProcessLoad, Quorum, RaftLoad, RaftProgress, RequestLoad,
    RoundTrip, SampleBatch, ServerCounters, Snapshot, WatchLoad,
};

const AT: Timestamp = Timestamp::UNIX_EPOCH;

const LATENCY: LatencySummary = LatencySummary {
    count: 1,
    p50_seconds: 1.0,
    p95_seconds: 1.0,
    p99_seconds: 1.0,
    max_seconds: 1.0,
};

fn durations() -> Durations {
    Durations {
        count: 1,
        p50_seconds: Some(1.0),
        p95_seconds: Some(1.0),
        p99_seconds: Some(1.0),
        saturated_at_seconds: None,
    }
}

/// A snapshot in which everything was measured.
fn full() -> Snapshot {
    let monitor = MonitorCondition {
        timer_lag_seconds: 0.0,
        deadline_seconds: 1.0,
    };
    let mut snapshot = Snapshot::empty(ClusterName::new("a"), AT, monitor);
    snapshot.health.healthy = Some(true);
    snapshot.leader_changes = Some(1);
    snapshot.member_count = Some(2);
    snapshot.quorum = Some(Quorum {
        voters: 2,
        learners: 0,
        needed: 2,
        available: Some(2),
        tolerance: Some(0),
    });
    snapshot.canary = Some(canary());
    snapshot.members = vec![member(1), member(2)];
    snapshot.links = vec![link(1, 2), link(2, 1)];
    snapshot
}

fn canary() -> CanarySummary {
    CanarySummary {
        at: AT,
        write_latency: Some(LATENCY),
        latest: CanaryReading {
            key: String::new(),
            through: String::new(),
            interval_seconds: 1.0,
            put: Probe {
                at: AT,
                took_seconds: 1.0,
                result: Ok(()),
            },
            events: Vec::new(),
        },
    }
}

fn link(from: u64, to: u64) -> LinkSnapshot {
    let mut link = LinkSnapshot::unknown(MemberId(from), MemberId(to), "");
    link.round_trip = Some(RoundTrip::new(1.0, false, false));
    link.sent_bytes_per_second = Some(1.0);
    link.received_bytes_per_second = Some(1.0);
    link.failures_per_second = Some(1.0);
    link
}

fn member(id: u64) -> MemberSnapshot {
    let mut member = MemberSnapshot::unknown(format!("m{id}"), "");
    member.id = Some(MemberId(id));
    member.last_answer_at = Some(AT);
    member.healthy = Some(true);
    member.last_read_seconds = Some(1.0);
    member.read_latency = Some(LATENCY);
    member.raft = Some(RaftProgress {
        term: 1,
        committed_index: 1,
        applied_index: Some(1),
        revision: 1,
    });
    member.trust.clock = Some(ClockOffset {
        offset_seconds: 1.0,
        uncertainty_seconds: 1.0,
    });
    member.database = Some(DatabaseSize {
        allocated_bytes: 1,
        in_use_bytes: 1,
        quota_bytes: Some(1),
        quota_disabled: false,
    });
    member.capacity.apply_lag = Some(1);
    member.counters = Some(ServerCounters {
        proposals_failed: Some(1.0),
        write_p50_seconds: Some(1.0),
        write_p95_seconds: Some(1.0),
        write_p99_seconds: Some(1.0),
        ..ServerCounters::default()
    });
    measure(&mut member);
    member
}

fn measure(member: &mut MemberSnapshot) {
    let metrics = &mut member.metrics;
    let by = |source| MeasuredLatency::new(source, durations());
    metrics.latency.reads = vec![
        by(LatencySource::ServerRequests),
        by(LatencySource::GrpcHandling),
    ];
    metrics.latency.writes = vec![by(LatencySource::GrpcHandling)];
    metrics.disk = DiskLatency {
        wal_fsync: Some(durations()),
        backend_commit: Some(durations()),
        snapshot: Some(durations()),
        defrag: Some(durations()),
    };
    metrics.requests = RequestLoad {
        per_second: Some(1.0),
        window_per_second: Some(1.0),
        server_fault_share: Some(1.0),
        in_flight: Some(1.0),
    };
    metrics.raft = RaftLoad {
        committed_per_second: Some(1.0),
        proposals_pending: Some(1.0),
        proposals_failed_per_second: Some(1.0),
        heartbeat_failures_per_second: Some(1.0),
        slow_applies_per_second: Some(1.0),
        slow_read_indexes_per_second: Some(1.0),
        read_index_failures_per_second: Some(1.0),
    };
    metrics.watch = WatchLoad {
        watchers: Some(1.0),
        streams: Some(1.0),
        slow_watchers: Some(1.0),
        pending_events: Some(1.0),
        events_per_second: Some(1.0),
        send: Some(durations()),
    };
    metrics.leases = LeaseLoad {
        granted_per_second: Some(1.0),
        revoked_per_second: Some(1.0),
        renewed_per_second: Some(1.0),
        expired_per_second: Some(1.0),
    };
    metrics.process = ProcessLoad {
        cpu_cores: Some(1.0),
        resident_memory_bytes: Some(1.0),
        open_fds: Some(1.0),
        max_fds: Some(1.0),
        gc_pause_share: Some(1.0),
        goroutines: Some(1.0),
    };
    metrics.network = NetworkLoad {
        client_received_bytes_per_second: Some(1.0),
        client_sent_bytes_per_second: Some(1.0),
        ..NetworkLoad::default()
    };
}

/// What the samples of a batch are, as the catalogue names it.
fn named(batch: &SampleBatch) -> impl Iterator<Item = (&'static str, String)> {
    batch.samples.iter().map(|sample| {
        let scope = match (&batch.member, sample.peer) {
            (None, _) => "cluster",
            (Some(_), None) => "member",
            (Some(_), Some(_)) => "link",
        };
        (scope, sample.metric.to_string())
    })
}

#[test]
fn the_catalogue_is_exactly_what_is_sampled_where_everything_was_measured() {
    let batches = samples(&full());
    let sampled: BTreeSet<_> = batches.iter().flat_map(named).collect();
    let listed = metric_catalogue().iter();
    let listed: BTreeSet<_> = listed
        .map(|metric| (metric.scope.as_str(), metric.name.to_owned()))
        .collect();
    assert_eq!(sampled, listed);
    assert_eq!(
        metric_catalogue().len(),
        listed.len(),
        "each is listed once"
    );
}

#[test]
fn the_unit_is_the_last_word_and_help_is_one_sentence() {
    for (name, unit) in [
        ("wal_fsync_p99_seconds", "seconds"),
        ("client_sent_bytes_per_second", "bytes_per_second"),
        ("requests_per_second", "per_second"),
        ("database_in_use_bytes", "bytes"),
        ("gc_pause_share", "share"),
        ("proposals_failed_total", "count"),
        ("watchers", "count"),
    ] {
        assert_eq!(MetricUnit::of(name).as_str(), unit, "{name}");
    }
    for metric in metric_catalogue() {
        assert!(!metric.help.is_empty() && !metric.help.ends_with('.'));
        assert!(!metric.help.contains('|'), "it stands in a table");
        let total = metric.name.ends_with("_total");
        assert!(
            !total || metric.kind == StatKind::Counter,
            "{}",
            metric.name
        );
    }
}

#[test]
fn a_link_goes_from_who_sends_to_who_receives_whoever_says_so() {
    let ends = |name: &str| {
        let mut all = metric_catalogue().iter();
        let metric = all.find(|metric| metric.name == name).unwrap();
        metric.link_ends(MemberId(1), MemberId(2))
    };
    assert_eq!(
        ends("peer_sent_bytes_per_second"),
        (MemberId(1), MemberId(2))
    );
    assert_eq!(
        ends("peer_received_bytes_per_second"),
        (MemberId(2), MemberId(1))
    );
}
