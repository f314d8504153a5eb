//! Telling a channel that groups for itself, and forgets what it hears no more of: everything at once, and all that
//! fires again and again.

use std::time::Duration;

use super::message::{Message, order};
use super::survey::Survey;
use super::telling::Telling;
use crate::alert::Alert;
use crate::notification::{MAX_ALERTS_TOLD, Notification, NotificationKind};

impl Telling<'_> {
    /// Says what changed, and everything again when that is due, in batches.
    pub(super) fn resend(&mut self, every: Duration, first: &Survey) -> Vec<Notification> {
        let mut said = self.say_changes(first);
        let survey = self.truth.survey(self.group);
        let due = self.resend_due(every);
        if due.is_some_and(|due| self.truth.clock.has_reached(due)) {
            said.extend(self.say_everything(&survey));
        }
        let window_end = self.group.log.window_end;
        let window_end = window_end.filter(|end| !self.truth.clock.has_reached(*end));
        let dues = [survey.next, window_end, self.resend_due(every)];
        self.group.is_stirred = false;
        self.group.deadline = dues.into_iter().flatten().min();
        said
    }

    fn say_changes(&mut self, survey: &Survey) -> Vec<Notification> {
        let truth = self.truth;
        let before = self.group.log.last_message;
        let before = before.filter(|_| self.group.is_open());
        let news = survey.additions.iter().chain(&survey.rises);
        let firing = worst_first(news.filter_map(|id| truth.firing(*id)));
        let ends = survey.ends.iter().filter(|_| truth.pace.sends_resolved);
        let resolved = worst_first(ends.filter_map(|id| truth.ended(*id)));
        self.note_fires(survey);
        self.note_ends(survey);
        let said = batches(&firing, &resolved)
            .map(|message| self.batch(self.kind_of_batch(&message, before.is_some()), message))
            .collect();
        // What is told now by itself is told again with the rest.
        self.group.log.last_message = before.or(self.group.log.last_message);
        said
    }

    fn kind_of_batch(&self, message: &Message, was_open: bool) -> NotificationKind {
        match (message.firing.is_empty(), was_open) {
            (false, false) => NotificationKind::Fired,
            (true, _) if !self.group.is_open() => NotificationKind::Resolved,
            _ => NotificationKind::Updated,
        }
    }

    fn say_everything(&mut self, survey: &Survey) -> Vec<Notification> {
        let truth = self.truth;
        let held = survey.held.iter().filter(|_| truth.pace.sends_resolved);
        let held: Vec<Alert> = held.filter_map(|id| truth.as_held(*id)).collect();
        let standing = survey.standing.iter().filter_map(|id| truth.firing(*id));
        let firing = worst_first(standing.chain(&held));
        self.group.log.last_message = Some(truth.clock.elapsed());
        batches(&firing, &[])
            .map(|message| self.batch(NotificationKind::Resent, message))
            .collect()
    }

    fn batch(&mut self, kind: NotificationKind, message: Message) -> Notification {
        let clock = self.truth.clock;
        let number = self.group.log.note_message(message.worst_firing(), clock);
        message.into_notification(kind, number, self.key, self.group, clock)
    }

    fn resend_due(&self, every: Duration) -> Option<Duration> {
        let last = self.group.log.last_message;
        let last = last.filter(|_| self.group.is_open())?;
        Some(last.saturating_add(every))
    }
}

fn worst_first<'a>(alerts: impl Iterator<Item = &'a Alert>) -> Vec<&'a Alert> {
    let mut alerts: Vec<&Alert> = alerts.collect();
    alerts.sort_by(|a, b| order(a).cmp(&order(b)));
    alerts
}

/// Messages that carry all of the alerts, and count what they carry.
fn batches<'a>(
    firing: &'a [&'a Alert],
    resolved: &'a [&'a Alert],
) -> impl Iterator<Item = Message> + 'a {
    let cloned = |alerts: &[&Alert]| alerts.iter().map(|&it| it.clone()).collect();
    let count = firing.len().max(resolved.len()).div_ceil(MAX_ALERTS_TOLD);
    (0..count).map(move |number| {
        let part = |all: &'a [&'a Alert]| all.chunks(MAX_ALERTS_TOLD).nth(number).unwrap_or(&[]);
        let (firing, resolved) = (part(firing), part(resolved));
        Message {
            firing_count: firing.len(),
            resolved_count: resolved.len(),
            firing: cloned(firing),
            resolved: cloned(resolved),
        }
    })
}
