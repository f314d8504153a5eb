//! Every number that is sampled: its unit, how it moves, what it is of, and what it says.

use crate::{MemberId, StatKind};

/// One number that [`samples`](crate::samples) takes of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// Its name, with the unit as the last word where it has one.
    pub name: &'static str,
    /// What it is of. A name can be there for several things.
    pub scope: MetricScope,
    /// How it moves. What grows and can only be set back with a restart is a counter.
    pub kind: StatKind,
    /// What it says, in one sentence without a full stop.
    pub help: &'static str,
}

/// What a number is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MetricScope {
    /// The cluster as a whole, or the monitor's work on it.
    Cluster,
    /// One member.
    Member,
    /// A directed link, as the member says that sends.
    Link,
    /// A directed link, as the member says that receives.
    ReceivingLink,
}

/// The unit of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MetricUnit {
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Bytes per second.
    BytesPerSecond,
    /// Things or events per second.
    PerSecond,
    /// A part of the whole, from 0 to 1.
    Share,
    /// Things or events counted; 0 and 1 for no and yes.
    Count,
}

/// Every number that is sampled, by scope, and within a scope in the order in which they are taken.
pub fn metric_catalogue() -> &'static [Metric] {
    METRICS
}

impl Metric {
    /// Its unit.
    pub fn unit(&self) -> MetricUnit {
        MetricUnit::of(self.name)
    }

    /// For a number of a link: who sends, and who receives, given the member with which the sample stands, and its peer.
    pub fn link_ends(&self, member: MemberId, peer: MemberId) -> (MemberId, MemberId) {
        match self.scope {
            MetricScope::ReceivingLink => (peer, member),
            _ => (member, peer),
        }
    }
}

impl MetricScope {
    /// The scope in lower case: `cluster`, `member` or `link`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Member => "member",
            Self::Link | Self::ReceivingLink => "link",
        }
    }
}

impl MetricUnit {
    /// The unit that the last words of a name say; a name without one counts things.
    pub fn of(name: &str) -> Self {
        let units = [
            ("_bytes_per_second", Self::BytesPerSecond),
            ("_per_second", Self::PerSecond),
            ("_seconds", Self::Seconds),
            ("_bytes", Self::Bytes),
            ("_share", Self::Share),
        ];
        let said = units.into_iter().find(|(end, _)| name.ends_with(end));
        said.map_or(Self::Count, |(_, unit)| unit)
    }

    /// The unit in words, as in JSON: `seconds`, `bytes_per_second`, `count`, …
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes_per_second",
            Self::PerSecond => "per_second",
            Self::Share => "share",
            Self::Count => "count",
        }
    }
}

const fn metric(
    scope: MetricScope,
    kind: StatKind,
    name: &'static str,
    help: &'static str,
) -> Metric {
    Metric {
        name,
        scope,
        kind,
        help,
    }
}

const fn cluster(name: &'static str, help: &'static str) -> Metric {
    metric(MetricScope::Cluster, StatKind::Gauge, name, help)
}

const fn member(name: &'static str, help: &'static str) -> Metric {
    metric(MetricScope::Member, StatKind::Gauge, name, help)
}

const fn member_counter(name: &'static str, help: &'static str) -> Metric {
    metric(MetricScope::Member, StatKind::Counter, name, help)
}

const fn link(name: &'static str, help: &'static str) -> Metric {
    metric(MetricScope::Link, StatKind::Gauge, name, help)
}

