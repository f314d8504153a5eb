//! What one cycle saw of one cluster: answers with the time they were taken, and a failure where a part failed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    CanaryReading, Certificate, ClockReading, ClusterId, ClusterName, HashRound, MemberId,
    MetricsPage, TrustReport,
};

/// What one probe cycle saw of one cluster.
///
/// An observation is input data only: `assess` is a function of its state and of observations, so a recorded
/// observation replays as a test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The configured name of the cluster.
    pub cluster: ClusterName,
    /// Number of this cycle since the monitor started, from 1.
    pub cycle: u64,
    /// When the cycle began (wall clock).
    pub started_at: Timestamp,
    /// When the cycle ended (wall clock).
    pub ended_at: Timestamp,
    /// Planned time between the starts of two cycles, in seconds.
    pub interval_seconds: f64,
    /// How punctual the monitor itself was during this cycle.
    pub monitor: MonitorCondition,
    /// One entry per probed endpoint, in a stable order (configured ones first, as configured).
    pub members: Vec<MemberObservation>,
    /// The certificate that the monitor shows to members, leaf first; empty where it shows none. Taken with the members'.
    #[serde(default)]
    pub own_certificates: Option<Probe<Vec<Certificate>>>,
    /// The canary's round, in the cycles in which there was one.
    #[serde(default)]
    pub canary: Option<CanaryReading>,
    /// The round of hashes that ended since the cycle before, if one did.
    #[serde(default)]
    pub hashes: Option<HashRound>,
}

/// How punctual the monitor itself was during a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MonitorCondition {
    /// Largest delay by which one of the monitor's own timers fired late during the cycle, in seconds.
    pub timer_lag_seconds: f64,
    /// Deadline of each call of this cycle, in seconds.
    pub deadline_seconds: f64,
}

impl MonitorCondition {
    /// Share of a deadline that the monitor's own timers may be late before it doubts the failures it saw.
    pub const LATE_SHARE_OF_DEADLINE: f64 = 0.2;

    /// True when the monitor was so late that failures of this cycle say nothing about etcd.
    pub fn is_late(&self) -> bool {
        self.timer_lag_seconds > Self::LATE_SHARE_OF_DEADLINE * self.deadline_seconds
    }
}

/// Where an endpoint came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointOrigin {
    /// The operator named it.
    Configured,
    /// A member list advertised it.
    Discovered,
}

/// What one cycle saw through one endpoint.
///
/// A part that was not asked in this cycle is `None`; a part that was asked and failed is a [`Probe`] with a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberObservation {
    /// The endpoint that was asked, as a URL (`http://127.0.0.1:2379`).
    pub endpoint: String,
    /// Whether the operator or a member list named the endpoint.
    pub origin: EndpointOrigin,
    /// The member that is expected behind the endpoint: from an earlier answer, or from the member list.
    pub expected_member: Option<MemberId>,
    /// `Maintenance.Status`.
    pub status: Option<Probe<MemberStatus>>,
    /// `Cluster.MemberList`, serializable: what this member believes.
    pub members_serializable: Option<Probe<MembershipView>>,
    /// `Cluster.MemberList`, linearizable: confirmed by a quorum.
    pub members_linearizable: Option<Probe<MembershipView>>,
    /// `Maintenance.Alarm(GET)`.
    pub alarms: Option<Probe<Vec<Alarm>>>,
    /// A linearizable read of one key: proves that a quorum is reachable through this member.
    pub read_linearizable: Option<Probe<ReadAnswer>>,
    /// A serializable read of one key: proves that this member serves its own data. Asked where the linearizable read
    /// failed or was slow; where that one succeeded, it has proven the same.
    pub read_serializable: Option<Probe<ReadAnswer>>,
    /// The member's `/metrics` page, reduced to the families that are used.
    pub metrics: Option<Probe<MetricsPage>>,
    /// What its clock showed when it answered with the page.
    #[serde(default)]
    pub clock: Option<ClockReading>,
    /// What its ports showed in TLS handshakes, in the cycles in which they were made.
    #[serde(default)]
    pub trust: Option<TrustReport>,
    /// Where its metrics page was asked, as a URL; `None` where none could be.
    #[serde(default)]
    pub metrics_url: Option<String>,
}

/// The result of one call, with when it was made and how long it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Probe<T> {
    /// When the call was sent (wall clock).
    pub at: Timestamp,
    /// Time from sending to the answer or the failure, in seconds.
    pub took_seconds: f64,
    /// The answer, or why there is none.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::ProbeResult<T>))]
    pub result: Result<T, ProbeFailure>,
}

