//! How far clocks are apart, as far as a `Date` tells.

use etcd_monitor_model::{ClockOffset, ClockReading};

/// The offsets of a clock that one reading leaves possible, in seconds: a clock of one second's resolution was read at some
/// instant between a question and its answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::assess) struct Offset {
    low: f64,
    high: f64,
}

impl Offset {
    /// `None` for a reading that took no time that can be.
    pub(in crate::assess) fn of(reading: &ClockReading) -> Option<Self> {
        let took = reading.answered_after_seconds;
        if !(took.is_finite() && took >= 0.0) {
            return None;
        }
        let ahead = reading.date.duration_since(reading.sent_at).as_secs_f64();
        Some(Self {
            low: ahead - took,
            high: ahead + 1.0,
        })
    }

    /// What both readings leave possible: the offset of two clocks that agree.
    pub(in crate::assess) fn and(self, other: Self) -> Option<Self> {
        let low = self.low.max(other.low);
        let high = self.high.min(other.high);
        (low <= high).then_some(Self { low, high })
    }

    /// The least that the clock is off, signed; 0 when it may be right.
    pub(in crate::assess) fn at_least(self) -> f64 {
        if self.low > 0.0 {
            self.low
        } else if self.high < 0.0 {
            self.high
        } else {
            0.0
        }
    }

    /// True when the reading is too coarse to see an offset of so many seconds.
    pub(in crate::assess) fn is_coarse(self, seconds: f64) -> bool {
        // Half a second is due to the resolution alone.
        (self.high - self.low) / 2.0 - 0.5 > seconds
    }

    pub(in crate::assess) fn middle(self) -> ClockOffset {
        ClockOffset {
            offset_seconds: f64::midpoint(self.low, self.high),
            uncertainty_seconds: (self.high - self.low) / 2.0,
        }
    }
}