const METRICS: &[Metric] = &[
    cluster(
        "healthy",
        "1 when a linearizable read succeeded and no critical finding is true, 0 when not",
    ),
    cluster(
        "findings_true",
        "Findings that are true, explained ones included",
    ),
    cluster(
        "has_leader",
        "1 when the members that answered agree on a leader, 0 when not",
    ),
    metric(
        MetricScope::Cluster,
        StatKind::Counter,
        "leader_changes_total",
        "Leader changes seen since the monitor's state began, by raft term",
    ),
    cluster("members", "Members in the agreed list, learners included"),
    cluster("voters", "Voting members in the agreed list"),
    cluster(
        "voters_available",
        "Voting members that answered in the cycle",
    ),
    cluster(
        "failure_tolerance_voters",
        "Voting members that may still fail before quorum is lost",
    ),
    cluster(
        "canary_write_p50_seconds",
        "Median latency of the canary's writes",
    ),
    cluster(
        "canary_write_p95_seconds",
        "95th percentile of the latency of the canary's writes",
    ),
    cluster(
        "canary_write_p99_seconds",
        "99th percentile of the latency of the canary's writes",
    ),
    cluster("monitor_cycle_seconds", "Duration of the monitor's cycle"),
    cluster(
        "monitor_timer_lag_seconds",
        "How late the monitor's own timer was in the cycle",
    ),
    cluster(
        "monitor_rpcs",
        "Calls that the monitor made in the cycle, over all members",
    ),
    cluster(
        "monitor_scrape_bytes",
        "Bytes of metrics pages that the monitor read in the cycle, over all members",
    ),
    member(
        "healthy",
        "1 when the member answered Status and a serializable read, 0 when not",
    ),
    member(
        "read_seconds",
        "Duration of the cycle's linearizable read through the member",
    ),
    member(
        "read_p50_seconds",
        "Median latency of the monitor's linearizable reads over 5 minutes",
    ),
    member(
        "read_p95_seconds",
        "95th percentile of the latency of the monitor's linearizable reads over 5 minutes",
    ),
    member(
        "read_p99_seconds",
        "99th percentile of the latency of the monitor's linearizable reads over 5 minutes",
    ),
    member_counter("raft_term", "Raft term"),
    member_counter(
        "raft_committed_index",
        "Raft index that the member knows to be committed",
    ),
    member_counter(
        "raft_applied_index",
        "Raft index that the member has applied",
    ),
    member_counter("revision", "Key-value revision"),
    member(
        "clock_offset_seconds",
        "How far the member's clock is ahead of the monitor's; below 0 behind",
    ),
    member("database_allocated_bytes", "Size of the backend file"),
    member("database_in_use_bytes", "Bytes of the backend file in use"),
    member("database_quota_bytes", "Backend quota"),
    member(
        "apply_lag_entries",
        "Raft entries that are committed and not applied yet",
    ),
    member_counter(
        "proposals_failed_total",
        "Proposals that failed since the member's start",
    ),
    member(
        "write_p50_seconds",
        "Median latency of clients' puts and transactions over 5 minutes (etcd 3.7 and later), or of the canary's writes",
    ),
    member(
        "write_p95_seconds",
        "95th percentile of the latency of writes, likewise",
    ),
    member(
        "write_p99_seconds",
        "99th percentile of the latency of writes, likewise",
    ),
    member(
        "server_read_p50_seconds",
        "Median latency of clients' reads over 5 minutes, by etcd's request durations (3.7 and later)",
    ),
    member(
        "server_read_p95_seconds",
        "95th percentile of the latency of clients' reads, likewise",
    ),
    member(
        "server_read_p99_seconds",
        "99th percentile of the latency of clients' reads, likewise",
    ),
    member(
        "grpc_read_p50_seconds",
        "Median latency of clients' reads over 5 minutes, by gRPC handling times (extensive metrics)",
    ),
    member(
        "grpc_read_p95_seconds",
        "95th percentile of the latency of clients' reads, likewise",
    ),
    member(
        "grpc_read_p99_seconds",
        "99th percentile of the latency of clients' reads, likewise",
    ),
    member(
        "grpc_write_p50_seconds",
        "Median latency of clients' writes over 5 minutes, by gRPC handling times (extensive metrics)",
    ),
    member(
        "grpc_write_p95_seconds",
        "95th percentile of the latency of clients' writes, likewise",
    ),
    member(
        "grpc_write_p99_seconds",
        "99th percentile of the latency of clients' writes, likewise",
    ),
    member(
        "wal_fsync_p50_seconds",
        "Median duration of WAL fsyncs over 5 minutes",
    ),
    member(
        "wal_fsync_p95_seconds",
        "95th percentile of the duration of WAL fsyncs over 5 minutes",
    ),
    member(
        "wal_fsync_p99_seconds",
        "99th percentile of the duration of WAL fsyncs over 5 minutes",
    ),
    member(
        "backend_commit_p50_seconds",
        "Median duration of backend commits over 5 minutes",
    ),
    member(
        "backend_commit_p95_seconds",
        "95th percentile of the duration of backend commits over 5 minutes",
    ),
    member(
        "backend_commit_p99_seconds",
        "99th percentile of the duration of backend commits over 5 minutes",
    ),
    member(
        "snapshot_p50_seconds",
        "Median duration of backend snapshots over 5 minutes",
    ),
    member(
        "snapshot_p95_seconds",
        "95th percentile of the duration of backend snapshots over 5 minutes",
    ),
    member(
        "snapshot_p99_seconds",
        "99th percentile of the duration of backend snapshots over 5 minutes",
    ),
    member(
        "defrag_p50_seconds",
        "Median duration of defragmentations over 5 minutes",
    ),
    member(
        "defrag_p95_seconds",
        "95th percentile of the duration of defragmentations over 5 minutes",
    ),
    member(
        "defrag_p99_seconds",
        "99th percentile of the duration of defragmentations over 5 minutes",
    ),
    member("requests_per_second", "Unary calls that the member handled"),
    member(
        "request_fault_share",
        "Share of unary calls that failed by fault of the server",
    ),
    member("rpcs_in_flight", "Calls and streams in flight"),
    member("committed_per_second", "Raft entries committed"),
    member("proposals_pending", "Proposals that wait to be committed"),
    member("proposals_failed_per_second", "Proposals that failed"),
    member(
        "heartbeat_failures_per_second",
        "Heartbeats that the member, as leader, sent too late",
    ),
    member(
        "slow_applies_per_second",
        "Applies and reads slower than the member's warning threshold of 100 ms",
    ),
    member(
        "slow_read_indexes_per_second",
        "Read indexes that took long",
    ),
    member("read_index_failures_per_second", "Read indexes that failed"),
    member("watchers", "Watchers"),
    member("watch_streams", "Watch streams"),
    member("slow_watchers", "Watchers that are not in sync"),
    member("pending_events", "Events that wait to be sent to watchers"),
    member("events_per_second", "Events sent to watchers"),
    member(
        "watch_send_p99_seconds",
        "99th percentile of the time to send one response of a watch over 5 minutes (etcd 3.7 and later)",
    ),
    member("leases_granted_per_second", "Leases granted"),
    member("leases_revoked_per_second", "Leases revoked"),
    member(
        "leases_renewed_per_second",
        "Leases renewed; only a leader counts",
    ),
    member("leases_expired_per_second", "Leases expired"),
    member(
        "cpu_cores",
        "Processor cores in use by the member's process",
    ),
    member(
        "resident_memory_bytes",
        "Resident memory of the member's process",
    ),
    member(
        "open_fds",
        "File descriptors that the member's process has open",
    ),
    member(
        "max_fds",
        "File descriptors that the member's process may have open",
    ),
    member(
        "gc_pause_share",
        "Share of time in which the member's garbage collector stopped its process",
    ),
    member("goroutines", "Goroutines of the member's process"),
    member(
        "client_received_bytes_per_second",
        "Bytes received from clients",
    ),
    member("client_sent_bytes_per_second", "Bytes sent to clients"),
    link(
        "peer_round_trip_seconds",
        "Round trip between the two members, as etcd's probers measure and smooth it",
    ),
    link(
        "peer_sent_bytes_per_second",
        "Bytes that the sender says it sends",
    ),
    link(
        "peer_failures_per_second",
        "Failures and disconnects that are counted towards the receiver",
    ),
    metric(
        MetricScope::ReceivingLink,
        StatKind::Gauge,
        "peer_received_bytes_per_second",
        "Bytes that the receiver says arrive",
    ),
];

#[cfg(test)]
mod tests;
