//! The JSON documents that REST and live events answer. Names are promises: fields may be added, never renamed.

use etcd_monitor_alerting::{Alert, AlertEvent, AlertsView, DeadLetter};
use etcd_monitor_model::{
    CanarySummary, ClusterId, ConsistencySummary, Coverage, Finding, LatencyMetrics,
    LatencySummary, Leader, LeaderChange, LinkSnapshot, MemberCapacity, MemberId, MemberSnapshot,
    MonitorCondition, Quorum, Severity, Snapshot,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::source::age_seconds;

/// History events that a live-event document carries; the route has them all.
const LIVE_HISTORY_EVENTS: usize = 50;

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

/// One line of `GET /api/v1/clusters` and of `GET /health`.
#[derive(Serialize)]
pub(crate) struct ClusterLine {
    cluster: String,
    healthy: Option<bool>,
    worst: Option<Severity>,
    sentence: String,
    age_seconds: Option<f64>,
}

impl ClusterLine {
    pub(crate) fn of(name: &str, snapshot: Option<&Snapshot>) -> Self {
        Self {
            cluster: name.to_owned(),
            healthy: snapshot.and_then(|snapshot| snapshot.health.healthy),
            worst: snapshot.and_then(|snapshot| snapshot.health.worst),
            sentence: snapshot.map_or_else(
                || "Not known: the first cycle has not ended yet".to_owned(),
                |snapshot| snapshot.health.sentence.clone(),
            ),
            age_seconds: snapshot.map(|snapshot| age_seconds(snapshot.at)),
        }
    }
}

/// `GET /api/v1/clusters`.
#[derive(Serialize)]
pub(crate) struct Clusters {
    pub(crate) clusters: Vec<ClusterLine>,
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

/// `GET /api/v1/alerts`.
#[derive(Serialize)]
pub(crate) struct Alerts<'a> {
    pub(crate) alerts: Vec<&'a Alert>,
}

/// `GET /api/v1/alerts/history`: newest last.
#[derive(Serialize)]
pub(crate) struct AlertHistory<'a> {
    pub(crate) history: Vec<&'a AlertEvent>,
}

/// `GET /api/v1/alerts/dead-letters`: newest last.
#[derive(Serialize)]
pub(crate) struct DeadLetters<'a> {
    pub(crate) dead_letters: Vec<&'a DeadLetter>,
}

/// The data of a live `alerts` event.
#[derive(Serialize)]
pub(crate) struct LiveAlerts<'a> {
    alerts: Vec<&'a Alert>,
    history: Vec<&'a AlertEvent>,
}

impl<'a> LiveAlerts<'a> {
    pub(crate) fn of(view: &'a AlertsView, cluster: &str) -> Self {
        let history = history_of(view, Some(cluster));
        let old = history.len().saturating_sub(LIVE_HISTORY_EVENTS);
        Self {
            alerts: alerts_of(view, Some(cluster)),
            history: history.into_iter().skip(old).collect(),
        }
    }
}

/// Active alerts of one cluster, or of all.
pub(crate) fn alerts_of<'a>(view: &'a AlertsView, cluster: Option<&str>) -> Vec<&'a Alert> {
    view.active
        .iter()
        .filter(|alert| belongs(alert, cluster))
        .collect()
}

/// Alert events of one cluster, or of all, newest last.
pub(crate) fn history_of<'a>(view: &'a AlertsView, cluster: Option<&str>) -> Vec<&'a AlertEvent> {
    view.history
        .iter()
        .filter(|event| belongs(&event.alert, cluster))
        .collect()
}

fn belongs(alert: &Alert, cluster: Option<&str>) -> bool {
    cluster.is_none_or(|cluster| alert.cluster.as_str() == cluster)
}
