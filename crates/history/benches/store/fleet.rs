//! Clusters that are made up.

use std::f64::consts::TAU;

use etcd_monitor_model::{ClusterName, MemberId, Sample, SampleBatch, SampledMember};
use jiff::Timestamp;

/// Seconds between two cycles.
pub(crate) const INTERVAL_SECONDS: i64 = 10;

/// Members of each cluster.
const MEMBERS: [u64; 3] = [1, 2, 3];

/// Quantiles over five minutes, with what they are around.
const WINDOWS: [(&str, f64); 21] = [
    ("read_p50_seconds", 0.000_8),
    ("read_p95_seconds", 0.001_7),
    ("read_p99_seconds", 0.003),
    ("write_p50_seconds", 0.002),
    ("write_p95_seconds", 0.006),
    ("write_p99_seconds", 0.009),
    ("server_read_p50_seconds", 0.000_5),
    ("server_read_p95_seconds", 0.001_2),
    ("server_read_p99_seconds", 0.002),
    ("grpc_read_p50_seconds", 0.000_6),
    ("grpc_read_p95_seconds", 0.001_4),
    ("grpc_read_p99_seconds", 0.002_4),
    ("grpc_write_p50_seconds", 0.002_2),
    ("grpc_write_p95_seconds", 0.006_5),
    ("grpc_write_p99_seconds", 0.009_5),
    ("wal_fsync_p50_seconds", 0.001_1),
    ("wal_fsync_p95_seconds", 0.003_4),
    ("wal_fsync_p99_seconds", 0.007),
    ("backend_commit_p50_seconds", 0.002_6),
    ("backend_commit_p95_seconds", 0.007),
    ("backend_commit_p99_seconds", 0.012),
];

/// What is 0 on a member without trouble.
const QUIET: [&str; 12] = [
    "request_fault_share",
    "proposals_failed_per_second",
    "heartbeat_failures_per_second",
    "slow_applies_per_second",
    "slow_read_indexes_per_second",
    "read_index_failures_per_second",
    "slow_watchers",
    "pending_events",
    "leases_expired_per_second",
    "leases_revoked_per_second",
    "leases_granted_per_second",
    "gc_pause_share",
];

/// A page of etcd's database.
const PAGE_BYTES: f64 = 4096.0;

/// Clusters of three members.
pub(crate) struct Fleet {
    clusters: Vec<Cluster>,
}

struct Cluster {
    name: ClusterName,
    random: Random,
    /// Requests since the start.
    requests: f64,
    in_use_pages: f64,
    allocated_pages: f64,
    resident_pages: f64,
    /// Quantiles of the last five minutes.
    windows: [f64; WINDOWS.len()],
}

/// The generator `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Between 0 and 1, evenly.
    fn even(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Normal, around 0 with a deviation of 1.
    fn normal(&mut self) -> f64 {
        let (one, other) = (1.0 - self.even(), self.even());
        (-2.0 * one.ln()).sqrt() * (TAU * other).cos()
    }

    /// Around a middle, as latencies are: never below 0, now and then far above.
    fn latency(&mut self, middle: f64) -> f64 {
        middle * (0.25 * self.normal()).exp()
    }

    fn whole(&mut self, below: f64) -> f64 {
        (self.even() * below).floor()
    }
}

impl Fleet {
    pub(crate) fn new(clusters: u64) -> Self {
        Self {
            clusters: (0..clusters).map(Cluster::new).collect(),
        }
    }

    /// What one cycle measures: a batch of each member, and one of each cluster.
    pub(crate) fn cycle(&mut self, second: i64) -> Vec<SampleBatch> {
        let batches = self.clusters.iter_mut().flat_map(|it| it.cycle(second));
        batches.collect()
    }
}

impl Cluster {
    fn new(number: u64) -> Self {
        Self {
            name: ClusterName::new(format!("c{number}")),
            random: Random(number),
            requests: 1e6,
            in_use_pages: 20_000.0,
            allocated_pages: 25_000.0,
            resident_pages: 30_000.0,
            windows: WINDOWS.map(|it| it.1),
        }
    }

    fn cycle(&mut self, second: i64) -> Vec<SampleBatch> {
        let day = second as f64 / 86_400.0;
        let rate = 80.0 + 40.0 * (day * TAU).sin() + 6.0 * self.random.normal();
        self.requests += (rate.max(1.0) * INTERVAL_SECONDS as f64).round();
        self.in_use_pages += self.random.whole(5.0) - 2.0;
        self.allocated_pages = self.allocated_pages.max(self.in_use_pages);
        let mut batches: Vec<_> = MEMBERS.map(|it| self.member(it, rate, second)).into();
        batches.push(self.whole_cluster(second));
        batches
    }

