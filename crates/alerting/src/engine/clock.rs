//! Time that only moves forward, made from a wall clock that may jump.

use std::time::Duration;

use jiff::Timestamp;

/// Most that one step counts. The engine asks to be called at least this often while anything depends on time, so a
/// longer step means a clock that was set forward, or a monitor that stood still.
const MAX_STEP: Duration = Duration::from_secs(30);

/// The engine's own time: what has passed since it began, and the wall clock to show.
#[derive(Debug, Default)]
pub(super) struct EngineClock {
    now: Option<Timestamp>,
    elapsed: Duration,
}

impl EngineClock {
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

    /// The wall-clock time at which `deadline` is reached, or of the longest step that may be taken towards it.
    pub(super) fn at(&self, deadline: Duration) -> Timestamp {
        let wait = deadline.saturating_sub(self.elapsed).min(MAX_STEP);
        self.now().checked_add(wait).unwrap_or(Timestamp::MAX)
    }
}

/// Time from `from` to `to`; zero when `to` is earlier.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}
