//! What waits for one channel: bounded, in order within a group. No clock of its own, no tasks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use backon::ExponentialBackoff;
use tokio::time::Instant;

use super::backoff::next_wait;
use super::waiting::Waiting;
use turns::{Turn, Turns};

mod turns;

/// Bytes that wait for one channel at most, beside the limit on their number: a message about a large group has some
/// hundred kilobytes.
const BYTES_MAX: usize = 16 << 20;

/// The notifications of a channel, by their number.
#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: BTreeMap<u64, Entry>,
    turns: Turns,
    bytes: usize,
    in_flight: usize,
}

/// One that waits or is being tried.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) waiting: Arc<Waiting>,
    /// Attempts so far, the one under way included.
    pub(super) attempts: u32,
    /// Why the latest attempt failed.
    pub(super) last_error: Option<String>,
    in_flight: bool,
    not_before: Option<Instant>,
    backoff: Option<ExponentialBackoff>,
    /// When it is given up.
    expires: Instant,
}

impl Queue {
    /// Adds one that is given up after so long, unless it is there already. What is passing and of its group makes way
    /// for it.
    pub(super) fn push(&mut self, waiting: Arc<Waiting>, expires: Instant) {
        if self.entries.contains_key(&waiting.number) {
            return;
        }
        self.drop_passing(&waiting);
        self.bytes += waiting.json.len();
        let entry = Entry {
            attempts: 0,
            last_error: None,
            in_flight: false,
            not_before: None,
            backoff: None,
            expires,
            waiting,
        };
        let waiting = Arc::clone(&entry.waiting);
        let (group, number) = (&waiting.key.dedup_key, waiting.number);
        self.turns.join(group, number, expires);
        self.entries.insert(number, entry);
        self.relist(group);
    }

    /// Drops what is passing, of the same group and older than this one, which says how things are now. The parts of one
    /// round are of the same time.
    fn drop_passing(&mut self, newer: &Waiting) {
        let is_past = |entry: &Entry| {
            let waiting = &entry.waiting;
            waiting.passing && !entry.in_flight && (waiting.at < newer.at || !newer.passing)
        };
        let group = self.turns.group(&newer.key.dedup_key);
        let past = group.filter(|number| self.entries.get(number).is_some_and(is_past));
        for number in past.collect::<Vec<_>>() {
            self.remove(number);
        }
    }

    /// Takes out what is beyond the limits: first, where each message tells how its whole group is, what a newer one
    /// supersedes, then the oldest. What is being tried stays.
    pub(super) fn overflow(&mut self, limit: usize, tells_whole_groups: bool) -> Vec<Entry> {
        let mut dropped = Vec::new();
        while self.is_beyond(limit)
            && let Some(number) = self.first_to_drop(tells_whole_groups)
        {
            dropped.extend(self.remove(number));
        }
        dropped
    }

    fn first_to_drop(&self, tells_whole_groups: bool) -> Option<u64> {
        let superseded = self.turns.superseded().filter(|_| tells_whole_groups);
        let mut first = superseded.chain(self.entries.keys().copied());
        first.find(|number| self.is_idle(*number))
    }

    fn is_beyond(&self, limit: usize) -> bool {
        self.entries.len() > limit || self.bytes > BYTES_MAX
    }

    fn is_idle(&self, number: u64) -> bool {
        self.entries.get(&number).is_some_and(|it| !it.in_flight)
    }

    /// The one to try next: of those whose turn it is in their group and that need not wait, the one with the fewest
    /// attempts, so that one that always fails holds up no other. `patient`: also those that wait after a failure.
    pub(super) fn next(&self, now: Instant, patient: bool) -> Option<u64> {
        self.turns.next(now, patient)
    }

    /// When, after now, one that waits after a failure may be tried again, or one is given up.
    pub(super) fn wakes_at(&self, now: Instant) -> Option<Instant> {
        self.turns.wakes_at(now)
    }

    /// Sees anew whose turn it is in a group.
    fn relist(&mut self, group: &str) {
        let first = self.turns.group(group).next();
        let first = first.and_then(|number| self.entries.get(&number));
        let turn = first.filter(|entry| !entry.in_flight).map(|entry| Turn {
            number: entry.waiting.number,
            attempts: entry.attempts,
            not_before: entry.not_before,
        });
        self.turns.take_turn(group, turn);
    }

    /// Marks one as being tried.
    pub(super) fn start(&mut self, number: u64) -> Option<&Entry> {
        let entry = self.entries.get_mut(&number)?;
        entry.in_flight = true;
        entry.attempts = entry.attempts.saturating_add(1);
        self.in_flight += 1;
        let waiting = Arc::clone(&entry.waiting);
        self.relist(&waiting.key.dedup_key);
        self.entries.get(&number)
    }

    /// An attempt failed: it is to be tried again after its back-off. What is passing is not: the next round follows.
    pub(super) fn retry(&mut self, number: u64, error: String, now: Instant) {
        let is_passing = |entry: &Entry| entry.waiting.passing;
        if self.entries.get(&number).is_some_and(is_passing) {
            self.remove(number);
        } else if let Some(entry) = self.entries.get_mut(&number) {
            self.in_flight -= usize::from(std::mem::take(&mut entry.in_flight));
            entry.not_before = Some(now + next_wait(&mut entry.backoff));
            entry.last_error = Some(error);
            let waiting = Arc::clone(&entry.waiting);
            self.relist(&waiting.key.dedup_key);
        }
    }

    /// Takes one out, in whatever state.
    pub(super) fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.entries.remove(&number)?;
        self.bytes -= entry.waiting.json.len();
        self.in_flight -= usize::from(entry.in_flight);
        let group = &entry.waiting.key.dedup_key;
        self.turns.leave(group, number, entry.expires);
        self.relist(group);
        Some(entry)
    }

    /// Takes out what has waited too long.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Entry> {
        let over = self.turns.expired(now);
        let over: Vec<u64> = over.filter(|number| self.is_idle(*number)).collect();
        over.into_iter()
            .filter_map(|number| self.remove(number))
            .collect()
    }

    /// Takes out everything.
    pub(super) fn clear(&mut self) -> impl Iterator<Item = Entry> + use<> {
        std::mem::take(self).entries.into_values()
    }

    /// The channel answered after it was down: nothing waits for its back-off any more.
    pub(super) fn hurry(&mut self) {
        let delayed: Vec<u64> = self.turns.delayed().collect();
        for entry in self.entries.values_mut() {
            entry.not_before = None;
        }
        for number in delayed {
            if let Some(entry) = self.entries.get(&number) {
                let waiting = Arc::clone(&entry.waiting);
                self.relist(&waiting.key.dedup_key);
            }
        }
    }

    /// How many are being tried.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// How many wait or are being tried.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The one that has waited longest.
    pub(super) fn first(&self) -> Option<&Waiting> {
        let first = self.entries.first_key_value();
        first.map(|(_, entry)| &*entry.waiting)
    }

    /// Whether one waits that would be lost with the process.
    pub(super) fn has_volatile(&self) -> bool {
        let mut waiting = self.entries.values();
        waiting.any(|entry| !entry.waiting.is_durable() && !entry.waiting.passing)
    }
}

/// Time after which a notification that cannot be delivered is given up.
pub(super) const GIVEN_UP_AFTER: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests;