    /// The time of a cycle: a timer is late by some milliseconds.
    fn at(&mut self, second: i64) -> Timestamp {
        let late = 137 + self.random.next() % 8;
        let at = second * 1000 + late.cast_signed();
        Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn member(&mut self, member: u64, rate: f64, second: i64) -> SampleBatch {
        let mut samples = self.state();
        samples.extend(self.space());
        samples.extend(self.counters(rate));
        samples.extend(self.windows());
        samples.extend(self.machine(rate));
        samples.extend(QUIET.map(|it| (it, 0.0)));
        let mut samples: Vec<Sample> = samples.into_iter().map(sample(None)).collect();
        for peer in MEMBERS.into_iter().filter(|it| *it != member) {
            samples.extend(self.link(rate).into_iter().map(sample(Some(peer))));
        }
        SampleBatch {
            cluster: self.name.clone(),
            member: Some(SampledMember {
                id: MemberId(member),
                name: format!("m{member}"),
            }),
            at: self.at(second),
            samples,
        }
    }

    fn state(&mut self) -> Vec<(&'static str, f64)> {
        let read = self.random.latency(0.000_8);
        let index = self.requests;
        vec![
            ("healthy", 1.0),
            ("read_seconds", read),
            ("raft_term", 7.0),
            ("raft_committed_index", index + self.random.whole(40.0)),
            ("raft_applied_index", index + self.random.whole(40.0)),
            ("revision", index - 1234.0 + self.random.whole(40.0)),
            ("clock_offset_seconds", 0.0),
        ]
    }

    fn space(&mut self) -> Vec<(&'static str, f64)> {
        self.resident_pages += self.random.whole(101.0) - 50.0;
        vec![
            (
                "database_allocated_bytes",
                self.allocated_pages * PAGE_BYTES,
            ),
            ("database_in_use_bytes", self.in_use_pages * PAGE_BYTES),
            ("database_quota_bytes", 2_147_483_648.0),
            ("apply_lag_entries", self.random.whole(3.0)),
            ("resident_memory_bytes", self.resident_pages * PAGE_BYTES),
        ]
    }

    fn counters(&mut self, rate: f64) -> Vec<(&'static str, f64)> {
        // Between two scrapes there are not exactly ten seconds.
        let elapsed = 10.0 + 0.003 * self.random.normal();
        vec![
            ("proposals_pending", self.random.whole(1.05)),
            ("proposals_failed_total", 3.0),
            ("watchers", 42.0),
            ("watch_streams", 12.0),
            ("rpcs_in_flight", 44.0 + self.random.whole(3.0)),
            ("requests_per_second", (rate * 10.0).round() / elapsed),
            ("committed_per_second", (rate * 9.0).round() / elapsed),
            ("events_per_second", (rate * 20.0).round() / elapsed),
            (
                "leases_renewed_per_second",
                (4.0 + self.random.whole(3.0)) / elapsed,
            ),
        ]
    }

    fn machine(&mut self, rate: f64) -> Vec<(&'static str, f64)> {
        let elapsed = 10.0 + 0.003 * self.random.normal();
        let received = (rate * 2700.0 + 800.0 * self.random.normal()).round();
        let cpu = (rate * 0.8 + 4.0 * self.random.normal()).round() / 100.0;
        vec![
            ("cpu_cores", cpu / elapsed),
            ("open_fds", 90.0 + self.random.whole(3.0)),
            ("max_fds", 65_536.0),
            ("goroutines", 310.0 + self.random.whole(8.0)),
            ("client_received_bytes_per_second", received / elapsed),
            ("client_sent_bytes_per_second", 1.7 * received / elapsed),
        ]
    }

    /// Quantiles over five minutes: a thirtieth of what they are of is new in each cycle.
    fn windows(&mut self) -> impl Iterator<Item = (&'static str, f64)> {
        for (value, (_, middle)) in self.windows.iter_mut().zip(WINDOWS) {
            *value += (self.random.latency(middle) - *value) / 30.0;
        }
        WINDOWS
            .into_iter()
            .zip(self.windows)
            .map(|((name, _), value)| (name, value))
    }

    fn link(&mut self, rate: f64) -> Vec<(&'static str, f64)> {
        let elapsed = 10.0 + 0.003 * self.random.normal();
        let sent = (rate * 3100.0 + 900.0 * self.random.normal()).round();
        vec![
            ("peer_round_trip_seconds", self.random.latency(0.001_2)),
            ("peer_sent_bytes_per_second", sent / elapsed),
            ("peer_failures_per_second", 0.0),
            ("peer_received_bytes_per_second", 0.9 * sent / elapsed),
        ]
    }

    fn whole_cluster(&mut self, second: i64) -> SampleBatch {
        let samples = [
            ("healthy", 1.0),
            ("findings_true", 0.0),
            ("has_leader", 1.0),
            ("leader_changes_total", 2.0),
            ("members", 3.0),
            ("voters", 3.0),
            ("voters_available", 3.0),
            ("failure_tolerance_voters", 1.0),
            ("monitor_cycle_seconds", self.random.latency(0.015)),
            ("monitor_timer_lag_seconds", self.random.latency(0.000_9)),
            ("monitor_rpcs", 15.0),
            ("monitor_scrape_bytes", 560_000.0 + self.random.whole(400.0)),
        ];
        SampleBatch {
            cluster: self.name.clone(),
            member: None,
            at: self.at(second),
            samples: samples.into_iter().map(sample(None)).collect(),
        }
    }
}

fn sample(peer: Option<u64>) -> impl Fn((&'static str, f64)) -> Sample {
    move |(metric, value)| Sample {
        metric: metric.into(),
        peer: peer.map(MemberId),
        value,
    }
}
