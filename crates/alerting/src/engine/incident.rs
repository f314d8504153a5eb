//! One alert over time: where it stands. What the channels were told of it is kept apart, in the groups.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_model::{ClusterName, Finding, FindingStatus, Severity, Subject};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::clock::EngineClock;
use super::flapping::Fires;
use super::group::GroupKey;
use super::journal::Journal;
use crate::alert::{
    Acknowledgement, Alert, AlertEventKind, AlertState, Fingerprint, MutedBy, ResolveReason,
};
use crate::rule::Rule;

/// The time of a step, and where it writes down what happens.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) clock: &'a EngineClock,
    pub(super) journal: &'a mut Journal,
}

/// Where an alert stands. Times are the engine's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// The condition does not hold.
    Inactive,
    /// The condition holds; `held_from` is `None` while it is not known whether it still does.
    Pending { held_from: Option<Duration> },
    /// The condition has held for the rule's time. It has become false when `ending_at` is there.
    Firing { ending_at: Option<Duration> },
}

/// One alert, from the first time its condition holds until nobody needs to remember it any more.
#[derive(Debug)]
pub(super) struct Incident {
    kept: Kept,
    rule: Arc<Rule>,
    /// The groups that it is in, and those that were told of it.
    pub(super) groups: BTreeSet<GroupKey>,
    /// Whether the snapshot that is being taken over has a finding about it.
    seen: bool,
    /// Whether it was restored and no finding has confirmed it since.
    is_resumed: bool,
    /// Whether there is more to keep than the values of the latest finding.
    is_changed: bool,
}

/// What a restart must not lose.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    alert: Alert,
    /// The finding that its rule selects.
    finding: String,
    /// What that finding said last of its severity, and since when it had been true when the hold began.
    finding_severity: Severity,
    finding_since: Timestamp,
    phase: Phase,
    fires: Fires,
    /// The alert as it ended, while it is pending again.
    ended: Option<Box<Alert>>,
    ended_at: Option<Duration>,
    /// An acknowledgement from before this time is not about what the alert is now.
    acknowledged_after: Timestamp,
}

impl Incident {
    /// The alert of a finding that is true and unexplained for the first time.
    pub(super) fn begin(
        id: Fingerprint,
        finding: &Finding,
        rule: &Arc<Rule>,
        clock: &EngineClock,
    ) -> Self {
        let kept = Kept {
            alert: pending(id, finding, rule, clock.now()),
            finding: finding.rule.clone(),
            finding_severity: finding.severity,
            finding_since: finding.since,
            phase: Phase::Pending {
                held_from: Some(clock.elapsed()),
            },
            fires: Fires::default(),
            ended: None,
            ended_at: None,
            acknowledged_after: clock.now(),
        };
        Self {
            seen: true,
            is_resumed: false,
            is_changed: true,
            ..Self::restored(kept, Arc::clone(rule))
        }
    }

    /// The alert as it was kept.
    pub(super) fn restored(kept: Kept, rule: Arc<Rule>) -> Self {
        Self {
            kept,
            rule,
            groups: BTreeSet::new(),
            seen: false,
            is_resumed: true,
            is_changed: false,
        }
    }

    /// What a restart must not lose.
    pub(super) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// The alert while it is pending or firing.
    pub(super) fn active(&self) -> Option<&Alert> {
        (self.kept.phase != Phase::Inactive).then_some(&self.kept.alert)
    }

    /// The alert while it fires.
    pub(super) fn firing(&self) -> Option<&Alert> {
        self.is_firing().then_some(&self.kept.alert)
    }

    /// The alert as it ended last; `None` while it fires, and when it never did.
    pub(super) fn ended(&self) -> Option<&Alert> {
        let alert = Some(&self.kept.alert);
        let resolved = alert.filter(|alert| alert.state == AlertState::Resolved);
        self.kept.ended.as_deref().or(resolved)
    }

    /// Whether nothing new is told of it: it is explained, muted, or taken care of.
    pub(super) fn is_quiet(&self) -> bool {
        let alert = &self.kept.alert;
        alert.explained_by.is_some() || alert.muted_by.is_some() || alert.acknowledged.is_some()
    }

