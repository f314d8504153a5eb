//! What the monitor says about a cluster after one cycle.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    AlertType, CanarySummary, CertificateReport, ClusterId, ClusterName, ConsistencySummary,
    Coverage, Finding, LeaderChange, LearnerProgress, LinkSnapshot, MemberCapacity, MemberId,
    MemberMetrics, MemberTrust, MonitorCondition, ProbeFailure, ProbeRecord, Severity,
    VersionReport,
};

/// What the monitor says about one cluster after one cycle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// The configured name of the cluster.
    pub cluster: ClusterName,
    /// The cluster's own id; `None` until a member has answered.
    pub cluster_id: Option<ClusterId>,
    /// Number of the cycle, from 1.
    pub cycle: u64,
    /// When the cycle ended.
    pub at: Timestamp,
    /// Planned time between two cycles, in seconds.
    pub interval_seconds: f64,
    /// Duration of the cycle in seconds.
    pub cycle_seconds: f64,
    /// The verdict on the cluster.
    pub health: ClusterHealth,
    /// The agreed leader; `None` when there is none or it is not known.
    pub leader: Option<Leader>,
    /// Leader changes seen since the state began, counted by raft term. `None` until a leader was seen.
    pub leader_changes: Option<u64>,
    /// The latest leader changes, oldest first; at most 100.
    pub leader_history: Vec<LeaderChange>,
    /// Quorum; `None` while the membership is not known.
    pub quorum: Option<Quorum>,
    /// Number of members in the agreed list, learners included; `None` while it is not known.
    pub member_count: Option<u32>,
    /// The members, in the order of their names; endpoints whose member is not known come last.
    pub members: Vec<MemberSnapshot>,
    /// Every direction between two members of the agreed list, by the ids of both; empty beyond 16 members.
    #[serde(default)]
    pub links: Vec<LinkSnapshot>,
    /// Every evaluated finding, worst first.
    pub findings: Vec<Finding>,
    /// What could not be judged, and why.
    #[serde(default)]
    pub coverage: Coverage,
    /// How punctual the monitor itself was.
    pub monitor: MonitorCondition,
    /// When any member last answered; `None` when none ever did.
    pub last_answer_at: Option<Timestamp>,
    /// What the cycle cost etcd.
    pub cost: ProbeCost,
    /// The canary's latest round; `None` while there was none, or where it is off.
    #[serde(default)]
    pub canary: Option<CanarySummary>,
    /// What hashes say of the members' data.
    #[serde(default)]
    pub consistency: ConsistencySummary,
    /// What the members' ports show.
    #[serde(default)]
    pub certificates: CertificateReport,
    /// What members run, and as what the cluster acts.
    #[serde(default)]
    pub versions: VersionReport,
}

impl Snapshot {
    /// A snapshot that claims nothing yet, to be filled in.
    pub fn empty(cluster: ClusterName, at: Timestamp, monitor: MonitorCondition) -> Self {
        Self {
            cluster,
            cluster_id: None,
            cycle: 0,
            at,
            interval_seconds: 0.0,
            cycle_seconds: 0.0,
            health: ClusterHealth::default(),
            leader: None,
            leader_changes: None,
            leader_history: Vec::new(),
            quorum: None,
            member_count: None,
            members: Vec::new(),
            links: Vec::new(),
            findings: Vec::new(),
            coverage: Coverage::default(),
            monitor,
            last_answer_at: None,
            cost: ProbeCost::default(),
            canary: None,
            consistency: ConsistencySummary::default(),
            certificates: CertificateReport::default(),
            versions: VersionReport::default(),
        }
    }

    /// The worst unexplained finding that is true; among equals the first.
    pub fn worst(&self) -> Option<&Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.is_root())
            .reduce(|worst, next| {
                if next.severity > worst.severity {
                    next
                } else {
                    worst
                }
            })
    }
}

