//! Incidents: alerts of a cluster that belong together in time. Pure: made of the history and of what is active now.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use etcd_monitor_model::{ClusterName, Severity};
use jiff::{SignedDuration, Timestamp};

use crate::alert::{Alert, AlertEvent, AlertEventKind, AlertState, Fingerprint};
use crate::engine::DEDUP_WINDOW;

/// Alerts of one cluster that fired at the same time, or one within [`DEDUP_WINDOW`] after those before were over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlertIncident {
    /// What it is found by: made of the cluster and of `began_at`, so that it stays while alerts are added.
    pub id: Fingerprint,
    /// The cluster.
    pub cluster: ClusterName,
    /// Since when the first of the conditions has been true: earlier than `began_at` by what the rule holds it.
    pub since: Timestamp,
    /// When the first of its alerts fired. Where the history does not reach back to that any more, the first of which
    /// it still knows.
    pub began_at: Timestamp,
    /// When the last of its alerts was over; `None` while one fires. It goes on again where another fires soon after.
    pub ended_at: Option<Timestamp>,
    /// The worst severity that any of its alerts had.
    pub worst: Severity,
    /// The cause of the worst of its alerts that no other finding explained, of several the first. May quote a member's
    /// answer: treat it as untrusted text.
    pub sentence: String,
    /// Its alerts, in the order in which they fired first.
    pub alerts: Vec<Fingerprint>,
    /// The places of its events in the history, oldest first.
    pub events: Vec<usize>,
}

/// The incidents that a history tells of, in the order in which they began. It has the newest event last; `active` are
/// the alerts that are pending or firing after it.
///
/// Of what happened before the history begins, each alert in it still says when it fired.
pub fn incidents(history: &[AlertEvent], active: &[Alert]) -> Vec<AlertIncident> {
    let mut by_cluster: BTreeMap<&ClusterName, Vec<Firing<'_>>> = BTreeMap::new();
    for firing in firings(history, active) {
        let cluster = &firing.alert.cluster;
        by_cluster.entry(cluster).or_default().push(firing);
    }
    let stretches = by_cluster.into_values().flat_map(stretches);
    let mut incidents: Vec<_> = stretches
        .filter_map(|firings| AlertIncident::of(&firings))
        .collect();
    incidents.sort_by_key(|incident| (incident.began_at, incident.id));
    incidents
}

/// One time that an alert fired.
#[derive(Debug)]
struct Firing<'a> {
    /// As last seen in it.
    alert: &'a Alert,
    since: Timestamp,
    began_at: Timestamp,
    ended_at: Option<Timestamp>,
    /// When something last happened to it.
    seen_at: Timestamp,
    worst: Severity,
    /// Whether another finding explained it at any time: it is no cause of its own then.
    is_explained: bool,
    events: Vec<usize>,
}

impl<'a> Firing<'a> {
    /// One of which nothing is known before `seen_at` but what the alert says itself.
    fn of(alert: &'a Alert, seen_at: Timestamp) -> Self {
        Self {
            alert,
            since: alert.since,
            began_at: alert.fired_at.unwrap_or(seen_at),
            ended_at: None,
            seen_at,
            worst: alert.severity,
            is_explained: false,
            events: Vec::new(),
        }
    }

    fn see(&mut self, alert: &'a Alert) {
        self.alert = alert;
        self.worst = self.worst.max(alert.severity);
        self.is_explained |= alert.explained_by.is_some();
    }

    /// The same, over at a time; a clock that was set back makes nothing end before it began.
    fn over(mut self, at: Timestamp) -> Self {
        self.ended_at = Some(at.max(self.began_at));
        self
    }

    /// The same, whose end was lost: it is over, at the latest by what was seen last.
    fn lost(self) -> Self {
        let seen_at = self.seen_at;
        self.over(seen_at)
    }

    fn until(&self) -> Timestamp {
        self.ended_at.unwrap_or(Timestamp::MAX)
    }

    /// The first by this tells what an incident is about.
    fn rank(&self) -> (bool, Reverse<Severity>, Timestamp, Fingerprint) {
        let Self { alert, worst, .. } = self;
        (self.is_explained, Reverse(*worst), self.began_at, alert.id)
    }
}

/// Every time that an alert fired, in no order.
fn firings<'a>(history: &'a [AlertEvent], active: &'a [Alert]) -> Vec<Firing<'a>> {
    let mut over = Vec::new();
    let mut open: BTreeMap<Fingerprint, Firing<'a>> = BTreeMap::new();
    for (place, event) in history.iter().enumerate() {
        let alert = &*event.alert;
        let before = open.remove(&alert.id);
        let (before, lost) = match event.kind {
            AlertEventKind::Fired => (None, before),
            _ => (before, None),
        };
        over.extend(lost.map(Firing::lost));
        let mut firing = before.unwrap_or_else(|| Firing::of(alert, event.at));
        firing.see(alert);
        firing.seen_at = event.at;
        firing.events.push(place);
        if event.kind == AlertEventKind::Resolved {
            over.push(firing.over(event.at));
        } else {
            open.insert(alert.id, firing);
        }
    }
    for alert in active.iter().filter(|it| it.state == AlertState::Firing) {
        let known = open.remove(&alert.id);
        let mut firing = known.unwrap_or_else(|| Firing::of(alert, alert.since));
        firing.see(alert);
        over.push(firing);
    }
    over.extend(open.into_values().map(Firing::lost));
    over
}

/// The times that alerts of one cluster fired, apart where none fired for longer than the window.
fn stretches(mut firings: Vec<Firing<'_>>) -> Vec<Vec<Firing<'_>>> {
    firings.sort_by_key(|firing| (firing.began_at, firing.alert.id));
    let window = SignedDuration::try_from(DEDUP_WINDOW).unwrap_or(SignedDuration::MAX);
    let mut stretches: Vec<Vec<Firing<'_>>> = Vec::new();
    let mut until = Timestamp::MIN;
    for firing in firings {
        let follows = firing.began_at.duration_since(until) <= window;
        until = until.max(firing.until());
        match stretches.last_mut().filter(|_| follows) {
            Some(stretch) => stretch.push(firing),
            None => stretches.push(vec![firing]),
        }
    }
    stretches
}

impl AlertIncident {
    /// The incident of these firings, which are in the order in which they began; `None` where there are none.
    fn of(firings: &[Firing<'_>]) -> Option<Self> {
        let first = firings.first()?;
        let cluster = &first.alert.cluster;
        let told = firings.iter().min_by_key(|firing| firing.rank())?;
        let until = firings.iter().map(Firing::until).max()?;
        let events: BTreeSet<usize> = firings.iter().flat_map(|it| &it.events).copied().collect();
        Some(Self {
            id: Fingerprint::of_parts([cluster.as_str(), &first.began_at.to_string()]),
            cluster: cluster.clone(),
            since: firings.iter().map(|firing| firing.since).min()?,
            began_at: first.began_at,
            ended_at: Some(until).filter(|until| *until < Timestamp::MAX),
            worst: firings.iter().map(|firing| firing.worst).max()?,
            sentence: told.alert.cause.clone(),
            alerts: once(firings.iter().map(|firing| firing.alert.id)),
            events: events.into_iter().collect(),
        })
    }
}

/// Each id where it comes first.
fn once(ids: impl Iterator<Item = Fingerprint>) -> Vec<Fingerprint> {
    let mut known = BTreeSet::new();
    ids.filter(|id| known.insert(*id)).collect()
}

#[cfg(test)]
mod tests;
