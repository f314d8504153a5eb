//! What is to be told of a group, and when: the pace, the dedup window, repeats and acknowledgements.
//!
//! Nothing is told because an event happened. Each step holds what was told against what is true, and says the
//! difference as soon as it may.

use std::time::Duration;

use etcd_monitor_model::Severity;

use super::DEDUP_WINDOW;
use super::group::{GroupKey, GroupState};
use super::message::Message;
use super::open::OpenGroups;
use super::survey::{Survey, Truth};
use crate::notification::{Notification, NotificationKind};
use crate::route::ResolvedTiming;

/// More messages of a group than a step can have: what changed, and that somebody takes care of the rest.
const MAX_MESSAGES: usize = 3;

/// A group on its channel, and the truth.
#[derive(Debug)]
pub(super) struct Telling<'a> {
    pub(super) truth: Truth<'a>,
    pub(super) key: &'a GroupKey,
    pub(super) group: &'a mut GroupState,
    pub(super) open: &'a mut OpenGroups,
}

impl Telling<'_> {
    /// Says what is due, and notes when to look again.
    pub(super) fn tell(&mut self, first: Survey) -> Vec<Notification> {
        let mut survey = first;
        let mut said = Vec::new();
        for _ in 0..MAX_MESSAGES {
            self.note(&survey);
            let Some(kind) = self.due(&survey) else {
                break;
            };
            said.extend(self.say(kind, &survey));
            survey = self.truth.survey(self.group);
        }
        self.group.is_stirred = false;
        self.group.deadline = self.deadline(&survey);
        said
    }

    /// Notes since when a first message waits, and that not everything is taken care of.
    fn note(&mut self, survey: &Survey) {
        let waits = !self.group.is_open() && !survey.additions.is_empty();
        let log = &mut self.group.log;
        if waits {
            log.waiting_since.get_or_insert(self.truth.clock.elapsed());
        } else {
            log.waiting_since = None;
        }
        log.acknowledged &= survey.is_acknowledged;
    }

    /// What kind of message is due now.
    fn due(&self, survey: &Survey) -> Option<NotificationKind> {
        let reached =
            |due: Option<Duration>| due.is_some_and(|due| self.truth.clock.has_reached(due));
        if reached(self.ends_due(survey)) || reached(self.news_due(survey)) {
            return Some(self.kind_of_change(survey));
        }
        if self.is_acknowledgement_due(survey) {
            return Some(NotificationKind::Acknowledged);
        }
        let again = if survey.has_news() {
            self.kind_of_change(survey)
        } else {
            NotificationKind::Repeated
        };
        reached(self.repeat_due(survey)).then_some(again)
    }

    fn kind_of_change(&self, survey: &Survey) -> NotificationKind {
        if survey.is_end_of_all() {
            NotificationKind::Resolved
        } else if self.group.is_open() {
            NotificationKind::Updated
        } else {
            NotificationKind::Fired
        }
    }

    /// When the ends are told: at once, but for the end of all within the dedup window of the one before.
    fn ends_due(&self, survey: &Survey) -> Option<Duration> {
        if survey.ends.is_empty() {
            return None;
        }
        let window_end = self.group.log.window_end;
        let held = window_end.filter(|_| survey.is_end_of_all());
        Some(held.unwrap_or_default())
    }

    /// When what is new or worse is told.
    fn news_due(&self, survey: &Survey) -> Option<Duration> {
        let (worst, timing) = (survey.worst_news?, survey.timing.unwrap_or_default());
        let due = if self.group.is_open() {
            self.addition_due(worst, timing)
        } else {
            self.first_due(survey, timing)
        };
        Some(due)
    }

    /// A group's first message goes at once, unless its cluster has an open group that is as severe.
    fn first_due(&self, survey: &Survey, timing: ResolvedTiming) -> Duration {
        let log = &self.group.log;
        let is_refire = log.window_is_open(self.truth.clock);
        if is_refire || !self.others_are_as_severe(survey) {
            return Duration::ZERO;
        }
        let since = log.waiting_since;
        let since = since.unwrap_or_else(|| self.truth.clock.elapsed());
        since.saturating_add(timing.group_wait)
    }

    fn addition_due(&self, worst: Severity, timing: ResolvedTiming) -> Duration {
        let log = &self.group.log;
        if Some(worst) > log.worst {
            return Duration::ZERO;
        }
        let last = log.last_message.unwrap_or_default();
        last.saturating_add(timing.group_interval)
    }

    fn others_are_as_severe(&self, survey: &Survey) -> bool {
        let mut additions = survey
            .additions
            .iter()
            .filter_map(|id| self.truth.firing(*id));
        additions.all(|it| self.open.has(self.key, &it.cluster, it.severity))
    }

    /// Not while there is something to tell that nobody takes care of yet.
    fn is_acknowledgement_due(&self, survey: &Survey) -> bool {
        let is_all = survey.is_acknowledged && survey.additions.is_empty();
        is_all && self.truth.pace.sends_acknowledged && !self.group.log.acknowledged
    }

    fn repeat_due(&self, survey: &Survey) -> Option<Duration> {
        let last = self.group.log.last_message.filter(|_| survey.is_repeated)?;
        let timing = survey.timing.unwrap_or_default();
        Some(last.saturating_add(timing.repeat_interval))
    }

    /// When to look again, if nothing happens before.
    fn deadline(&self, survey: &Survey) -> Option<Duration> {
        let window_end = self.group.log.window_end;
        let window_end = window_end.filter(|end| !self.truth.clock.has_reached(*end));
        let dues = [
            self.ends_due(survey),
            self.news_due(survey),
            self.repeat_due(survey),
            survey.next,
            window_end,
        ];
        dues.into_iter().flatten().min()
    }

    fn say(&mut self, kind: NotificationKind, survey: &Survey) -> Option<Notification> {
        let is_silent = !self.truth.pace.sends_resolved;
        let has_news = self
            .news_due(survey)
            .is_some_and(|due| self.truth.clock.has_reached(due));
        let is_change = matches!(kind, NotificationKind::Updated | NotificationKind::Resolved);
        if is_silent && is_change && !has_news {
            self.note_ends(survey);
            return None;
        }
        let message = Message::of(&self.truth, survey, !is_silent);
        let worst = message.worst_firing();
        self.note_fires(survey);
        self.note_ends(survey);
        let log = &mut self.group.log;
        log.acknowledged |= kind == NotificationKind::Acknowledged;
        let number = log.note_message(worst, self.truth.clock);
        Some(message.into_notification(kind, number, self.key, self.group, self.truth.clock))
    }

    pub(super) fn note_fires(&mut self, survey: &Survey) {
        for id in survey.standing.iter().chain(&survey.additions) {
            if let Some(alert) = self.truth.firing(*id) {
                let (key, clock) = (self.key, self.truth.clock);
                self.group
                    .note_firing(key, *id, alert.severity, self.open, clock);
            }
        }
    }

    /// Notes the ends as told; when nothing fires any more, the dedup window begins.
    pub(super) fn note_ends(&mut self, survey: &Survey) {
        for id in &survey.ends {
            self.group
                .note_over(self.key, *id, self.open, self.truth.clock);
        }
        if !survey.ends.is_empty() && !self.group.is_open() {
            self.group.log.window_end = Some(self.truth.clock.after(DEDUP_WINDOW));
            self.group.log.acknowledged = false;
        }
    }
}