/// The verdict on a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterHealth {
    /// True: a linearizable read succeeded and no critical finding is true. `None`: not known.
    pub healthy: Option<bool>,
    /// Severity of the worst unexplained finding that is true.
    pub worst: Option<Severity>,
    /// Area of that finding.
    pub worst_type: Option<AlertType>,
    /// The verdict in one sentence: the worst finding's cause, or what was checked.
    pub sentence: String,
}

/// The agreed leader of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Leader {
    /// The leader's id.
    pub id: MemberId,
    /// Its name; empty while it is not known.
    pub name: String,
    /// Since when it has been seen as leader of this term (no earlier than the monitor's state began).
    pub since: Timestamp,
    /// The raft term.
    pub term: u64,
}

/// Whether the cluster can agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quorum {
    /// Voting members in the agreed list.
    pub voters: u32,
    /// Learners in the agreed list: they have no vote, and are not counted below.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub learners: u32,
    /// Voters that must agree: voters / 2 + 1.
    pub needed: u32,
    /// Voters that answered in this cycle; `None` when the monitor was late.
    pub available: Option<u32>,
    /// Voters that may still fail before quorum is lost (0 when it is lost already); `None` when not known.
    pub tolerance: Option<u32>,
}

/// What a member is in its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MemberRole {
    /// Leads.
    Leader,
    /// Votes, and follows.
    Follower,
    /// Does not vote yet.
    Learner,
    /// Not known: it did not answer and the list does not say.
    Unknown,
}

impl MemberRole {
    /// The role in lower case, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Learner => "learner",
            Self::Unknown => "unknown",
        }
    }
}

/// What the monitor says about one member (or about an endpoint whose member is not known).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct MemberSnapshot {
    /// The member's id; `None` for an endpoint that has never answered.
    pub id: Option<MemberId>,
    /// The member's name; the endpoint while the name is not known. Untrusted text.
    pub name: String,
    /// The endpoint through which it is probed; empty when it advertises none.
    pub endpoint: String,
    /// Client URLs it advertises. Untrusted text.
    pub client_urls: Vec<String>,
    /// What it is in the cluster.
    pub role: MemberRole,
    /// True: it answered Status and a serializable read. False: it did not. `None`: not known (monitor late, …).
    pub healthy: Option<bool>,
    /// True when its linearizable read succeeded: a quorum is reachable through it.
    pub linearizable: Option<bool>,
    /// Why it is not healthy, or why that is not known.
    pub failure: Option<ProbeFailure>,
    /// Server version; from the last answer, which may be old (see `last_answer_at`).
    pub version: Option<String>,
    /// Raft numbers of this cycle.
    pub raft: Option<RaftProgress>,
    /// Sizes of the backend; from this cycle.
    pub database: Option<DatabaseSize>,
    /// Room it has left; from this cycle.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub capacity: MemberCapacity,
    /// Numbers from the member's `/metrics`; from this cycle.
    pub counters: Option<ServerCounters>,
    /// Rates and quantiles from several pages, and latencies by their sources.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub metrics: MemberMetrics,
    /// Latency of our own linearizable reads through this member over the last 5 minutes.
    pub read_latency: Option<LatencySummary>,
    /// Duration of this cycle's linearizable read in seconds.
    pub last_read_seconds: Option<f64>,
    /// When it last answered; `None` when it never did.
    pub last_answer_at: Option<Timestamp>,
    /// When its process started, as it says (`process_start_time_seconds`).
    pub started_at: Option<Timestamp>,
    /// How far it has come, for a learner whose indexes are known.
    #[serde(default)]
    pub learner: Option<LearnerProgress>,
    /// Its certificates and its clock.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub trust: MemberTrust,
    /// Where its metrics page is asked, as a URL; `None` where it is not probed.
    #[serde(default)]
    pub metrics_url: Option<String>,
    /// How our own calls to it went; empty where it is not probed.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub probes: Vec<ProbeRecord>,
}

