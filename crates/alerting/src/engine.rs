//! The state machine: findings in, notifications out. Pure and deterministic, the time is passed in.
//!
//! Each alert has two sides that are kept apart: where it stands ([`incident::Phase`]) and what the channels were
//! told last ([`incident::Told`]). Every step first moves the phases, then tells what differs. That is what keeps
//! the last message equal to the truth: nothing is ever told "because an event happened".

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use etcd_monitor_model::{ClusterName, Finding, FindingStatus, Snapshot, Subject, SubjectKind};
use jiff::Timestamp;

use crate::alert::{Alert, AlertEvent, Fingerprint, ResolveReason};
use crate::notification::Notification;
use crate::policy::AlertPolicy;
use crate::rule::Rule;
use crate::silence::Mutes;
use clock::EngineClock;
use freshness::Freshness;
use incident::Incident;
use journal::Journal;

mod clock;
mod freshness;
mod incident;
mod journal;

/// How long after a told resolve the same alert counts as the same incident, and how long its next resolve is held:
/// a flapping alert sends at most one pair of messages per window.
pub const DEDUP_WINDOW: Duration = Duration::from_mins(5);

/// Events that the history keeps; the oldest go first.
pub const HISTORY_LIMIT: usize = 1_000;

/// Alerts that are followed at a time, those remembered for the dedup window included: far above what 150 members
/// can have, and about 20 MB when each carries its evidence. What comes beyond is counted as refused.
pub const MAX_ALERTS: usize = 10_000;

/// The alert state machine over the snapshots of any number of clusters.
///
/// Feed it every snapshot ([`observe`](Self::observe)) and call [`tick`](Self::tick) at
/// [`next_deadline`](Self::next_deadline): `for` and the dedup window run on time, not on cycles.
///
/// `now` is wall-clock time. It may jump: time that passes backwards counts as none, and a forward jump counts as
/// at most 30 s, so it neither fires an alert early nor loses one.
#[derive(Debug)]
pub struct AlertEngine {
    rules: BTreeMap<String, Rule>,
    clock: EngineClock,
    clusters: BTreeMap<ClusterName, ClusterAlerts>,
    journal: Journal,
    refused: u64,
    channels: Vec<String>,
}

/// A piece of the engine's state, as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRow {
    /// What it is found by.
    pub key: String,
    /// `None`: remove it.
    pub value: Option<Vec<u8>>,
}

#[allow(missing_docs)]
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RestoreError(String);

/// What is known of one cluster.
#[derive(Debug, Default)]
struct ClusterAlerts {
    /// How recent its latest snapshot is; `None` until there is one, and after the cluster was removed.
    freshness: Option<Freshness>,
    incidents: BTreeMap<Fingerprint, Incident>,
}

impl AlertEngine {
    /// An engine without alerts. Of several rules for the same findings the last one counts.
    pub fn new(policy: AlertPolicy) -> Self {
        Self {
            rules: policy
                .rules
                .into_iter()
                .map(|rule| (rule.name.clone(), rule))
                .collect(),
            clock: EngineClock::default(),
            clusters: BTreeMap::new(),
            journal: Journal::default(),
            refused: 0,
            channels: policy.channels.into_keys().collect(),
        }
    }

    #[allow(missing_docs)]
    pub fn restore(
        policy: AlertPolicy,
        _rows: impl IntoIterator<Item = StateRow>,
        _now: Timestamp,
    ) -> Result<Self, RestoreError> {
        Ok(Self::new(policy))
    }

    #[allow(missing_docs)]
    pub fn set_policy(&mut self, _policy: AlertPolicy, _now: Timestamp) -> Vec<Notification> {
        Vec::new()
    }

    #[allow(missing_docs)]
    pub fn set_mutes(&mut self, _mutes: Mutes, _now: Timestamp) -> Vec<Notification> {
        Vec::new()
    }

    #[allow(missing_docs)]
    pub fn take_changes(&mut self) -> Vec<StateRow> {
        Vec::new()
    }

    #[allow(missing_docs)]
    pub fn rows(&mut self) -> Vec<StateRow> {
        Vec::new()
    }

