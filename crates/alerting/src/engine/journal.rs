//! The history of alerts, bounded.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use super::HISTORY_LIMIT;
use crate::alert::{Alert, AlertEvent, AlertEventKind};

/// The latest events, newest last.
#[derive(Debug, Default)]
pub(super) struct Journal {
    events: VecDeque<AlertEvent>,
    recorded: u64,
}

impl Journal {
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
}
