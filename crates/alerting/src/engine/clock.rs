//! Time that only moves forward, made from a wall clock that may jump.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Most that one step counts. The engine asks to be called at least this often while anything depends on time, so a
/// longer step means a clock that was set forward, or a monitor that stood still.
const MAX_STEP: Duration = Duration::from_secs(30);

/// How far two readings may be apart and still tell the same: what a clock is corrected by bit by bit is no jump.
const READING_TOLERANCE: Duration = Duration::from_secs(1);

/// The engine's own time: what has passed since it began, and the wall clock to show.
#[derive(Debug, Default)]
pub(super) struct EngineClock {
    now: Option<Timestamp>,
    elapsed: Duration,
}

/// Both clocks at one moment, from which the engine's own goes on after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ClockReading {
    wall: Timestamp,
    elapsed: Duration,
}

impl EngineClock {
    /// Goes on from a reading. The time in between counts in full: the process was away, and the wall clock alone knows
    /// for how long.
    pub(super) fn resumed(reading: ClockReading, now: Timestamp) -> Self {
        Self {
            now: Some(now),
            elapsed: reading.elapsed_at(now),
        }
    }

    /// Moves on to `now`. A step back counts as no time, a long one as [`MAX_STEP`].
    pub(super) fn advance(&mut self, now: Timestamp) {
        if let Some(before) = self.now {
            self.elapsed = self
                .elapsed
                .saturating_add(between(before, now).min(MAX_STEP));
        }
        self.now = Some(now);
    }

    /// The wall clock at the latest step, to show and to compare with the times in snapshots.
    pub(super) fn now(&self) -> Timestamp {
        self.now.unwrap_or_default()
    }

    /// What has passed since the engine began: the time that holds and windows are measured in.
    pub(super) fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Whether a time of the engine's own has come.
    pub(super) fn has_reached(&self, deadline: Duration) -> bool {
        self.elapsed >= deadline
    }

    /// The engine's own time `wait` from now.
    pub(super) fn after(&self, wait: Duration) -> Duration {
        self.elapsed.saturating_add(wait)
    }

    /// The wall-clock time at which `deadline` is reached, or of the longest step that may be taken towards it.
    pub(super) fn at(&self, deadline: Duration) -> Timestamp {
        let wait = deadline.saturating_sub(self.elapsed).min(MAX_STEP);
        self.now().checked_add(wait).unwrap_or(Timestamp::MAX)
    }

    /// Both clocks now.
    pub(super) fn reading(&self) -> ClockReading {
        ClockReading {
            wall: self.now(),
            elapsed: self.elapsed,
        }
    }
}

impl ClockReading {
    /// Whether a clock that goes on from this one shows what the other shows, to the second.
    pub(super) fn leads_to(&self, later: &Self) -> bool {
        let expected = self.elapsed_at(later.wall);
        expected.abs_diff(later.elapsed) < READING_TOLERANCE
    }

    fn elapsed_at(&self, wall: Timestamp) -> Duration {
        self.elapsed.saturating_add(between(self.wall, wall))
    }
}

/// Time from `from` to `to`; zero when `to` is earlier.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}