    /// Takes over what a snapshot says, and returns what is to be told now, worst first.
    ///
    /// A snapshot that was seen before changes nothing, and neither does one from before the first cycle
    /// (`cycle` 0), which claims nothing.
    pub fn observe(&mut self, snapshot: &Snapshot, now: Timestamp) -> Vec<Notification> {
        self.clock.advance(now);
        if snapshot.cycle > 0 && self.renew(snapshot) {
            for finding in &snapshot.findings {
                self.apply(&snapshot.cluster, finding);
            }
            self.settle_vanished(snapshot);
        }
        self.tell()
    }

    /// Lets time pass, and returns what is to be told now, worst first.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Notification> {
        self.clock.advance(now);
        self.tell()
    }

    /// When [`tick`](Self::tick) is to be called next; `None` when nothing depends on time.
    ///
    /// Never more than 30 s after the latest `now`, so that a clock that is set forward cannot hide in a long wait.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.clusters
            .values()
            .flat_map(|cluster| cluster.deadlines(&self.clock))
            .min()
            .map(|deadline| self.clock.at(deadline))
    }

    /// The active alerts (pending and firing), worst first.
    pub fn alerts(&self) -> Vec<Alert> {
        let incidents = self.clusters.values().flat_map(|c| c.incidents.values());
        let mut active: Vec<Alert> = incidents.filter_map(Incident::active).cloned().collect();
        active.sort_by(|a, b| order(a).cmp(&order(b)));
        active
    }

    /// What happened to alerts, the latest [`HISTORY_LIMIT`] events, newest last.
    pub fn history(&self) -> impl ExactSizeIterator<Item = &AlertEvent> {
        self.journal.events()
    }

    /// Events recorded since the engine began, those that left the history included.
    pub fn events_recorded(&self) -> u64 {
        self.journal.recorded()
    }

    /// How many times a finding made no alert because [`MAX_ALERTS`] were followed already.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Forgets a cluster that is no longer watched: its alerts resolve with reason `removed`.
    pub fn remove_cluster(&mut self, cluster: &ClusterName, now: Timestamp) -> Vec<Notification> {
        self.clock.advance(now);
        if let Some(cluster) = self.clusters.get_mut(cluster) {
            cluster.freshness = None;
            for incident in cluster.incidents.values_mut() {
                incident.end(ResolveReason::Removed, &self.clock, &mut self.journal);
            }
        }
        self.tell()
    }

    /// Forgets every cluster but these, as [`remove_cluster`](Self::remove_cluster) does.
    pub fn keep_clusters(&mut self, kept: &[&ClusterName], now: Timestamp) -> Vec<Notification> {
        let known = self.clusters.keys();
        let gone: Vec<ClusterName> = known.filter(|name| !kept.contains(name)).cloned().collect();
        gone.iter()
            .flat_map(|name| self.remove_cluster(name, now))
            .collect()
    }

    /// Notes that a snapshot came; false when it is the one that was seen last. A gap since the one before says
    /// nothing about the time between, so every hold starts anew.
    fn renew(&mut self, snapshot: &Snapshot) -> bool {
        let cluster = self.clusters.entry(snapshot.cluster.clone()).or_default();
        if cluster.freshness.is_some_and(|last| last.is_of(snapshot)) {
            return false;
        }
        let next = Freshness::of(snapshot, &self.clock);
        if cluster.freshness.is_some_and(|last| !next.follows(&last)) {
            cluster.incidents.values_mut().for_each(Incident::interrupt);
        }
        cluster.freshness = Some(next);
        true
    }

    fn apply(&mut self, name: &ClusterName, finding: &Finding) {
        let Some(rule) = self.rules.get(&finding.rule) else {
            return;
        };
        let id = Fingerprint::new(name, &finding.rule, &finding.subject);
        let followed: usize = self.clusters.values().map(|c| c.incidents.len()).sum();
        let cluster = self.clusters.entry(name.clone()).or_default();
        if let Some(incident) = cluster.incidents.get_mut(&id) {
            incident.apply(finding, rule, &self.clock, &mut self.journal);
        } else if finding.is_root() && followed >= MAX_ALERTS {
            self.refused += 1;
        } else if finding.is_root() {
            let incident = Incident::begin(id, finding, rule, &self.clock);
            cluster.incidents.insert(id, incident);
        }
    }

    /// Deals with the alerts about which a snapshot says nothing.
    fn settle_vanished(&mut self, snapshot: &Snapshot) {
        let Some(cluster) = self.clusters.get_mut(&snapshot.cluster) else {
            return;
        };
        let evaluated = evaluated_rules(snapshot);
        for incident in cluster.incidents.values_mut() {
            if incident.take_seen() {
                continue;
            }
            match why_vanished(incident, snapshot, &evaluated) {
                Some(reason) => incident.end(reason, &self.clock, &mut self.journal),
                None => incident.doubt(&self.clock),
            }
        }
    }

    /// Fires what has held long enough, says what differs from what was told, and forgets what is over.
    fn tell(&mut self) -> Vec<Notification> {
        let (clock, journal) = (&self.clock, &mut self.journal);
        let mut notifications = Vec::new();
        for cluster in self.clusters.values_mut() {
            let fresh = cluster.is_fresh(clock);
            for incident in cluster.incidents.values_mut() {
                if fresh {
                    incident.fire_if_due(clock, journal);
                }
                notifications.extend(incident.tell(clock));
            }
            cluster.incidents.retain(|_, i| !i.is_forgotten(clock));
        }
        self.clusters
            .retain(|_, c| c.freshness.is_some() || !c.incidents.is_empty());
        notifications.sort_by(|a, b| a.worst().map(order).cmp(&b.worst().map(order)));
        notifications
            .iter()
            .flat_map(|told| {
                self.channels.iter().map(|channel| {
                    let mut told = told.clone();
                    told.id = format!("{}-{channel}", told.id);
                    told.channel.clone_from(channel);
                    told
                })
            })
            .collect()
    }
}

