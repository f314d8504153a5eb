//! The JSON documents that REST and live events answer. Names are promises: fields may be added, never renamed.

use etcd_monitor_model::{
    CanarySummary, ClusterId, ConsistencySummary, Coverage, Finding, LatencyMetrics,
    LatencySummary, Leader, LeaderChange, LinkSnapshot, MemberCapacity, MemberId, MemberSnapshot,
    MonitorCondition, Quorum, Severity, Snapshot,
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::source::age_seconds;

pub(crate) mod alerts;
pub(crate) mod certificates;
pub(crate) mod event_id;
pub(crate) mod fleet;
pub(crate) mod incidents;
pub(crate) mod versions;

/// The verdict on a cluster.
#[derive(Serialize, ToSchema)]
pub(crate) struct Status<'a> {
    /// The name of the cluster in the configuration.
    cluster: &'a str,
    /// Its own id; null until a member has answered.
    cluster_id: Option<ClusterId>,
    /// True: a linearizable read succeeded and no critical finding is true.
    healthy: Option<bool>,
    /// Severity of the worst unexplained finding that is true.
    worst: Option<Severity>,
    /// The verdict in one sentence. May quote a member's answer: untrusted text.
    sentence: &'a str,
    /// Null where there is none, or where it is not known.
    leader: Option<&'a Leader>,
    /// Changes of leader since the state of the monitor began; null until a leader was seen.
    leader_changes: Option<u64>,
    /// The latest changes, oldest first; at most 100.
    leader_history: &'a [LeaderChange],
    quorum: Option<Quorum>,
    /// Members in the agreed list, learners included.
    member_count: Option<u32>,
    /// How old all this is.
    age_seconds: f64,
    /// When the cycle ended.
    at: Timestamp,
    /// Number of the cycle, from 1.
    cycle: u64,
    /// Planned time between two cycles.
    interval_seconds: f64,
    /// How long the cycle took.
    cycle_seconds: f64,
    /// How punctual the monitor itself was.
    monitor: MonitorCondition,
    /// When any member last answered; null where none ever did.
    last_answer_at: Option<Timestamp>,
}

impl<'a> Status<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        Self {
            cluster: snapshot.cluster.as_str(),
            cluster_id: snapshot.cluster_id,
            healthy: snapshot.health.healthy,
            worst: snapshot.health.worst,
            sentence: &snapshot.health.sentence,
            leader: snapshot.leader.as_ref(),
            leader_changes: snapshot.leader_changes,
            leader_history: &snapshot.leader_history,
            quorum: snapshot.quorum,
            member_count: snapshot.member_count,
            age_seconds: age_seconds(snapshot.at),
            at: snapshot.at,
            cycle: snapshot.cycle,
            interval_seconds: snapshot.interval_seconds,
            cycle_seconds: snapshot.cycle_seconds,
            monitor: snapshot.monitor,
            last_answer_at: snapshot.last_answer_at,
        }
    }
}

/// Who leads a cluster, and who did.
#[derive(Serialize, ToSchema)]
pub(crate) struct LeaderDocument<'a> {
    cluster: &'a str,
    /// Null where there is none, or where it is not known.
    leader: Option<&'a Leader>,
    /// Changes of leader since the state of the monitor began; null until a leader was seen.
    leader_changes: Option<u64>,
    /// The latest changes, oldest first; at most 100.
    leader_history: &'a [LeaderChange],
    age_seconds: f64,
}

impl<'a> LeaderDocument<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        Self {
            cluster: snapshot.cluster.as_str(),
            leader: snapshot.leader.as_ref(),
            leader_changes: snapshot.leader_changes,
            leader_history: &snapshot.leader_history,
            age_seconds: age_seconds(snapshot.at),
        }
    }
}

/// The members of a cluster.
#[derive(Serialize, ToSchema)]
pub(crate) struct MemberList<'a> {
    cluster: &'a str,
    /// In the order of their names; endpoints whose member is not known come last.
    members: &'a [MemberSnapshot],
    age_seconds: f64,
}

impl<'a> MemberList<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        Self {
            cluster: snapshot.cluster.as_str(),
            members: &snapshot.members,
            age_seconds: age_seconds(snapshot.at),
        }
    }
}

/// Who hears whom, each direction apart.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkMatrix<'a> {
    cluster: &'a str,
    links: &'a [LinkSnapshot],
    age_seconds: f64,
}

