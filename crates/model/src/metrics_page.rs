//! A member's `/metrics` page, reduced to the families that are used.
//!
//! Names, types and versions of the families: etcd's source, 3.5 to 3.7. A counter is as the member has it: it begins
//! anew with each start of the process.

use serde::{Deserialize, Serialize};

use crate::{AlarmKind, MemberId};

/// What a member's `/metrics` page says, as read: raw values, not yet judged. An absent family is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MetricsPage {
    /// Size of the page in bytes, before decompression limits applied.
    pub page_bytes: u64,
    /// Lines of the page that could not be read and were skipped.
    pub skipped_lines: u64,
    /// The process that answers.
    pub process: ProcessMetrics,
    /// Raft and the apply loop.
    pub raft: RaftMetrics,
    /// Disk and backend.
    pub disk: DiskMetrics,
    /// The key-value store, watches and leases.
    pub store: StoreMetrics,
    /// Traffic with clients and peers.
    pub network: NetworkMetrics,
    /// Requests of clients.
    pub requests: RequestMetrics,
    /// `etcd_server_feature_enabled` (3.6 and later): name of the feature gate, and whether it is on.
    pub features: Option<Vec<(String, bool)>>,
    /// `etcd_debugging_server_alarms` (3.6 and later): activations of alarms less their ends, as the member counted them
    /// since its start. Empty where it counted none. It does not tell which alarms are active.
    pub alarms: Vec<AlarmCount>,
    /// Label of `etcd_cluster_version`, such as `3.7`: the version that the whole cluster has agreed on.
    pub cluster_version: Option<String>,
}

/// One reading of a histogram.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HistogramReading {
    /// (upper bound, observations at or below it since the member's start), ascending.
    #[serde(with = "crate::buckets")]
    pub buckets: Vec<(f64, f64)>,
    /// Sum of all observed values.
    pub sum: Option<f64>,
}

/// How often a member saw one alarm of one member raised, less how often ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AlarmCount {
    /// For which member it was raised.
    pub member: MemberId,
    /// Its kind.
    pub kind: AlarmKind,
    /// Activations since the start of the process, less deactivations; may be negative, and above 1.
    pub count: f64,
}

/// The process of a member.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ProcessMetrics {
    /// `process_start_time_seconds`: unix time at which the process started.
    pub start_time_seconds: Option<f64>,
    /// `process_cpu_seconds_total`.
    pub cpu_seconds: Option<f64>,
    /// `process_resident_memory_bytes`.
    pub resident_memory_bytes: Option<f64>,
    /// `process_open_fds`.
    pub open_fds: Option<f64>,
    /// `process_max_fds`.
    pub max_fds: Option<f64>,
    /// `go_gc_duration_seconds_sum`: time in garbage collection pauses.
    pub gc_pause_seconds: Option<f64>,
    /// `go_gc_duration_seconds_count`.
    pub gc_runs: Option<f64>,
    /// `go_goroutines`.
    pub goroutines: Option<f64>,
}

/// Raft and the apply loop of a member.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RaftMetrics {
    /// `etcd_server_has_leader`: written only when raft's soft state changes.
    pub has_leader: Option<f64>,
    /// `etcd_server_leader_changes_seen_total`: also counts the member's own start.
    pub leader_changes_seen: Option<f64>,
    /// `etcd_server_proposals_committed_total`: a gauge that holds a raft index.
    pub proposals_committed: Option<f64>,
    /// `etcd_server_proposals_applied_total`: a gauge that holds a raft index.
    pub proposals_applied: Option<f64>,
    /// `etcd_server_proposals_pending`.
    pub proposals_pending: Option<f64>,
    /// `etcd_server_proposals_failed_total`.
    pub proposals_failed: Option<f64>,
    /// `etcd_server_heartbeat_send_failures_total`: heartbeats that took more than twice their interval to send.
    pub heartbeat_send_failures: Option<f64>,
    /// `etcd_server_slow_apply_total`: applies and reads slower than the member's warning threshold.
    pub slow_applies: Option<f64>,
    /// `etcd_server_slow_read_indexes_total`.
    pub slow_read_indexes: Option<f64>,
    /// `etcd_server_read_indexes_failed_total`.
    pub read_indexes_failed: Option<f64>,
    /// `etcd_server_snapshot_apply_in_progress_total`: 1 while a snapshot from a peer is applied.
    pub snapshot_apply_in_progress: Option<f64>,
    /// `etcd_server_learner_promote_failures`, over all reasons.
    pub learner_promote_failures: Option<f64>,
}

