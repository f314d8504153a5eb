//! One alert over time: where it stands, and what the channels were told about it.

use std::time::Duration;

use etcd_monitor_model::{Finding, FindingStatus, Severity, Subject};
use jiff::Timestamp;

use super::DEDUP_WINDOW;
use super::clock::EngineClock;
use super::journal::Journal;
use crate::alert::{Alert, AlertEventKind, AlertState, Fingerprint, ResolveReason};
use crate::notification::{Group, Notification, NotificationKind};
use crate::rule::Rule;

/// Where an alert stands. Times are the engine's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The condition does not hold.
    Inactive,
    /// The condition holds; `held_from` is `None` while it is not known whether it still does.
    Pending { held_from: Option<Duration> },
    /// The condition has held for the rule's time.
    Firing,
}

/// What the channels were told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Nothing yet.
    Nothing,
    /// That it fires, with this severity at worst.
    Firing { worst: Severity },
    /// That it is over. Until `window_end` a re-fire is the same incident.
    Resolved,
}

/// One alert, from the first time its condition holds until its dedup window is over.
#[derive(Debug)]
pub(super) struct Incident {
    alert: Alert,
    phase: Phase,
    hold: Duration,
    told: Told,
    /// The alert as it ended, while its resolve is not told yet.
    untold_end: Option<Box<Alert>>,
    /// When the incident began (wall clock), for the dedup key.
    opened_at: Timestamp,
    /// End of the dedup window that the latest told resolve began.
    window_end: Option<Duration>,
    /// Whether the snapshot that is being taken over has a finding about it.
    seen: bool,
}

impl Incident {
    /// The alert of a finding that is true and unexplained for the first time.
    pub(super) fn begin(
        id: Fingerprint,
        finding: &Finding,
        rule: &Rule,
        clock: &EngineClock,
    ) -> Self {
        Self {
            alert: Alert::pending(id, finding, rule.severity_of(finding), clock.now()),
            phase: Phase::Pending {
                held_from: Some(clock.elapsed()),
            },
            hold: rule.hold,
            told: Told::Nothing,
            untold_end: None,
            opened_at: clock.now(),
            window_end: None,
            seen: true,
        }
    }

    /// The alert while it is pending or firing.
    pub(super) fn active(&self) -> Option<&Alert> {
        (self.phase != Phase::Inactive).then_some(&self.alert)
    }

    /// The rule's name.
    pub(super) fn rule(&self) -> &str {
        &self.alert.rule
    }

    /// What the alert is about.
    pub(super) fn subject(&self) -> &Subject {
        &self.alert.subject
    }

    /// Whether a finding about it came since the last call.
    pub(super) fn take_seen(&mut self) -> bool {
        std::mem::take(&mut self.seen)
    }

    /// Takes over what its finding says now.
    pub(super) fn apply(
        &mut self,
        finding: &Finding,
        rule: &Rule,
        clock: &EngineClock,
        journal: &mut Journal,
    ) {
        self.seen = true;
        match (&finding.status, &finding.caused_by) {
            (FindingStatus::True, None) => self.confirm(finding, rule, clock, journal),
            (FindingStatus::True, Some(_)) => self.explain(finding, rule, clock, journal),
            (FindingStatus::False, _) => self.end(ResolveReason::Cleared, clock, journal),
            (FindingStatus::Unknown { .. }, _) => self.doubt(clock),
        }
    }

    /// The condition holds and nothing else explains it.
    fn confirm(
        &mut self,
        finding: &Finding,
        rule: &Rule,
        clock: &EngineClock,
        journal: &mut Journal,
    ) {
        let held_from = Some(clock.elapsed());
        let severity = rule.severity_of(finding);
        match self.phase {
            Phase::Inactive => {
                self.alert = Alert::pending(self.alert.id, finding, severity, clock.now());
                self.phase = Phase::Pending { held_from };
            }
            Phase::Pending { held_from: None } => self.phase = Phase::Pending { held_from },
            Phase::Pending { .. } | Phase::Firing => {}
        }
        self.refresh(finding, severity, clock, journal);
    }

    /// The condition holds, and another finding explains it: a pending alert is dropped, a firing one goes quiet.
    fn explain(
        &mut self,
        finding: &Finding,
        rule: &Rule,
        clock: &EngineClock,
        journal: &mut Journal,
    ) {
        if self.phase != Phase::Firing {
            self.phase = Phase::Inactive;
            return;
        }
        let is_new = self.alert.explained_by.is_none();
        self.refresh(finding, rule.severity_of(finding), clock, journal);
        if is_new {
            journal.record(clock.now(), AlertEventKind::Explained, &self.alert);
        }
    }

    /// It cannot be said whether the condition holds: a hold starts anew, a firing alert goes on.
    pub(super) fn doubt(&mut self, clock: &EngineClock) {
        self.interrupt();
        if self.phase != Phase::Inactive {
            self.alert.unknown_since.get_or_insert(clock.now());
        }
    }

    /// Starts a hold anew with the next finding that confirms it.
    pub(super) fn interrupt(&mut self) {
        if let Phase::Pending { held_from } = &mut self.phase {
            *held_from = None;
        }
    }

