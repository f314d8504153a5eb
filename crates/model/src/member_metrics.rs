//! What a member's numbers amount to: rates, shares and quantiles over a window.

use serde::{Deserialize, Serialize};

/// What the collector derived of one member in this cycle. `None` where it is not known: the family is absent, there was
/// no earlier page to compare with, or a counter went back.
///
/// A rate (`…_per_second`) is since the previous page that was read. Quantiles and shares are over the window
/// (`parameters.metrics.window_seconds`, 5 minutes unless configured).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct MemberMetrics {
    /// Seconds that the window covers so far.
    pub window_seconds: Option<f64>,
    /// How long requests take.
    pub latency: LatencyMetrics,
    /// How many requests there are, and how many fail.
    pub requests: RequestLoad,
    /// Raft and the apply loop.
    pub raft: RaftLoad,
    /// How long the disk takes.
    pub disk: DiskLatency,
    /// Watchers, and whether they keep up.
    pub watch: WatchLoad,
    /// Leases.
    pub leases: LeaseLoad,
    /// The process.
    pub process: ProcessLoad,
    /// Bytes.
    pub network: NetworkLoad,
}

/// Durations within a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct Durations {
    /// Number of observations; 0 where nothing happened.
    pub count: u64,
    /// Median in seconds; `None` without observations.
    pub p50_seconds: Option<f64>,
    /// 95th percentile in seconds.
    pub p95_seconds: Option<f64>,
    /// 99th percentile in seconds.
    pub p99_seconds: Option<f64>,
    /// The last bound of the histogram in seconds, where the 99th percentile lies beyond it: a quantile of this value
    /// means "at least". etcd's histograms of fsyncs, commits and requests end at 8.192 s, gRPC's at 10 s.
    pub saturated_at_seconds: Option<f64>,
}

impl Durations {
    /// A quantile in words: `12.5 ms`, `1.3 s`, or `at least 8.2 s` where the histogram ends there.
    pub fn in_words(&self, seconds: f64) -> String {
        let amount = if seconds < 1.0 {
            format!("{:.1} ms", seconds * 1e3)
        } else {
            format!("{seconds:.1} s")
        };
        if self.saturated_at_seconds.is_some_and(|end| seconds >= end) {
            format!("at least {amount}")
        } else {
            amount
        }
    }
}

/// Where durations were measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LatencySource {
    /// The monitor's canary: one small key, written by the monitor, with the network between.
    Canary,
    /// `etcd_server_request_duration_seconds` (3.7 and later): requests of all clients, by the server.
    ServerRequests,
    /// `grpc_server_handling_seconds` (`--metrics=extensive`): the same, by the gRPC library.
    GrpcHandling,
    /// The monitor's own linearizable reads of one key, with the network between.
    OwnProbe,
}

impl LatencySource {
    /// The source in lower case, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::ServerRequests => "server_requests",
            Self::GrpcHandling => "grpc_handling",
            Self::OwnProbe => "own_probe",
        }
    }
}

/// Durations with where they were measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct MeasuredLatency {
    /// Where.
    pub source: LatencySource,
    /// The durations.
    #[serde(flatten)]
    pub durations: Durations,
}

impl MeasuredLatency {
    /// Durations of a source.
    pub fn new(source: LatencySource, durations: Durations) -> Self {
        Self { source, durations }
    }
}

/// How long requests through a member take, by every source there is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct LatencyMetrics {
    /// Reads, in the order of their sources. Those of clients are of any size; the own probe's is of one key.
    pub reads: Vec<MeasuredLatency>,
    /// Puts and transactions, likewise. gRPC's transactions include those that only read.
    pub writes: Vec<MeasuredLatency>,
}

impl LatencyMetrics {
    /// Reads as measured by a source.
    pub fn reads_by(&self, source: LatencySource) -> Option<&Durations> {
        by(&self.reads, source)
    }

    /// Writes as measured by a source.
    pub fn writes_by(&self, source: LatencySource) -> Option<&Durations> {
        by(&self.writes, source)
    }
}

