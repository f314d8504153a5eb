//! Flap damping: how often an alert fired of late.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An alert that fires so often within [`WINDOW`] flaps.
const MANY: usize = 3;

/// The time in which fires are counted.
const WINDOW: Duration = Duration::from_mins(15);

/// How long an alert that flaps must be over before that is told.
pub(super) const QUIET: Duration = Duration::from_mins(5);

/// When an alert fired last, by the engine's own time; at most the latest [`MANY`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Fires(VecDeque<Duration>);

impl Fires {
    /// Notes that it fires now.
    pub(super) fn note(&mut self, now: Duration) {
        if self.0.len() == MANY {
            self.0.pop_front();
        }
        self.0.push_back(now);
    }

    /// Whether the latest ones came within the window.
    pub(super) fn are_many(&self) -> bool {
        match (self.0.front(), self.0.back()) {
            (Some(first), Some(last)) if self.0.len() == MANY => {
                last.saturating_sub(*first) <= WINDOW
            }
            _ => false,
        }
    }

    /// When the latest does not count any more; at once when it never fired.
    pub(super) fn forgotten_at(&self) -> Duration {
        let last = self.0.back();
        last.map_or(Duration::ZERO, |last| last.saturating_add(WINDOW))
    }
}
