//! Messages: the alerts of a group in the order in which they matter, and their number.

use etcd_monitor_model::Severity;

use super::clock::EngineClock;
use super::group::{GroupKey, GroupState};
use super::survey::{Survey, Truth};
use crate::alert::Alert;
use crate::notification::{Group, MAX_ALERTS_TOLD, Notification, NotificationKind};

/// What a message says of alerts.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) firing: Vec<Alert>,
    pub(super) resolved: Vec<Alert>,
    pub(super) firing_count: usize,
    pub(super) resolved_count: usize,
}

impl Message {
    /// The state of a group: everything that fires, and what is over since the message before.
    pub(super) fn of(truth: &Truth<'_>, survey: &Survey, tells_ends: bool) -> Self {
        let fires = survey.standing.iter().chain(&survey.additions);
        let fires: Vec<&Alert> = fires.filter_map(|id| truth.firing(*id)).collect();
        // Where no end is told, what is over must not be told to fire either.
        let held = survey.held.iter().filter(|_| tells_ends);
        let held: Vec<Alert> = held.filter_map(|id| truth.as_held(*id)).collect();
        let ends = survey.ends.iter().filter(|_| tells_ends);
        let ends: Vec<&Alert> = ends.filter_map(|id| truth.ended(*id)).collect();
        Self {
            firing_count: fires.len() + held.len(),
            resolved_count: ends.len(),
            firing: worst_of(fires.into_iter().chain(&held)),
            resolved: worst_of(ends),
        }
    }

    /// The worst severity of what fires.
    pub(super) fn worst_firing(&self) -> Option<Severity> {
        self.firing.first().map(|alert| alert.severity)
    }

    /// The message as it goes to the channel, as the given one of the group's incident.
    pub(super) fn into_notification(
        self,
        kind: NotificationKind,
        number: u64,
        key: &GroupKey,
        group: &GroupState,
        clock: &EngineClock,
    ) -> Notification {
        let worst = self.firing.first().or_else(|| self.resolved.first());
        let severity = worst.map(|alert| alert.severity).or(group.log.worst);
        let incident_at = group.log.incident_at.unwrap_or_else(|| clock.now());
        Notification {
            id: format!("{}-{incident_at}-{number}-{}", key.id, key.channel),
            channel: key.channel.to_string(),
            kind,
            at: clock.now(),
            group: Group {
                id: key.id,
                labels: group.labels.clone(),
            },
            dedup_key: key.id.to_string(),
            incident_at,
            sequence: number,
            severity: severity.unwrap_or(Severity::Info),
            firing: self.firing,
            resolved: self.resolved,
            firing_count: self.firing_count,
            resolved_count: self.resolved_count,
        }
    }
}

/// The alerts, worst first, as many as a message carries.
fn worst_of<'a>(alerts: impl IntoIterator<Item = &'a Alert>) -> Vec<Alert> {
    let mut alerts: Vec<&Alert> = alerts.into_iter().collect();
    alerts.sort_by(|a, b| order(a).cmp(&order(b)));
    alerts.truncate(MAX_ALERTS_TOLD);
    alerts.into_iter().cloned().collect()
}

/// Worst first, then by cluster, rule and subject.
pub(super) fn order(alert: &Alert) -> impl Ord + '_ {
    let severity = std::cmp::Reverse(alert.severity);
    (severity, &alert.cluster, &alert.rule, &alert.subject)
}
