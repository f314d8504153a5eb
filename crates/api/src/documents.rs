//! The JSON documents that REST and live events answer. Names are promises: fields may be added, never renamed.

use etcd_monitor_model::{
    CanarySummary, ClusterId, ConsistencySummary, Coverage, Finding, LatencyMetrics,
    LatencySummary, Leader, LeaderChange, LinkSnapshot, MemberCapacity, MemberId, MemberSnapshot,
    MonitorCondition, Quorum, Severity, Snapshot,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::source::age_seconds;

pub(crate) mod alerts;
pub(crate) mod certificates;
pub(crate) mod event_id;
pub(crate) mod fleet;
pub(crate) mod incidents;
pub(crate) mod versions;

/// `GET /api/v1/cluster/status`.
#[derive(Serialize)]
pub(crate) struct Status<'a> {
    cluster: &'a str,
    cluster_id: Option<ClusterId>,
    healthy: Option<bool>,
    worst: Option<Severity>,
    sentence: &'a str,
    leader: Option<&'a Leader>,
    leader_changes: Option<u64>,
    leader_history: &'a [LeaderChange],
    quorum: Option<Quorum>,
    member_count: Option<u32>,
    age_seconds: f64,
    at: Timestamp,
    cycle: u64,
    interval_seconds: f64,
    cycle_seconds: f64,
    monitor: MonitorCondition,
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

/// `GET /api/v1/cluster/leader`.
#[derive(Serialize)]
pub(crate) struct LeaderDocument<'a> {
    cluster: &'a str,
    leader: Option<&'a Leader>,
    leader_changes: Option<u64>,
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

/// `GET /api/v1/cluster/members`.
#[derive(Serialize)]
pub(crate) struct MemberList<'a> {
    cluster: &'a str,
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

/// `GET /api/v1/cluster/links`: who hears whom, each direction apart.
#[derive(Serialize)]
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

/// `GET /api/v1/metrics/current`.
#[derive(Serialize)]
pub(crate) struct CurrentMetrics<'a> {
    cluster: &'a str,
    members: Vec<MemberMetrics<'a>>,
    age_seconds: f64,
}

#[derive(Serialize)]
struct MemberMetrics<'a> {
    id: Option<MemberId>,
    name: &'a str,
    raft: Option<etcd_monitor_model::RaftProgress>,
    database: Option<etcd_monitor_model::DatabaseSize>,
    capacity: MemberCapacity,
    counters: Option<etcd_monitor_model::ServerCounters>,
    metrics: &'a etcd_monitor_model::MemberMetrics,
    last_read_seconds: Option<f64>,
}

impl<'a> CurrentMetrics<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        let member = |member: &'a MemberSnapshot| MemberMetrics {
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

/// `GET /api/v1/metrics/latency`.
#[derive(Serialize)]
pub(crate) struct Latency<'a> {
    cluster: &'a str,
    source: &'static str,
    window_seconds: u32,
    members: Vec<MemberLatency<'a>>,
    age_seconds: f64,
}

#[derive(Serialize)]
struct MemberLatency<'a> {
    id: Option<MemberId>,
    name: &'a str,
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

/// `GET /api/v1/cluster/snapshot`, and the data of a live `snapshot` event.
#[derive(Serialize)]
pub(crate) struct SnapshotDocument<'a> {
    status: Status<'a>,
    members: &'a [MemberSnapshot],
    links: &'a [LinkSnapshot],
    canary: Option<&'a CanarySummary>,
    consistency: &'a ConsistencySummary,
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

/// `GET /api/v1/findings`.
#[derive(Serialize)]
pub(crate) struct Findings<'a> {
    pub(crate) findings: Vec<&'a Finding>,
}

/// `GET /api/v1/coverage`.
#[derive(Serialize)]
pub(crate) struct CoverageDocument<'a> {
    pub(crate) clusters: Vec<ClusterCoverage<'a>>,
}

/// What could not be judged of one cluster.
#[derive(Serialize)]
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