    /// The condition does not hold any more: a pending alert is dropped, a firing one is over.
    pub(super) fn end(
        &mut self,
        reason: ResolveReason,
        clock: &EngineClock,
        journal: &mut Journal,
    ) {
        let was_firing = self.phase == Phase::Firing;
        self.phase = Phase::Inactive;
        if !was_firing {
            return;
        }
        self.alert.state = AlertState::Resolved;
        self.alert.resolved_at = Some(clock.now());
        self.alert.resolve_reason = Some(reason);
        self.alert.unknown_since = None;
        self.alert.explained_by = None;
        self.untold_end = Some(Box::new(self.alert.clone()));
        journal.record(clock.now(), AlertEventKind::Resolved, &self.alert);
    }

    /// Fires when the condition has held for the rule's time. Only to be called while the snapshot is fresh.
    pub(super) fn fire_if_due(&mut self, clock: &EngineClock, journal: &mut Journal) {
        if self.fires_at().is_none_or(|due| clock.elapsed() < due) {
            return;
        }
        self.phase = Phase::Firing;
        self.untold_end = None;
        self.alert.state = AlertState::Firing;
        self.alert.fired_at = Some(clock.now());
        journal.record(clock.now(), AlertEventKind::Fired, &self.alert);
    }

    /// What is to be told now, if the channels know something else.
    pub(super) fn tell(&mut self, clock: &EngineClock) -> Option<Notification> {
        let severity = self.alert.severity;
        match (self.phase, self.told) {
            (Phase::Firing, Told::Nothing | Told::Resolved) => {
                if !self.window_is_open(clock) {
                    self.opened_at = clock.now();
                }
                Some(self.tell_firing(NotificationKind::Fired, clock))
            }
            (Phase::Firing, Told::Firing { worst }) => {
                let speaks = severity > worst && self.alert.explained_by.is_none();
                speaks.then(|| self.tell_firing(NotificationKind::Updated, clock))
            }
            (Phase::Inactive | Phase::Pending { .. }, Told::Firing { .. }) => {
                (!self.window_is_open(clock)).then(|| self.tell_resolved(clock))
            }
            (Phase::Inactive | Phase::Pending { .. }, Told::Nothing | Told::Resolved) => None,
        }
    }

    /// The next time at which something happens by itself. A hold that is over but not confirmed by a fresh
    /// snapshot waits for the snapshot, not for the time.
    pub(super) fn deadline(&self, clock: &EngineClock, fresh: bool) -> Option<Duration> {
        let fires_at = self.fires_at();
        let fires_at = fires_at.filter(|due| fresh || *due > clock.elapsed());
        let window_end = self.window_end.filter(|end| *end > clock.elapsed());
        fires_at.into_iter().chain(window_end).min()
    }

    /// Whether nothing about it matters any more.
    pub(super) fn is_forgotten(&self, clock: &EngineClock) -> bool {
        let told = matches!(self.told, Told::Firing { .. });
        self.phase == Phase::Inactive && !told && !self.window_is_open(clock)
    }

    fn refresh(
        &mut self,
        finding: &Finding,
        severity: Severity,
        clock: &EngineClock,
        journal: &mut Journal,
    ) {
        let before = self.alert.severity;
        self.alert.refresh(finding, severity);
        if self.phase == Phase::Firing && severity > before {
            journal.record(clock.now(), AlertEventKind::SeverityRaised, &self.alert);
        }
    }

    fn fires_at(&self) -> Option<Duration> {
        match self.phase {
            Phase::Pending { held_from } => held_from.map(|from| from.saturating_add(self.hold)),
            Phase::Inactive | Phase::Firing => None,
        }
    }

    fn window_is_open(&self, clock: &EngineClock) -> bool {
        self.window_end.is_some_and(|end| clock.elapsed() < end)
    }

    fn tell_firing(&mut self, kind: NotificationKind, clock: &EngineClock) -> Notification {
        self.told = Told::Firing {
            worst: self.alert.severity,
        };
        self.notification(kind, self.alert.clone(), clock)
    }

    fn tell_resolved(&mut self, clock: &EngineClock) -> Notification {
        self.told = Told::Resolved;
        self.window_end = Some(clock.elapsed().saturating_add(DEDUP_WINDOW));
        let ended = self.untold_end.take();
        let ended = ended.map_or_else(|| self.alert.clone(), |alert| *alert);
        self.notification(NotificationKind::Resolved, ended, clock)
    }

    fn notification(
        &self,
        kind: NotificationKind,
        alert: Alert,
        clock: &EngineClock,
    ) -> Notification {
        let is_over = kind == NotificationKind::Resolved;
        let (firing, resolved) = if is_over {
            (Vec::new(), vec![alert])
        } else {
            (vec![alert], Vec::new())
        };
        Notification {
            id: format!("{}-{}-{}", self.alert.id, clock.now(), kind.as_str()),
            channel: String::new(),
            kind,
            at: clock.now(),
            group: Group {
                id: self.alert.id,
                labels: std::collections::BTreeMap::new(),
            },
            dedup_key: self.alert.id.to_string(),
            incident_at: self.opened_at,
            sequence: 0,
            severity: self.alert.severity,
            firing_count: firing.len(),
            resolved_count: resolved.len(),
            firing,
            resolved,
        }
    }
}
