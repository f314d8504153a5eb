//! What waits for one channel: bounded, in order within a group. No clock of its own, no tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use backon::ExponentialBackoff;
use tokio::time::Instant;

use super::backoff::next_wait;
use super::waiting::Waiting;

/// Bytes that wait for one channel at most, beside the limit on their number: a message about a large group has some
/// hundred kilobytes.
const BYTES_MAX: usize = 16 << 20;

/// The notifications of a channel, by their number.
#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: BTreeMap<u64, Entry>,
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
    /// Adds one that is given up after so long. What is passing and of its group makes way for it.
    pub(super) fn push(&mut self, waiting: Arc<Waiting>, expires: Instant) {
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
        self.entries.insert(entry.waiting.number, entry);
    }

    /// Drops what is passing, of the same group and older than this one, which says how things are now. The parts of one
    /// round are of the same time.
    fn drop_passing(&mut self, newer: &Waiting) {
        let is_past = |entry: &&Entry| {
            let waiting = &entry.waiting;
            waiting.passing
                && !entry.in_flight
                && waiting.key.dedup_key == newer.key.dedup_key
                && (waiting.at < newer.at || !newer.passing)
        };
        let past = self.entries.values().filter(is_past);
        for number in past.map(|entry| entry.waiting.number).collect::<Vec<_>>() {
            self.remove(number);
        }
    }

    /// Takes out what is beyond the limits: first, where each message tells how its whole group is, what a newer one
    /// supersedes, then the oldest. What is being tried stays.
    pub(super) fn overflow(&mut self, limit: usize, tells_whole_groups: bool) -> Vec<Entry> {
        let mut dropped = Vec::new();
        if !self.is_beyond(limit) {
            return dropped;
        }
        let superseded = if tells_whole_groups {
            self.superseded()
        } else {
            Vec::new()
        };
        let oldest = self.entries.keys().copied();
        for number in superseded.into_iter().chain(oldest.collect::<Vec<_>>()) {
            if !self.is_beyond(limit) {
                break;
            }
            let is_idle = self.entries.get(&number).is_some_and(|it| !it.in_flight);
            dropped.extend(is_idle.then(|| self.remove(number)).flatten());
        }
        dropped
    }

    fn is_beyond(&self, limit: usize) -> bool {
        self.entries.len() > limit || self.bytes > BYTES_MAX
    }

    /// Those that have a newer one of their group behind them, the oldest first.
    fn superseded(&self) -> Vec<u64> {
        let mut newer = BTreeSet::new();
        let entries = self.entries.iter().rev();
        let mut superseded: Vec<u64> = entries
            .filter(|(_, entry)| !newer.insert(&entry.waiting.key.dedup_key))
            .map(|(number, _)| *number)
            .collect();
        superseded.reverse();
        superseded
    }

    /// The one to try next: of those whose turn it is in their group and that need not wait, the one with the fewest
    /// attempts, so that one that always fails holds up no other. `patient`: also those that wait after a failure.
    pub(super) fn next(&self, now: Instant, patient: bool) -> Option<u64> {
        let ready = |entry: &&Entry| {
            !entry.in_flight && (!patient || entry.not_before.is_none_or(|at| at <= now))
        };
        let ready = self.heads().filter(ready);
        let next = ready.min_by_key(|entry| (entry.attempts, entry.waiting.number));
        next.map(|entry| entry.waiting.number)
    }

    /// When, after now, one that waits after a failure may be tried again, or one is given up.
    pub(super) fn wakes_at(&self, now: Instant) -> Option<Instant> {
        let idle = self.heads().filter(|entry| !entry.in_flight);
        let retries = idle.filter_map(|entry| entry.not_before);
        let expiries = self.entries.values().map(|entry| entry.expires);
        retries.chain(expiries).filter(|at| *at > now).min()
    }

    /// The first of each group.
    fn heads(&self) -> impl Iterator<Item = &Entry> {
        let mut groups = BTreeSet::new();
        let entries = self.entries.values();
        entries.filter(move |entry| groups.insert(entry.waiting.key.dedup_key.as_str()))
    }

    /// Marks one as being tried.
    pub(super) fn start(&mut self, number: u64) -> Option<&Entry> {
        let entry = self.entries.get_mut(&number)?;
        entry.in_flight = true;
        entry.attempts = entry.attempts.saturating_add(1);
        self.in_flight += 1;
        Some(entry)
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
        }
    }

    /// Takes one out, in whatever state.
    pub(super) fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.entries.remove(&number)?;
        self.bytes -= entry.waiting.json.len();
        self.in_flight -= usize::from(entry.in_flight);
        Some(entry)
    }

    /// Takes out what has waited too long.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Entry> {
        let over = |entry: &&Entry| !entry.in_flight && entry.expires <= now;
        let over = self.entries.values().filter(over);
        let numbers: Vec<u64> = over.map(|entry| entry.waiting.number).collect();
        numbers
            .into_iter()
            .filter_map(|number| self.remove(number))
            .collect()
    }

    /// Takes out everything.
    pub(super) fn clear(&mut self) -> impl Iterator<Item = Entry> + use<> {
        std::mem::take(self).entries.into_values()
    }

    /// The channel answered after it was down: nothing waits for its back-off any more.
    pub(super) fn hurry(&mut self) {
        for entry in self.entries.values_mut() {
            entry.not_before = None;
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