    /// Until when its end is not told, because it flaps.
    pub(super) fn restless_until(&self) -> Option<Duration> {
        let ended_at = self.kept.ended_at.filter(|_| self.kept.alert.flapping)?;
        Some(ended_at.saturating_add(super::flapping::QUIET))
    }

    /// The findings that make it.
    pub(super) fn finding(&self) -> &str {
        &self.kept.finding
    }

    /// The name of its rule.
    pub(super) fn rule(&self) -> &str {
        &self.kept.alert.rule
    }

    /// The cluster it belongs to.
    pub(super) fn cluster(&self) -> &ClusterName {
        &self.kept.alert.cluster
    }

    /// What it is about.
    pub(super) fn subject(&self) -> &Subject {
        &self.kept.alert.subject
    }

    /// Whether a finding about it came since the last call.
    pub(super) fn take_seen(&mut self) -> bool {
        std::mem::take(&mut self.seen)
    }

    /// Whether it changed since the last call by more than the values of its finding.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.is_changed)
    }

    /// Takes over what its finding says now.
    pub(super) fn apply(&mut self, finding: &Finding, step: &mut Step<'_>) {
        self.seen = true;
        match (&finding.status, &finding.caused_by) {
            (FindingStatus::True, None) => self.confirm(finding, step),
            (FindingStatus::True, Some(_)) => self.explain(finding, step),
            (FindingStatus::False, _) => self.clear(step),
            (FindingStatus::Unknown { .. }, _) => self.doubt(step.clock),
        }
        self.is_resumed = false;
    }

    /// The condition holds and nothing else explains it.
    fn confirm(&mut self, finding: &Finding, step: &mut Step<'_>) {
        match self.kept.phase {
            Phase::Inactive => self.begin_anew(finding, step.clock),
            Phase::Pending { held_from } => {
                if held_from.is_none() || self.is_another_time(finding) {
                    self.hold_from_now(finding, step.clock);
                }
            }
            Phase::Firing { .. } => self.go_on(),
        }
        self.refresh(finding, step);
    }

    fn begin_anew(&mut self, finding: &Finding, clock: &EngineClock) {
        let next = pending(self.kept.alert.id, finding, &self.rule, clock.now());
        let mut before = std::mem::replace(&mut self.kept.alert, next);
        self.kept.alert.flapping = before.flapping;
        if before.state == AlertState::Resolved {
            before.flapping = false;
            self.kept.ended = Some(Box::new(before));
        }
        self.hold_from_now(finding, clock);
    }

    fn hold_from_now(&mut self, finding: &Finding, clock: &EngineClock) {
        self.kept.finding_since = finding.since;
        self.kept.phase = Phase::Pending {
            held_from: Some(clock.elapsed()),
        };
        self.is_changed = true;
    }

    /// Whether a restored hold is not that of this finding, which became true again while nobody looked.
    fn is_another_time(&self, finding: &Finding) -> bool {
        self.is_resumed && finding.since > self.kept.finding_since
    }

    fn go_on(&mut self) {
        if self.kept.phase != (Phase::Firing { ending_at: None }) {
            self.kept.phase = Phase::Firing { ending_at: None };
            self.is_changed = true;
        }
    }

    /// The condition holds, and another finding explains it: a pending alert is dropped, a firing one goes quiet.
    fn explain(&mut self, finding: &Finding, step: &mut Step<'_>) {
        if !self.is_firing() {
            return self.drop_pending();
        }
        self.go_on();
        let is_new = self.kept.alert.explained_by.is_none();
        self.refresh(finding, step);
        if is_new {
            self.record(AlertEventKind::Explained, step);
        }
    }

    /// The condition does not hold any more.
    pub(super) fn clear(&mut self, step: &mut Step<'_>) {
        let keep_firing = self.rule.keep_firing;
        match self.kept.phase {
            Phase::Firing { ending_at: None } if !keep_firing.is_zero() => {
                let ending_at = Some(step.clock.after(keep_firing));
                self.kept.phase = Phase::Firing { ending_at };
                self.kept.alert.unknown_since = None;
                self.is_changed = true;
            }
            Phase::Firing { ending_at: Some(_) } => {}
            _ => self.end(ResolveReason::Cleared, step),
        }
    }

    /// It cannot be said whether the condition holds: a hold starts anew, a firing alert goes on.
    pub(super) fn doubt(&mut self, clock: &EngineClock) {
        self.interrupt();
        if self.is_firing() {
            self.go_on();
        }
        let is_new = self.kept.alert.unknown_since.is_none();
        if is_new && self.kept.phase != Phase::Inactive {
            self.kept.alert.unknown_since = Some(clock.now());
            self.is_changed = true;
        }
    }

    /// Starts a hold anew with the next finding that confirms it.
    pub(super) fn interrupt(&mut self) {
        if let Phase::Pending { held_from } = &mut self.kept.phase {
            self.is_changed |= held_from.take().is_some();
        }
    }

    fn drop_pending(&mut self) {
        self.is_changed |= self.kept.phase != Phase::Inactive;
        self.kept.phase = Phase::Inactive;
    }

    /// It is over at once: a pending alert is dropped, a firing one resolves.
    pub(super) fn end(&mut self, reason: ResolveReason, step: &mut Step<'_>) {
        let was_firing = self.is_firing();
        self.drop_pending();
        if !was_firing {
            return;
        }
        let alert = &mut self.kept.alert;
        alert.state = AlertState::Resolved;
        alert.resolved_at = Some(step.clock.now());
        alert.resolve_reason = Some(reason);
        alert.unknown_since = None;
        alert.explained_by = None;
        alert.muted_by = None;
        alert.acknowledged = None;
        self.kept.ended_at = Some(step.clock.elapsed());
        self.record(AlertEventKind::Resolved, step);
    }

    /// Does what is due by time. A hold that is over fires only while the snapshot is fresh.
    pub(super) fn settle(&mut self, is_fresh: bool, step: &mut Step<'_>) {
        let clock = step.clock;
        if is_fresh && self.fires_at().is_some_and(|due| clock.has_reached(due)) {
            self.fire(step);
        }
        if let Phase::Firing {
            ending_at: Some(end),
        } = self.kept.phase
            && clock.has_reached(end)
        {
            self.end(ResolveReason::Cleared, step);
        }
        let calm_at = self.calm_at();
        if calm_at.is_some_and(|due| clock.has_reached(due)) {
            self.kept.alert.flapping = false;
            self.is_changed = true;
        }
    }

    fn fire(&mut self, step: &mut Step<'_>) {
        self.kept.phase = Phase::Firing { ending_at: None };
        self.kept.ended = None;
        self.kept.ended_at = None;
        self.kept.acknowledged_after = step.clock.now();
        self.kept.fires.note(step.clock.elapsed());
        let alert = &mut self.kept.alert;
        alert.state = AlertState::Firing;
        alert.fired_at = Some(step.clock.now());
        alert.flapping |= self.kept.fires.are_many();
        self.record(AlertEventKind::Fired, step);
    }

    /// The next time at which something happens by itself. A hold that is over but not confirmed by a fresh
    /// snapshot waits for the snapshot, not for the time.
    pub(super) fn deadline(&self, clock: &EngineClock, is_fresh: bool) -> Option<Duration> {
        let fires_at = self.fires_at();
        let fires_at = fires_at.filter(|due| is_fresh || !clock.has_reached(*due));
        let ends_at = match self.kept.phase {
            Phase::Firing { ending_at } => ending_at,
            _ => None,
        };
        [fires_at, ends_at, self.calm_at(), self.forgotten_at()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether nothing about it matters any more.
    pub(super) fn is_forgotten(&self, clock: &EngineClock) -> bool {
        self.forgotten_at()
            .is_some_and(|due| clock.has_reached(due))
    }

    /// When nobody needs to remember it any more, if nothing happens and no group was told that it fires.
    fn forgotten_at(&self) -> Option<Duration> {
        let is_over = self.kept.phase == Phase::Inactive && self.groups.is_empty();
        is_over.then(|| self.kept.fires.forgotten_at())
    }

    /// Takes another rule of the same name. What it says of the severity and the labels counts at once.
    pub(super) fn set_rule(&mut self, rule: &Arc<Rule>, step: &mut Step<'_>) {
        self.rule = Arc::clone(rule);
        if self.kept.phase == Phase::Inactive {
            return;
        }
        self.set_severity(rule.severity_for(self.kept.finding_severity), step);
        if self.kept.alert.labels != rule.labels {
            self.kept.alert.labels.clone_from(&rule.labels);
            self.is_changed = true;
        }
    }

    /// Says what mutes it; `None` while it does not fire.
    pub(super) fn set_muted(&mut self, by: Option<MutedBy>, step: &mut Step<'_>) {
        let before = std::mem::replace(&mut self.kept.alert.muted_by, by);
        let after = &self.kept.alert.muted_by;
        self.is_changed |= before != *after;
        match (before.is_some(), after.is_some()) {
            (false, true) => self.record(AlertEventKind::Muted, step),
            (true, false) => self.record(AlertEventKind::Unmuted, step),
            _ => {}
        }
    }

    /// Says who takes care of it. What was said before it fired, or before it became more severe, does not count.
    pub(super) fn set_acknowledged(&mut self, said: Option<&Acknowledgement>, step: &mut Step<'_>) {
        let after = self.kept.acknowledged_after;
        let said = said.filter(|it| self.is_firing() && it.at > after);
        if said == self.kept.alert.acknowledged.as_ref() {
            return;
        }
        self.kept.alert.acknowledged = said.cloned();
        self.is_changed = true;
        if said.is_some() {
            self.record(AlertEventKind::Acknowledged, step);
        }
    }

    fn refresh(&mut self, finding: &Finding, step: &mut Step<'_>) {
        let alert = &mut self.kept.alert;
        let is_known = alert.unknown_since.is_some() || alert.explained_by != finding.caused_by;
        self.is_changed |= is_known;
        alert.refresh(finding);
        self.kept.finding_severity = finding.severity;
        self.set_severity(self.rule.severity_of(finding), step);
    }

    fn set_severity(&mut self, severity: Severity, step: &mut Step<'_>) {
        let before = std::mem::replace(&mut self.kept.alert.severity, severity);
        self.is_changed |= before != severity;
        if self.is_firing() && severity > before {
            self.kept.alert.acknowledged = None;
            self.kept.acknowledged_after = step.clock.now();
            self.record(AlertEventKind::SeverityRaised, step);
        }
    }

    fn record(&mut self, kind: AlertEventKind, step: &mut Step<'_>) {
        self.is_changed = true;
        let at = step.clock.now();
        step.journal.record(at, kind, &self.kept.alert);
    }

    fn is_firing(&self) -> bool {
        matches!(self.kept.phase, Phase::Firing { .. })
    }

    fn fires_at(&self) -> Option<Duration> {
        match self.kept.phase {
            Phase::Pending { held_from } => Some(held_from?.saturating_add(self.rule.hold)),
            Phase::Inactive | Phase::Firing { .. } => None,
        }
    }

    /// When it flaps no more, if it stays as it is.
    fn calm_at(&self) -> Option<Duration> {
        if !self.kept.alert.flapping {
            return None;
        }
        match self.kept.phase {
            Phase::Firing { .. } => Some(self.kept.fires.forgotten_at()),
            _ => self.restless_until(),
        }
    }
}

impl Kept {
    /// The alert's own name.
    pub(super) fn alert(&self) -> &Alert {
        &self.alert
    }

    /// The finding that makes it.
    pub(super) fn finding(&self) -> &str {
        &self.finding
    }
}

/// A pending alert of a rule.
fn pending(id: Fingerprint, finding: &Finding, rule: &Rule, now: Timestamp) -> Alert {
    let mut alert = Alert::pending(id, finding, rule.severity_of(finding), now);
    alert.rule.clone_from(&rule.name);
    alert.labels.clone_from(&rule.labels);
    alert
}
