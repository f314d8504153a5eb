//! What moves alerts: snapshots, the policy, and time.

use std::collections::BTreeSet;
use std::sync::Arc;

use etcd_monitor_model::{ClusterName, Finding, FindingStatus, Snapshot, Subject, SubjectKind};

use super::{AlertEngine, Freshness, GroupKey, GroupState, Incident, MAX_ALERTS, OpenGroups, Step};
use crate::alert::{Fingerprint, ResolveReason};
use crate::rule::Rule;

impl AlertEngine {
    /// Notes that a snapshot came; false when it is the one that was seen last. A gap since the one before says
    /// nothing about the time between, so every hold starts anew.
    pub(super) fn renew(&mut self, snapshot: &Snapshot) -> bool {
        let cluster = self.clusters.entry(snapshot.cluster.clone()).or_default();
        if cluster.freshness.is_some_and(|last| last.is_of(snapshot)) {
            return false;
        }
        let next = Freshness::of(snapshot, &self.clock);
        let last = cluster.freshness.replace(next);
        if last.is_some_and(|last| !next.follows(&last)) {
            for id in cluster.ids.clone() {
                self.change(id, |incident, _| incident.interrupt());
            }
        }
        true
    }

    /// Takes over what a snapshot says, and what the metric rules make of it.
    pub(super) fn take_over(&mut self, snapshot: &Snapshot) {
        let measured = self.metrics.observe(snapshot);
        for finding in snapshot.findings.iter().chain(&measured) {
            self.apply(&snapshot.cluster, finding);
        }
        self.settle_vanished(snapshot, &measured);
        self.settle(&snapshot.cluster);
    }

    fn apply(&mut self, cluster: &ClusterName, finding: &Finding) {
        let rules = self.rulebook.selecting(cluster, &finding.rule);
        let rules: Vec<Arc<Rule>> = rules.cloned().collect();
        for rule in rules {
            let id = Fingerprint::new(cluster, &rule.name, &finding.subject);
            if self.incidents.contains_key(&id) {
                self.change(id, |incident, step| incident.apply(finding, step));
            } else if finding.is_root() {
                self.begin(id, cluster, finding, &rule);
            }
        }
    }

    fn begin(
        &mut self,
        id: Fingerprint,
        cluster: &ClusterName,
        finding: &Finding,
        rule: &Arc<Rule>,
    ) {
        if self.incidents.len() >= MAX_ALERTS {
            self.refused += 1;
            return;
        }
        let incident = Incident::begin(id, finding, rule, &self.clock);
        self.incidents.insert(id, incident);
        let cluster = self.clusters.entry(cluster.clone()).or_default();
        cluster.ids.insert(id);
        self.change(id, |_, _| {});
    }

    /// Deals with the alerts about which a snapshot says nothing.
    fn settle_vanished(&mut self, snapshot: &Snapshot, measured: &[Finding]) {
        let evaluated = evaluated_rules(snapshot, measured);
        for id in self.ids_of(&snapshot.cluster) {
            self.change(id, |incident, step| {
                if incident.take_seen() {
                    return;
                }
                match why_vanished(incident, snapshot, &evaluated) {
                    Some(ResolveReason::Cleared) => incident.clear(step),
                    Some(reason) => incident.end(reason, step),
                    None => incident.doubt(step.clock),
                }
            });
        }
    }

    /// Does what is due by time for the alerts of a cluster.
    pub(super) fn settle(&mut self, cluster: &ClusterName) {
        let Some(known) = self.clusters.get(cluster) else {
            return;
        };
        let (is_fresh, is_stale) = (known.is_fresh(&self.clock), known.is_stale(&self.clock));
        self.touched.insert(cluster.clone());
        for id in self.ids_of(cluster) {
            self.change(id, |incident, step| {
                if is_stale {
                    incident.doubt(step.clock);
                }
                incident.settle(is_fresh, step);
            });
        }
    }

    /// Holds every alert and every group against the policy.
    pub(super) fn apply_policy(&mut self) {
        let ids: Vec<Fingerprint> = self.incidents.keys().copied().collect();
        for id in ids {
            self.apply_rule(id);
            self.stirred.insert(id);
        }
        let channels = &self.policy.channels;
        let is_known = |group: &GroupKey| channels.contains_key(&*group.channel);
        let gone = self.groups.keys().filter(|key| !is_known(key)).cloned();
        self.unkept.groups.extend(gone);
        self.groups.retain(|key, _| is_known(key));
        for incident in self.incidents.values_mut() {
            incident.groups.retain(is_known);
        }
        self.groups.values_mut().for_each(GroupState::stir);
        self.open = OpenGroups::of(self.groups.iter());
    }

    fn apply_rule(&mut self, id: Fingerprint) {
        let Some(incident) = self.incidents.get(&id) else {
            return;
        };
        let (cluster, name) = (incident.cluster(), incident.rule());
        let rule = self
            .rulebook
            .named(cluster, name, incident.finding())
            .cloned();
        self.change(id, |incident, step| match &rule {
            Some(rule) => incident.set_rule(rule, step),
            None => incident.end(ResolveReason::Removed, step),
        });
    }

    /// Does something to an alert, and notes when that changed it.
    pub(super) fn change(
        &mut self,
        id: Fingerprint,
        change: impl FnOnce(&mut Incident, &mut Step<'_>),
    ) {
        let Some(incident) = self.incidents.get_mut(&id) else {
            return;
        };
        let mut step = Step {
            clock: &self.clock,
            journal: &mut self.journal,
        };
        change(incident, &mut step);
        if incident.take_changed() {
            self.stirred.insert(id);
            self.unkept.alerts.insert(id);
        }
    }

    pub(super) fn ids_of(&self, cluster: &ClusterName) -> Vec<Fingerprint> {
        let ids = self.clusters.get(cluster).map(|it| it.ids.iter().copied());
        ids.into_iter().flatten().collect()
    }
}

/// The findings of which a snapshot knows for at least one subject whether they hold.
fn evaluated_rules<'a>(snapshot: &'a Snapshot, measured: &'a [Finding]) -> BTreeSet<&'a str> {
    let known = |finding: &&Finding| !matches!(finding.status, FindingStatus::Unknown { .. });
    let findings = snapshot.findings.iter().chain(measured).filter(known);
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
    } else if evaluated.contains(incident.finding()) || (on_monitor && !snapshot.monitor.is_late())
    {
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