fn by(measured: &[MeasuredLatency], source: LatencySource) -> Option<&Durations> {
    let mut measured = measured.iter();
    measured
        .find(|latency| latency.source == source)
        .map(|latency| &latency.durations)
}

/// Unary requests of clients, the monitor's own among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct RequestLoad {
    /// Handled per second.
    pub per_second: Option<f64>,
    /// Handled per second over the window.
    pub window_per_second: Option<f64>,
    /// Share (0 to 1) of those handled in the window whose code blames the server; `None` without any.
    pub server_fault_share: Option<f64>,
    /// RPCs and streams in flight.
    pub in_flight: Option<f64>,
}

/// Raft and the apply loop of a member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct RaftLoad {
    /// Entries committed per second.
    pub committed_per_second: Option<f64>,
    /// Proposals that wait to be committed.
    pub proposals_pending: Option<f64>,
    /// Proposals that failed, per second.
    pub proposals_failed_per_second: Option<f64>,
    /// Heartbeats sent too late, per second; only a leader counts.
    pub heartbeat_failures_per_second: Option<f64>,
    /// Applies and reads slower than the member's warning threshold (100 ms), per second.
    pub slow_applies_per_second: Option<f64>,
    /// Read-index requests that were slow, per second.
    pub slow_read_indexes_per_second: Option<f64>,
    /// Read-index requests that failed, per second.
    pub read_index_failures_per_second: Option<f64>,
}

/// How long the disk of a member takes, over the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct DiskLatency {
    /// Sync of the write-ahead log.
    pub wal_fsync: Option<Durations>,
    /// Commit of the backend.
    pub backend_commit: Option<Durations>,
    /// Snapshot of the backend.
    pub snapshot: Option<Durations>,
    /// Defragmentation.
    pub defrag: Option<Durations>,
}

/// Watchers of a member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct WatchLoad {
    /// Watchers.
    pub watchers: Option<f64>,
    /// Streams that carry them.
    pub streams: Option<f64>,
    /// Watchers that are not in sync.
    pub slow_watchers: Option<f64>,
    /// Events not yet sent.
    pub pending_events: Option<f64>,
    /// Events sent per second.
    pub events_per_second: Option<f64>,
    /// Sending one response of a watch, with all its events (3.7 and later).
    pub send: Option<Durations>,
}

/// Leases of a member. etcd does not say how many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct LeaseLoad {
    /// Granted per second.
    pub granted_per_second: Option<f64>,
    /// Revoked per second.
    pub revoked_per_second: Option<f64>,
    /// Renewed per second; only a leader counts.
    pub renewed_per_second: Option<f64>,
    /// Expired per second.
    pub expired_per_second: Option<f64>,
}

/// The process of a member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct ProcessLoad {
    /// CPU seconds per second: 1 is one core.
    pub cpu_cores: Option<f64>,
    /// Resident memory in bytes.
    pub resident_memory_bytes: Option<f64>,
    /// Open file descriptors.
    pub open_fds: Option<f64>,
    /// How many it may open.
    pub max_fds: Option<f64>,
    /// Share (0 to 1) of the time spent in pauses of the garbage collection.
    pub gc_pause_share: Option<f64>,
    /// Goroutines.
    pub goroutines: Option<f64>,
}

/// Bytes that a member moves per second. Links between members are [`LinkSnapshot`](crate::LinkSnapshot)s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct NetworkLoad {
    /// From clients.
    pub client_received_bytes_per_second: Option<f64>,
    /// To clients.
    pub client_sent_bytes_per_second: Option<f64>,
    /// From all peers.
    pub peer_received_bytes_per_second: Option<f64>,
    /// To all peers.
    pub peer_sent_bytes_per_second: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_at_the_end_of_its_histogram_is_at_least_that() {
        let mut durations = Durations::default();
        assert_eq!(durations.in_words(0.0125), "12.5 ms");
        assert_eq!(durations.in_words(8.192), "8.2 s");
        durations.saturated_at_seconds = Some(8.192);
        assert_eq!(durations.in_words(8.192), "at least 8.2 s");
        assert_eq!(durations.in_words(0.008), "8.0 ms");
    }
}
