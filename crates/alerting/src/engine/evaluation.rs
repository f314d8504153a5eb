//! The end of each step: mutes and groups follow the alerts, and what differs from what was told is told.

use etcd_monitor_model::ClusterName;

use super::group::{GroupKey, GroupState};
use super::incident::Incident;
use super::message::order;
use super::muting::Sources;
use super::survey::{Survey, Truth};
use super::telling::Telling;
use super::{AlertEngine, routing};
use crate::alert::{Fingerprint, MutedBy};
use crate::notification::Notification;

impl AlertEngine {
    /// Does what is due, says what differs from what was told, and forgets what is over.
    pub(super) fn conclude(&mut self) -> Vec<Notification> {
        self.is_unsettled = false;
        self.settle_due();
        self.renew_mutes();
        for id in std::mem::take(&mut self.stirred) {
            self.place(id);
        }
        let notifications = self.tell();
        self.note_deadlines();
        notifications
    }

    fn settle_due(&mut self) {
        let clusters = self.clusters.iter();
        let due =
            clusters.filter(|(_, it)| it.deadline.is_some_and(|due| self.clock.has_reached(due)));
        let due: Vec<ClusterName> = due.map(|(name, _)| name.clone()).collect();
        for cluster in &due {
            self.settle(cluster);
        }
    }

    /// Says of each alert what mutes it and who takes care of it, where that may have changed.
    fn renew_mutes(&mut self) {
        let windows = self.muting.open_windows().clone();
        let is_all = self.muting.renew(self.clock.now());
        if windows != *self.muting.open_windows() {
            self.groups.values_mut().for_each(GroupState::stir);
        }
        let inhibits = self.muting.has_inhibitions() && !self.stirred.is_empty();
        let ids: Vec<Fingerprint> = if is_all || inhibits {
            self.incidents.keys().copied().collect()
        } else {
            self.stirred.iter().copied().collect()
        };
        for (id, muted_by) in self.mutes_of(&ids) {
            let said = self.muting.acknowledgement(id).cloned();
            self.change(id, |incident, step| {
                incident.set_muted(muted_by, step);
                incident.set_acknowledged(said.as_ref(), step);
            });
        }
    }

    fn mutes_of(&self, ids: &[Fingerprint]) -> Vec<(Fingerprint, Option<MutedBy>)> {
        let sources = if self.muting.has_inhibitions() && !ids.is_empty() {
            let firing = self.incidents.values().filter_map(Incident::firing);
            self.muting.sources(firing)
        } else {
            Sources::default()
        };
        let firing = ids.iter().filter_map(|id| self.incidents.get(id)?.firing());
        firing
            .map(|alert| (alert.id, self.muting.of(alert, &sources, self.clock.now())))
            .collect()
    }

    /// Puts an alert that changed into the groups where it belongs, and has all that know it looked at.
    fn place(&mut self, id: Fingerprint) {
        let Some(incident) = self.incidents.get_mut(&id) else {
            return;
        };
        let firing = incident.firing();
        let places = firing.map(|alert| routing::places(alert, &self.policy));
        let places = places.unwrap_or_default();
        for key in incident.groups.clone() {
            let is_placed = places.iter().any(|place| place.key == key);
            if let Some(group) = self.groups.get_mut(&key)
                && (is_placed || !group.displace(id))
            {
                group.stir();
            } else {
                incident.groups.remove(&key);
            }
        }
        let cluster = incident.cluster().clone();
        self.touched.insert(cluster.clone());
        for place in places {
            incident.groups.insert(place.key.clone());
            let group = self.groups.entry(place.key).or_default();
            group.labels = place.labels;
            group.place(id, &cluster, place.placement);
        }
    }

    /// Tells what is due, the groups with the worst news first, so that the others wait for them.
    fn tell(&mut self) -> Vec<Notification> {
        let groups = self.groups.iter();
        let due = groups.filter(|(_, group)| group.is_due(&self.clock));
        let due: Vec<GroupKey> = due.map(|(key, _)| key.clone()).collect();
        let mut surveys: Vec<(GroupKey, Survey)> = due
            .into_iter()
            .map(|key| {
                let survey = self.look_at(&key);
                (key, survey)
            })
            .collect();
        // Ends alone come before: a group that closes holds up no other.
        surveys.sort_by_key(|(_, it)| (it.has_news(), std::cmp::Reverse(it.worst_news)));
        let each = surveys.into_iter();
        let mut said: Vec<Notification> = each
            .flat_map(|(key, it)| self.tell_group(&key, it))
            .collect();
        said.sort_by(|a, b| urgency(a).cmp(&urgency(b)));
        said
    }

    /// Forgets what is past in a group, and holds it against the truth.
    fn look_at(&mut self, key: &GroupKey) -> Survey {
        let Some(group) = self.groups.get_mut(key) else {
            return Survey::default();
        };
        let gone = group.forget(&self.clock);
        if gone.is_some() {
            self.unkept.groups.insert(key.clone());
        }
        for id in gone.unwrap_or_default() {
            if let Some(incident) = self.incidents.get_mut(&id) {
                incident.groups.remove(key);
                self.touched.insert(incident.cluster().clone());
            }
        }
        let pace = self.policy.pace_of(&key.channel);
        Truth::of(&self.incidents, &self.clock, &self.muting, pace).survey(group)
    }

    fn tell_group(&mut self, key: &GroupKey, survey: Survey) -> Vec<Notification> {
        let Some(group) = self.groups.get_mut(key) else {
            return Vec::new();
        };
        let before = group.log.clone();
        let pace = self.policy.pace_of(&key.channel);
        let mut telling = Telling {
            truth: Truth::of(&self.incidents, &self.clock, &self.muting, pace),
            key,
            group,
            open: &mut self.open,
        };
        let told = match pace.resend_every {
            Some(every) => telling.resend(every, &survey),
            None => telling.tell(survey),
        };
        if group.take_changed() || group.log != before {
            self.unkept.groups.insert(key.clone());
        }
        if group.members.is_empty() && !group.is_worth_keeping() {
            self.groups.remove(key);
        }
        told
    }

    /// Forgets the alerts that nobody needs any more, and notes when the others change by themselves.
    fn note_deadlines(&mut self) {
        for name in std::mem::take(&mut self.touched) {
            self.forget(&name);
            let Some(cluster) = self.clusters.get_mut(&name) else {
                continue;
            };
            let (clock, incidents) = (&self.clock, &self.incidents);
            let is_fresh = cluster.is_fresh(clock);
            let each = cluster.ids.iter().filter_map(|id| incidents.get(id));
            let next = each.filter_map(|it| it.deadline(clock, is_fresh)).min();
            let latest = cluster
                .freshness
                .filter(|_| is_fresh && !cluster.ids.is_empty());
            cluster.deadline = next.into_iter().chain(latest.map(|it| it.ends_at())).min();
            if cluster.freshness.is_none() && cluster.ids.is_empty() {
                self.clusters.remove(&name);
            }
        }
    }

    fn forget(&mut self, cluster: &ClusterName) {
        for id in self.ids_of(cluster) {
            let incident = self.incidents.get(&id);
            if incident.is_some_and(|it| it.is_forgotten(&self.clock)) {
                self.incidents.remove(&id);
                self.unkept.alerts.insert(id);
                if let Some(cluster) = self.clusters.get_mut(cluster) {
                    cluster.ids.remove(&id);
                }
            }
        }
    }
}

/// The worst first.
fn urgency(notification: &Notification) -> impl Ord + '_ {
    notification.worst().map(order)
}