impl<'a> LinkMatrix<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        Self {
            cluster: snapshot.cluster.as_str(),
            links: &snapshot.links,
            age_seconds: age_seconds(snapshot.at),
        }
    }
}

/// The numbers of a cluster's members.
#[derive(Serialize, ToSchema)]
pub(crate) struct CurrentMetrics<'a> {
    cluster: &'a str,
    members: Vec<MemberNumbers<'a>>,
    age_seconds: f64,
}

/// The numbers of one member.
#[derive(Serialize, ToSchema)]
struct MemberNumbers<'a> {
    /// Null for an endpoint that has never answered.
    id: Option<MemberId>,
    /// Its name; the endpoint while that is not known. Untrusted text.
    name: &'a str,
    raft: Option<etcd_monitor_model::RaftProgress>,
    database: Option<etcd_monitor_model::DatabaseSize>,
    capacity: MemberCapacity,
    counters: Option<etcd_monitor_model::ServerCounters>,
    metrics: &'a etcd_monitor_model::MemberMetrics,
    /// Duration of this cycle's linearizable read.
    last_read_seconds: Option<f64>,
}

impl<'a> CurrentMetrics<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        let member = |member: &'a MemberSnapshot| MemberNumbers {
            id: member.id,
            name: &member.name,
            raft: member.raft,
            database: member.database,
            capacity: member.capacity,
            counters: member.counters,
            metrics: &member.metrics,
            last_read_seconds: member.last_read_seconds,
        };
        Self {
            cluster: snapshot.cluster.as_str(),
            members: snapshot.members.iter().map(member).collect(),
            age_seconds: age_seconds(snapshot.at),
        }
    }
}

/// How long requests take.
#[derive(Serialize, ToSchema)]
pub(crate) struct Latency<'a> {
    cluster: &'a str,
    /// What `read` of each member is of.
    source: &'static str,
    /// Over how long a time.
    window_seconds: u32,
    members: Vec<MemberLatency<'a>>,
    age_seconds: f64,
}

/// How long requests through one member take.
#[derive(Serialize, ToSchema)]
struct MemberLatency<'a> {
    /// Null for an endpoint that has never answered.
    id: Option<MemberId>,
    /// Its name; the endpoint while that is not known. Untrusted text.
    name: &'a str,
    /// The monitor's own linearizable reads; null without any.
    read: Option<LatencySummary>,
    /// `reads` and `writes`, each with its source.
    #[serde(flatten)]
    by_source: &'a LatencyMetrics,
}

impl<'a> Latency<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        let member = |member: &'a MemberSnapshot| MemberLatency {
            id: member.id,
            name: &member.name,
            read: member.read_latency,
            by_source: &member.metrics.latency,
        };
        Self {
            cluster: snapshot.cluster.as_str(),
            source: "own linearizable reads",
            window_seconds: 300,
            members: snapshot.members.iter().map(member).collect(),
            age_seconds: age_seconds(snapshot.at),
        }
    }
}

/// Everything that the latest cycle says of a cluster.
#[derive(Serialize, ToSchema)]
pub(crate) struct SnapshotDocument<'a> {
    status: Status<'a>,
    members: &'a [MemberSnapshot],
    links: &'a [LinkSnapshot],
    /// Null where the canary is off, or has not been written yet.
    canary: Option<&'a CanarySummary>,
    consistency: &'a ConsistencySummary,
    /// Worst first.
    findings: &'a [Finding],
}

impl<'a> SnapshotDocument<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        Self {
            status: Status::of(snapshot),
            members: &snapshot.members,
            links: &snapshot.links,
            canary: snapshot.canary.as_ref(),
            consistency: &snapshot.consistency,
            findings: &snapshot.findings,
        }
    }
}

/// What the monitor claims.
#[derive(Serialize, ToSchema)]
pub(crate) struct Findings<'a> {
    pub(crate) findings: Vec<&'a Finding>,
}

/// What could not be judged.
#[derive(Serialize, ToSchema)]
pub(crate) struct CoverageDocument<'a> {
    pub(crate) clusters: Vec<ClusterCoverage<'a>>,
}

/// What could not be judged of one cluster.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClusterCoverage<'a> {
    cluster: &'a str,
    #[serde(flatten)]
    coverage: &'a Coverage,
    age_seconds: f64,
}

impl<'a> ClusterCoverage<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        Self {
            cluster: snapshot.cluster.as_str(),
            coverage: &snapshot.coverage,
            age_seconds: age_seconds(snapshot.at),
        }
    }
}