impl MemberSnapshot {
    /// A member of which nothing is known yet but where it should be.
    pub fn unknown(name: impl Into<String>, endpoint: impl Into<String>) -> Self {
        Self {
            id: None,
            name: name.into(),
            endpoint: endpoint.into(),
            client_urls: Vec::new(),
            role: MemberRole::Unknown,
            healthy: None,
            linearizable: None,
            failure: None,
            version: None,
            raft: None,
            database: None,
            capacity: MemberCapacity::default(),
            counters: None,
            metrics: MemberMetrics::default(),
            read_latency: None,
            last_read_seconds: None,
            last_answer_at: None,
            started_at: None,
            learner: None,
            trust: MemberTrust::default(),
            metrics_url: None,
            probes: Vec::new(),
        }
    }
}

/// Raft numbers of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RaftProgress {
    /// Raft term.
    pub term: u64,
    /// Committed index.
    pub committed_index: u64,
    /// Applied index; `None` when not reported, or not yet meaningful after a restart.
    pub applied_index: Option<u64>,
    /// Key-value revision.
    pub revision: i64,
}

/// Sizes of a member's backend in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DatabaseSize {
    /// Allocated file.
    pub allocated_bytes: u64,
    /// In use: allocated minus free pages.
    pub in_use_bytes: u64,
    /// Quota; `None` when not known or disabled.
    pub quota_bytes: Option<u64>,
    /// True when the member runs without a quota.
    pub quota_disabled: bool,
}

/// Numbers from a member's own `/metrics`. `None` where the family is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct ServerCounters {
    /// Proposals committed (a raft index).
    pub proposals_committed: Option<f64>,
    /// Proposals applied (a raft index).
    pub proposals_applied: Option<f64>,
    /// Proposals waiting to be committed.
    pub proposals_pending: Option<f64>,
    /// Proposals that failed since the member's start.
    pub proposals_failed: Option<f64>,
    /// Resident memory of the member's process in bytes.
    pub resident_memory_bytes: Option<f64>,
    /// Watchers.
    pub watchers: Option<f64>,
    /// RPCs and streams in flight: started minus handled.
    pub rpcs_in_flight: Option<f64>,
    /// Handled unary RPCs per second since the previous cycle; `None` on the first, and when a counter went back.
    pub request_rate_per_second: Option<f64>,
    /// p95 of WAL fsync over the last 5 minutes in seconds, from bucket differences; `None` without observations.
    pub wal_fsync_p95_seconds: Option<f64>,
    /// p95 of backend commit over the last 5 minutes in seconds, likewise.
    pub backend_commit_p95_seconds: Option<f64>,
    /// Median of successful puts and transactions that clients made through the member over the last 5 minutes in
    /// seconds, from bucket differences (etcd 3.7 and later); `None` without observations. Transactions that only read
    /// do not count. Where a canary is on: of its writes, for the member through which it writes.
    #[serde(default)]
    pub write_p50_seconds: Option<f64>,
    /// p95 of writes, likewise.
    #[serde(default)]
    pub write_p95_seconds: Option<f64>,
    /// p99 of writes, likewise.
    #[serde(default)]
    pub write_p99_seconds: Option<f64>,
}

/// Quantiles of a set of latencies in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LatencySummary {
    /// Number of measurements.
    pub count: u64,
    /// Median.
    pub p50_seconds: f64,
    /// 95th percentile.
    pub p95_seconds: f64,
    /// 99th percentile.
    pub p99_seconds: f64,
    /// Largest measurement.
    pub max_seconds: f64,
}

/// What one cycle cost etcd.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeCost {
    /// gRPC calls made, over all members.
    pub rpcs: u32,
    /// Metrics pages asked, over all members.
    pub scrapes: u32,
    /// Bytes of metrics pages received.
    pub scrape_bytes: u64,
    /// TLS handshakes made only to look at certificates.
    #[serde(default)]
    pub handshakes: u32,
    /// Writes of the canary: each grows the revision by one.
    #[serde(default)]
    pub canary_writes: u32,
    /// HashKV calls of the round that ended since the cycle before: each walks a member's whole key space.
    #[serde(default)]
    pub hash_calls: u32,
}
