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
    /// Adds one that is given up after so long.
    pub(super) fn push(&mut self, waiting: Arc<Waiting>, expires: Instant) {
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

    /// Takes out what is beyond the limits: first what a newer one of its group supersedes, then the oldest. What is
    /// being tried stays.
    pub(super) fn overflow(&mut self, limit: usize) -> Vec<Entry> {
        let mut dropped = Vec::new();
        while self.entries.len() > limit || self.bytes > BYTES_MAX {
            let Some(number) = self.superseded().or_else(|| self.oldest()) else {
                break;
            };
            dropped.extend(self.remove(number));
        }
        dropped
    }

    /// The oldest that may be dropped and has a newer one of its group behind it.
    fn superseded(&self) -> Option<u64> {
        let mut newer = BTreeSet::new();
        let mut found = None;
        for (number, entry) in self.entries.iter().rev() {
            if !newer.insert(&entry.waiting.key.dedup_key) && !entry.in_flight {
                found = Some(*number);
            }
        }
        found
    }

    fn oldest(&self) -> Option<u64> {
        let mut idle = self.entries.iter().filter(|(_, entry)| !entry.in_flight);
        idle.next().map(|(number, _)| *number)
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

    /// An attempt failed: it is to be tried again after its back-off.
    pub(super) fn retry(&mut self, number: u64, error: String, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&number) {
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
        waiting.any(|entry| !entry.waiting.is_durable())
    }
}

/// Time after which a notification that cannot be delivered is given up.
pub(super) const GIVEN_UP_AFTER: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests;