impl ClusterAlerts {
    fn is_fresh(&self, clock: &EngineClock) -> bool {
        self.freshness.is_some_and(|latest| latest.is_fresh(clock))
    }

    fn deadlines<'a>(&'a self, clock: &'a EngineClock) -> impl Iterator<Item = Duration> + 'a {
        let fresh = self.is_fresh(clock);
        let incidents = self.incidents.values();
        incidents.filter_map(move |incident| incident.deadline(clock, fresh))
    }
}

/// The rules of which a snapshot knows for at least one subject whether they hold.
fn evaluated_rules(snapshot: &Snapshot) -> BTreeSet<&str> {
    let known = |finding: &&Finding| !matches!(finding.status, FindingStatus::Unknown { .. });
    let findings = snapshot.findings.iter().filter(known);
    findings.map(|finding| finding.rule.as_str()).collect()
}

/// Why an alert is over whose finding is missing; `None` when nobody knows whether it is.
///
/// A rule may name its subjects only while it holds (an alarm is raised by a member, and is absent from the cluster),
/// so one that was evaluated and does not mention the subject has cleared.
fn why_vanished(
    incident: &Incident,
    snapshot: &Snapshot,
    evaluated: &BTreeSet<&str>,
) -> Option<ResolveReason> {
    let subject = incident.subject();
    let on_monitor = subject.kind == SubjectKind::Monitor;
    if is_gone(subject, snapshot) {
        Some(ResolveReason::Removed)
    } else if evaluated.contains(incident.rule()) || (on_monitor && !snapshot.monitor.is_late()) {
        Some(ResolveReason::Cleared)
    } else {
        None
    }
}

/// Whether a member has left the cluster. Only an agreed member list can say so.
fn is_gone(subject: &Subject, snapshot: &Snapshot) -> bool {
    let mut members = snapshot.members.iter();
    let listed = members.any(|member| match subject.id {
        Some(id) => member.id == Some(id),
        None => member.id.is_none() && member.name == subject.name,
    });
    subject.kind == SubjectKind::Member && snapshot.member_count.is_some() && !listed
}

/// Worst first, then by cluster, rule and subject.
fn order(alert: &Alert) -> impl Ord + '_ {
    let severity = std::cmp::Reverse(alert.severity);
    (severity, &alert.cluster, &alert.rule, &alert.subject)
}