/// Disk and backend of a member.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DiskMetrics {
    /// `etcd_disk_wal_fsync_duration_seconds`.
    pub wal_fsync: Option<HistogramReading>,
    /// `etcd_disk_backend_commit_duration_seconds`.
    pub backend_commit: Option<HistogramReading>,
    /// `etcd_disk_backend_snapshot_duration_seconds`.
    pub snapshot: Option<HistogramReading>,
    /// `etcd_disk_backend_defrag_duration_seconds`.
    pub defrag: Option<HistogramReading>,
    /// `etcd_disk_defrag_inflight`: 1 while the backend is defragmented.
    pub defrag_in_flight: Option<f64>,
    /// `etcd_mvcc_hash_rev_duration_seconds`: what a hash of the key space costs.
    pub hash_rev: Option<HistogramReading>,
    /// `etcd_disk_wal_write_bytes_total`: a gauge.
    pub wal_written_bytes: Option<f64>,
    /// `etcd_server_quota_backend_bytes`; negative: quota disabled.
    pub quota_backend_bytes: Option<f64>,
    /// `etcd_mvcc_db_open_read_transactions`.
    pub open_read_transactions: Option<f64>,
}

/// The key-value store, watches and leases of a member.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StoreMetrics {
    /// `etcd_debugging_mvcc_keys_total`: a gauge.
    pub keys: Option<f64>,
    /// `etcd_debugging_mvcc_current_revision`.
    pub current_revision: Option<f64>,
    /// `etcd_debugging_mvcc_compact_revision`.
    pub compact_revision: Option<f64>,
    /// `etcd_debugging_mvcc_db_compaction_keys_total`: keys that compactions removed.
    pub compacted_keys: Option<f64>,
    /// `etcd_debugging_mvcc_db_compaction_last`: unix time of the last compaction; 0 from a start until the next one.
    pub last_compaction_seconds: Option<f64>,
    /// `etcd_mvcc_put_total`.
    pub puts: Option<f64>,
    /// `etcd_mvcc_delete_total`.
    pub deletes: Option<f64>,
    /// `etcd_mvcc_range_total`.
    pub ranges: Option<f64>,
    /// `etcd_mvcc_txn_total`.
    pub txns: Option<f64>,
    /// `etcd_debugging_mvcc_watcher_total`: a gauge.
    pub watchers: Option<f64>,
    /// `etcd_debugging_mvcc_watch_stream_total`: a gauge.
    pub watch_streams: Option<f64>,
    /// `etcd_debugging_mvcc_slow_watcher_total`: a gauge of watchers that are not in sync.
    pub slow_watchers: Option<f64>,
    /// `etcd_debugging_mvcc_pending_events_total`: a gauge of events not yet sent.
    pub pending_events: Option<f64>,
    /// `etcd_debugging_mvcc_events_total`: events sent.
    pub events: Option<f64>,
    /// `etcd_debugging_server_watch_send_loop_watch_stream_duration_seconds` (3.7 and later): what it takes to send one response of a
    /// watch, with all its events.
    pub watch_send: Option<HistogramReading>,
    /// `etcd_debugging_lease_granted_total`.
    pub leases_granted: Option<f64>,
    /// `etcd_debugging_lease_revoked_total`.
    pub leases_revoked: Option<f64>,
    /// `etcd_debugging_lease_renewed_total`.
    pub leases_renewed: Option<f64>,
    /// `etcd_debugging_server_lease_expired_total`.
    pub leases_expired: Option<f64>,
}

/// Traffic of a member.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct NetworkMetrics {
    /// `etcd_network_client_grpc_received_bytes_total`.
    pub client_received_bytes: Option<f64>,
    /// `etcd_network_client_grpc_sent_bytes_total`.
    pub client_sent_bytes: Option<f64>,
    /// What the member says of each peer, by id; series of removed peers stay until it restarts. Empty without any.
    pub peers: Vec<PeerMetrics>,
}