impl<T> Probe<T> {
    /// The answer, if there was one.
    pub fn ok(&self) -> Option<&T> {
        self.result.as_ref().ok()
    }

    /// The failure, if there was one.
    pub fn failure(&self) -> Option<&ProbeFailure> {
        self.result.as_ref().err()
    }
}

/// Why a call gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProbeFailure {
    /// The class of the failure: what `assess` decides on.
    pub kind: FailureKind,
    /// What happened, for people; bounded in length, and never a secret.
    pub message: String,
}

/// The class of a failure. A variant is a decision that `assess` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The connection was refused or reset: the host answers, etcd does not listen.
    Refused,
    /// No answer within the deadline.
    TimedOut,
    /// The host name does not resolve.
    NameResolution,
    /// The TLS handshake failed (certificate not trusted, expired, wrong name, client certificate refused).
    Tls,
    /// User or password is wrong, or a token is missing or was refused.
    Unauthenticated,
    /// Authenticated, but not allowed to make this call.
    PermissionDenied,
    /// etcd answered that it has no leader.
    NoLeader,
    /// The member is a learner, or its version does not know the call.
    NotSupported,
    /// The answer was not what the protocol allows (garbage, over the size limit, wrong status).
    BadAnswer,
    /// The address may not be probed (link-local or unspecified, or credentials over an unverified connection).
    NotAllowed,
    /// Anything else that etcd answered as an error.
    Other,
}

impl FailureKind {
    /// True when nothing that speaks etcd's protocol answered: the call says nothing about the member's own state.
    pub fn is_silence(self) -> bool {
        matches!(self, Self::Refused | Self::TimedOut | Self::NameResolution)
    }
}

/// The answer of `Maintenance.Status`.
///
/// Source of the semantics: etcd `server/etcdserver/api/v3rpc/maintenance.go`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberStatus {
    /// Cluster id of the answering member.
    pub cluster_id: ClusterId,
    /// The answering member.
    pub member_id: MemberId,
    /// Key-value revision of the member.
    pub revision: i64,
    /// Raft term of the member.
    pub raft_term: u64,
    /// The *committed* raft index.
    pub raft_index: u64,
    /// The applied raft index; `None` on servers that do not report it. Reads 0 after a restart with nothing to replay.
    pub raft_applied_index: Option<u64>,
    /// The leader that the member follows; `None` when it knows none.
    pub leader: Option<MemberId>,
    /// True for a non-voting learner.
    pub is_learner: bool,
    /// Server version, such as `3.7.3`.
    pub version: String,
    /// Allocated size of the backend file in bytes.
    pub db_size_bytes: i64,
    /// Bytes of the backend file in use (allocated minus free pages).
    pub db_size_in_use_bytes: i64,
    /// Quota in bytes as Status reports it (3.6 and later); `None` when not reported. Negative: quota disabled.
    pub db_quota_bytes: Option<i64>,
    /// Version of the schema of its data (3.6 and later), such as `3.7.0`; `None` when not reported.
    #[serde(default)]
    pub storage_version: Option<String>,
    /// The version that a downgrade of the cluster aims at (3.6 and later); `None` while none is enabled.
    #[serde(default)]
    pub downgrade_target: Option<String>,
    /// Free-text errors that the member reports of itself. Opaque: never parsed.
    pub errors: Vec<String>,
}

/// A member list as one member answered it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembershipView {
    /// Cluster id in the header of the answer.
    pub cluster_id: ClusterId,
    /// The listed members, sorted by id.
    pub members: Vec<ListedMember>,
}

/// One entry of a member list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedMember {
    /// The member's id.
    pub id: MemberId,
    /// The member's name; empty until it has started for the first time.
    pub name: String,
    /// URLs under which the member says it serves clients; empty until it has started for the first time.
    pub client_urls: Vec<String>,
    /// URLs under which the member says it serves its peers.
    pub peer_urls: Vec<String>,
    /// True for a non-voting learner.
    pub is_learner: bool,
}

/// One active alarm.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Alarm {
    /// The member that raised it; `None` for id 0, which means the whole cluster or an unknown member.
    pub member: Option<MemberId>,
    /// What is wrong.
    pub kind: AlarmKind,
}

/// The kind of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AlarmKind {
    /// The backend quota is exceeded: the cluster refuses writes.
    NoSpace,
    /// Data differs between members.
    Corrupt,
    /// A kind that this version of the monitor does not know.
    Unknown,
}

/// The answer of a one-key read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadAnswer {
    /// Revision in the header; `None` when the read passed the quorum check but the user may not see the key.
    pub revision: Option<i64>,
}
