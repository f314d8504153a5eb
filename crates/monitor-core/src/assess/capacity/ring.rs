//! Samples of the last minutes or hours, bounded in time and in count.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::trend::Point;

/// Most samples kept: six hours of one per minute, with some to spare; beyond it the oldest leave early.
const SAMPLES_MAX: usize = 400;

/// (unix time in milliseconds, value), oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Ring(VecDeque<(i64, u64)>);

impl Ring {
    /// Drops what is older than `keep_seconds`, or lies in the future after the clock went back, and takes the value
    /// when the latest one is at least `spacing_seconds` old. True when it was taken.
    pub(super) fn push(
        &mut self,
        at: Timestamp,
        value: u64,
        spacing_seconds: f64,
        keep_seconds: f64,
    ) -> bool {
        let now = at.as_millisecond();
        let age = |then: i64| now.saturating_sub(then) as f64 / 1e3;
        self.0
            .retain(|(then, _)| (0.0..=keep_seconds).contains(&age(*then)));
        let due = self
            .0
            .back()
            .is_none_or(|(then, _)| age(*then) >= spacing_seconds);
        if due {
            if self.0.len() >= SAMPLES_MAX {
                self.0.pop_front();
            }
            self.0.push_back((now, value));
        }
        due
    }

    /// The samples as points of a trend; seconds from the oldest.
    pub(super) fn points(&self) -> Vec<Point> {
        let origin = self.0.front().map_or(0, |(then, _)| *then);
        let point = |(then, value): &(i64, u64)| Point {
            seconds: then.saturating_sub(origin) as f64 / 1e3,
            value: *value as f64,
        };
        self.0.iter().map(point).collect()
    }

    /// The latest value.
    pub(super) fn latest(&self) -> Option<u64> {
        self.0.back().map(|(_, value)| *value)
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
