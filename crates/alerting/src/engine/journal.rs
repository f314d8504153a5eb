//! The history of alerts, bounded.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::HISTORY_LIMIT;
use crate::alert::{Alert, AlertEvent, AlertEventKind};

/// The latest events, newest last.
#[derive(Debug, Default)]
pub(super) struct Journal {
    events: VecDeque<AlertEvent>,
    recorded: u64,
    /// How many were recorded when the changes were taken last.
    taken: u64,
}

impl Journal {
    /// The journal of events that were kept under their numbers.
    pub(super) fn restored(events: BTreeMap<u64, AlertEvent>) -> Self {
        let recorded = events.keys().next_back().map_or(0, |last| last + 1);
        Self {
            events: events.into_values().collect(),
            recorded,
            taken: recorded,
        }
    }

    /// Notes what happened to an alert.
    pub(super) fn record(&mut self, at: Timestamp, kind: AlertEventKind, alert: &Alert) {
        if self.events.len() == HISTORY_LIMIT {
            self.events.pop_front();
        }
        let alert = Arc::new(alert.clone());
        self.events.push_back(AlertEvent { at, kind, alert });
        self.recorded += 1;
    }

    pub(super) fn events(&self) -> impl ExactSizeIterator<Item = &AlertEvent> {
        self.events.iter()
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
        let limit = HISTORY_LIMIT as u64;
        let gone_before = self.taken.saturating_sub(limit);
        let first = self.recorded.saturating_sub(limit);
        let gone = gone_before..first.min(self.taken);
        let new_from = self.taken.max(first);
        let skipped = self.events.len() - usize::try_from(self.recorded - new_from).unwrap_or(0);
        let new = (new_from..).zip(self.events.iter().skip(skipped).cloned());
        let new = new.collect();
        self.taken = self.recorded;
        (new, gone)
    }
}
