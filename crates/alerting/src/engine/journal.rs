//! The history of alerts, bounded.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::HISTORY_LIMIT;
use crate::alert::{Alert, AlertEvent, AlertEventKind};

/// The latest events, newest last.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// By their numbers, of which a store that was damaged may have lost some.
    events: VecDeque<(u64, AlertEvent)>,
    recorded: u64,
    /// How many were recorded when the changes were taken last.
    taken: u64,
}

impl Journal {
    /// The journal of events that were kept under their numbers.
    pub(super) fn restored(events: BTreeMap<u64, AlertEvent>) -> Self {
        let recorded = events.keys().next_back().map_or(0, |last| last + 1);
        Self {
            events: events.into_iter().collect(),
            recorded,
            taken: recorded,
        }
    }

    /// Notes what happened to an alert.
    pub(super) fn record(&mut self, at: Timestamp, kind: AlertEventKind, alert: &Alert) {
        let alert = Arc::new(alert.clone());
        let event = AlertEvent { at, kind, alert };
        self.events.push_back((self.recorded, event));
        self.recorded += 1;
        let first = self.first();
        while self.events.front().is_some_and(|(it, _)| *it < first) {
            self.events.pop_front();
        }
    }

    /// The number of the oldest event that the history may have.
    fn first(&self) -> u64 {
        self.recorded.saturating_sub(HISTORY_LIMIT as u64)
    }

    pub(super) fn events(&self) -> impl ExactSizeIterator<Item = &AlertEvent> {
        self.events.iter().map(|(_, event)| event)
    }

    pub(super) fn recorded(&self) -> u64 {
        self.recorded
    }

    /// Has the next changes give all events.
    pub(super) fn forget_taken(&mut self) {
        self.taken = 0;
    }

    /// The events since the last call by their numbers, and the numbers of those that left the history.
    pub(super) fn take_changes(&mut self) -> (Vec<(u64, AlertEvent)>, std::ops::Range<u64>) {
        let gone_before = self.taken.saturating_sub(HISTORY_LIMIT as u64);
        let gone = gone_before..self.first().min(self.taken);
        let taken = std::mem::replace(&mut self.taken, self.recorded);
        let new = self.events.iter().filter(|(number, _)| *number >= taken);
        (new.cloned().collect(), gone)
    }
}