/// What a member says of one of its peers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PeerMetrics {
    /// The peer.
    pub peer: MemberId,
    /// `etcd_network_peer_sent_bytes_total{To}`.
    pub sent_bytes: Option<f64>,
    /// `etcd_network_peer_received_bytes_total{From}`: grows while the peer's heartbeats or answers arrive.
    pub received_bytes: Option<f64>,
    /// `etcd_network_peer_sent_failures_total{To}`.
    pub sent_failures: Option<f64>,
    /// `etcd_network_peer_received_failures_total{From}`.
    pub received_failures: Option<f64>,
    /// `etcd_network_active_peers{Remote}`: a gauge of connections.
    pub active: Option<f64>,
    /// `etcd_network_known_peers{Remote}` (3.6 and later): the member's view of the membership.
    pub known: Option<f64>,
    /// `etcd_network_disconnected_peers_total{Remote}`.
    pub disconnects: Option<f64>,
    /// `etcd_network_peer_round_trip_time_seconds{To}`: a smoothed value, observed at each tick of two probers (every
    /// 30 s while well, every 5 s while not).
    pub round_trip: Option<HistogramReading>,
    /// `etcd_network_snapshot_send_failures{To}`.
    pub snapshot_send_failures: Option<f64>,
    /// `etcd_network_snapshot_send_inflights_total{To}`: a gauge.
    pub snapshot_sends_in_flight: Option<f64>,
    /// `etcd_network_snapshot_receive_success{From}`.
    pub snapshots_received: Option<f64>,
    /// `etcd_network_snapshot_receive_inflights_total{From}`: a gauge.
    pub snapshot_receives_in_flight: Option<f64>,
}

impl PeerMetrics {
    /// A peer of which nothing is known yet.
    pub fn of(peer: MemberId) -> Self {
        Self {
            peer,
            sent_bytes: None,
            received_bytes: None,
            sent_failures: None,
            received_failures: None,
            active: None,
            known: None,
            disconnects: None,
            round_trip: None,
            snapshot_send_failures: None,
            snapshot_sends_in_flight: None,
            snapshots_received: None,
            snapshot_receives_in_flight: None,
        }
    }
}

/// Requests that a member took from clients.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RequestMetrics {
    /// Sum of `grpc_server_started_total` over all methods and types.
    pub started: Option<f64>,
    /// Sum of `grpc_server_handled_total` over all methods, types and codes.
    pub handled: Option<f64>,
    /// Sum of `grpc_server_handled_total` where `grpc_type` is `unary`.
    pub unary_handled: Option<f64>,
    /// Of these, the ones whose code blames the server: Unknown, `FailedPrecondition`, `ResourceExhausted`, Internal,
    /// Unavailable, `DataLoss`, `DeadlineExceeded`.
    pub unary_server_faults: Option<f64>,
    /// Streams of the Watch service started.
    pub watch_streams_started: Option<f64>,
    /// Streams of the Watch service ended.
    pub watch_streams_handled: Option<f64>,
    /// Streams of the Lease service started.
    pub lease_streams_started: Option<f64>,
    /// Streams of the Lease service ended.
    pub lease_streams_handled: Option<f64>,
    /// `etcd_server_request_duration_seconds` (3.7 and later) of successful writes that the member took in: `type` is
    /// `Put` or `Txn`. All zero while there were only other requests.
    pub writes: Option<HistogramReading>,
    /// The same of successful reads: `type` is `Range`.
    pub reads: Option<HistogramReading>,
    /// `grpc_server_handling_seconds` of all unary methods together; only with `--metrics=extensive`.
    pub unary_handling: Option<HistogramReading>,
    /// `grpc_server_handling_seconds` of the method `Range`. All zero while there were only other requests.
    pub grpc_reads: Option<HistogramReading>,
    /// The same of `Put` and `Txn`; transactions that only read are among them.
    pub grpc_writes: Option<HistogramReading>,
}
