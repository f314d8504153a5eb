//! One line for each cluster: what a view of many needs.

use std::collections::BTreeSet;

use etcd_monitor_alerting::{AlertState, AlertsView};
use etcd_monitor_model::{Finding, FindingStatus, Quorum, Severity, Snapshot};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::source::{Source, age_seconds};

/// One cluster in one line. What rests on a snapshot is null until there is one.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct ClusterLine {
    /// Its name.
    cluster: String,
    /// True: a linearizable read succeeded and no critical finding is true.
    healthy: Option<bool>,
    /// Severity of the worst unexplained finding that is true.
    worst: Option<Severity>,
    /// The verdict in one sentence. May quote a member's answer: untrusted text.
    sentence: String,
    /// How old the verdict is.
    age_seconds: Option<f64>,
    /// Since when the oldest of the worst findings is true; null where none is.
    since: Option<Timestamp>,
    quorum: Option<Quorum>,
    /// Members in the agreed list, learners included.
    member_count: Option<u32>,
    /// The name of the leader. Untrusted text.
    leader: Option<String>,
    /// True findings that no other finding explains, by severity.
    severities: Option<SeverityCounts>,
    /// Findings that could not be evaluated.
    unknown_findings: Option<usize>,
    /// The slowest member's p99 of the monitor's own linearizable reads.
    read_p99_seconds: Option<f64>,
    /// The versions that the members run, each once.
    versions: Vec<String>,
    /// Alerts of it that fire.
    alerts_firing: usize,
}

/// How many there are of each severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct SeverityCounts {
    critical: usize,
    warning: usize,
    info: usize,
}

/// The clusters.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Clusters {
    pub(crate) clusters: Vec<ClusterLine>,
}

/// The verdict on each cluster in one line, also where there is none yet.
pub(crate) fn cluster_lines(source: &Source) -> Vec<ClusterLine> {
    let watched = source.watched();
    let alerts = source.alerts().latest();
    let clusters = watched.clusters.iter();
    clusters
        .map(|(name, snapshots)| {
            ClusterLine::of(name.as_str(), snapshots.borrow().as_deref(), &alerts)
        })
        .collect()
}

impl ClusterLine {
    fn of(name: &str, snapshot: Option<&Snapshot>, alerts: &AlertsView) -> Self {
        let alerts_firing = firing(alerts, name);
        match snapshot {
            Some(snapshot) => Self {
                alerts_firing,
                ..Self::seen(name, snapshot)
            },
            None => Self::unseen(name, alerts_firing),
        }
    }

    fn unseen(name: &str, alerts_firing: usize) -> Self {
        Self {
            cluster: name.to_owned(),
            healthy: None,
            worst: None,
            sentence: "Not known: the first cycle has not ended yet".to_owned(),
            age_seconds: None,
            since: None,
            quorum: None,
            member_count: None,
            leader: None,
            severities: None,
            unknown_findings: None,
            read_p99_seconds: None,
            versions: Vec::new(),
            alerts_firing,
        }
    }

    fn seen(name: &str, snapshot: &Snapshot) -> Self {
        Self {
            cluster: name.to_owned(),
            healthy: snapshot.health.healthy,
            worst: snapshot.health.worst,
            sentence: snapshot.health.sentence.clone(),
            age_seconds: Some(age_seconds(snapshot.at)),
            since: ill_since(snapshot),
            quorum: snapshot.quorum,
            member_count: snapshot.member_count,
            leader: snapshot.leader.as_ref().map(|leader| leader.name.clone()),
            severities: Some(SeverityCounts::of(&snapshot.findings)),
            unknown_findings: Some(unknown(&snapshot.findings)),
            read_p99_seconds: read_p99_seconds(snapshot),
            versions: versions(snapshot),
            alerts_firing: 0,
        }
    }

    /// The same without its age, which alone is no news.
    pub(crate) fn ageless(&self) -> Self {
        Self {
            age_seconds: None,
            ..self.clone()
        }
    }
}

impl SeverityCounts {
    fn of(findings: &[Finding]) -> Self {
        let count = |severity| {
            let roots = findings.iter().filter(|finding| finding.is_root());
            roots.filter(|finding| finding.severity == severity).count()
        };
        Self {
            critical: count(Severity::Critical),
            warning: count(Severity::Warning),
            info: count(Severity::Info),
        }
    }
}

fn firing(alerts: &AlertsView, cluster: &str) -> usize {
    let of_cluster = alerts
        .active
        .iter()
        .filter(|alert| alert.cluster.as_str() == cluster && alert.state == AlertState::Firing);
    of_cluster.count()
}

fn ill_since(snapshot: &Snapshot) -> Option<Timestamp> {
    let worst = snapshot.health.worst?;
    let roots = snapshot.findings.iter().filter(|finding| finding.is_root());
    let worst = roots.filter(|finding| finding.severity == worst);
    worst.map(|finding| finding.since).min()
}

fn unknown(findings: &[Finding]) -> usize {
    let is_unknown = |finding: &&Finding| matches!(finding.status, FindingStatus::Unknown { .. });
    findings.iter().filter(is_unknown).count()
}

fn read_p99_seconds(snapshot: &Snapshot) -> Option<f64> {
    let members = snapshot.members.iter();
    members
        .filter_map(|member| Some(member.read_latency.as_ref()?.p99_seconds))
        .max_by(f64::total_cmp)
}

fn versions(snapshot: &Snapshot) -> Vec<String> {
    let members = snapshot.members.iter();
    let versions: BTreeSet<String> = members
        .filter_map(|member| member.version.clone())
        .collect();
    versions.into_iter().collect()
}
