//! How recent the latest snapshot of a cluster is: nothing fires on old news.

use std::time::Duration;

use etcd_monitor_model::Snapshot;
use jiff::Timestamp;

use super::clock::{EngineClock, between};

/// The latest snapshot of a cluster: when it was made and when it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Freshness {
    cycle: u64,
    at: Timestamp,
    came: Duration,
    limit: Duration,
}

impl Freshness {
    /// The freshness of a snapshot that comes now.
    pub(super) fn of(snapshot: &Snapshot, clock: &EngineClock) -> Self {
        Self {
            cycle: snapshot.cycle,
            at: snapshot.at,
            came: clock.elapsed(),
            limit: limit(snapshot.interval_seconds),
        }
    }

    /// Whether it is this snapshot.
    pub(super) fn is_of(&self, snapshot: &Snapshot) -> bool {
        self.cycle == snapshot.cycle && self.at == snapshot.at
    }

    /// Whether it still says what is. Two clocks must agree: the wall clock sees a monitor that stood still, the
    /// engine's own sees snapshots that stopped coming while the wall clock was set back.
    pub(super) fn is_fresh(&self, clock: &EngineClock) -> bool {
        let age = between(self.at, clock.now());
        let waited = clock.elapsed().saturating_sub(self.came);
        age.max(waited) <= self.limit
    }

    /// When it says nothing any more, if none comes and the wall clock is right.
    pub(super) fn ends_at(&self) -> Duration {
        const MOMENT: Duration = Duration::from_millis(1);
        self.came.saturating_add(self.limit).saturating_add(MOMENT)
    }

    /// Whether the two are so close that what both say was true in between.
    pub(super) fn follows(&self, last: &Self) -> bool {
        let gap = between(last.at, self.at);
        let waited = self.came.saturating_sub(last.came);
        gap.max(waited) <= self.limit.max(last.limit)
    }
}

/// Age up to which a snapshot counts: one lost cycle, and 2 s for a slow one.
fn limit(interval_seconds: f64) -> Duration {
    const SLACK: Duration = Duration::from_secs(2);
    let interval = Duration::try_from_secs_f64(interval_seconds).unwrap_or_default();
    interval.saturating_mul(2).saturating_add(SLACK)
}
