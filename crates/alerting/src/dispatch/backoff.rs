//! How long to wait after a failure.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

/// Failures in a row, of any notifications, after which the channel counts as down: one attempt at a time from then on.
const DOWN_AFTER: u32 = 3;

/// Longest wait that a receiver may ask for: what it asks beyond is an error of its own.
const ASKED_MAX: Duration = Duration::from_hours(1);

/// Waits of 1, 2, 4, 8 s and then 15 s, each with up to as much again at random: after an outage of any length the
/// next attempt is at most 30 s away. It never ends.
pub(super) fn backoff() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(Duration::from_secs(15))
        .with_factor(2.0)
        .without_max_times()
        .with_jitter()
        .build()
}

/// The next wait of a back-off.
pub(super) fn next_wait(backoff: &mut Option<ExponentialBackoff>) -> Duration {
    let waits = backoff.get_or_insert_with(self::backoff);
    waits.next().unwrap_or(Duration::from_secs(15))
}

/// Whether a channel is to be tried. A receiver that is down, or asked for time, is not asked by every notification
/// that waits for it.
#[derive(Debug, Default)]
pub(super) struct Gate {
    failures: u32,
    backoff: Option<ExponentialBackoff>,
    open_at: Option<Instant>,
}

impl Gate {
    /// Whether the channel counts as down: only one attempt at a time is made.
    pub(super) fn is_down(&self) -> bool {
        self.failures >= DOWN_AFTER
    }

    /// Until when no attempt is made; `None` when one may be made at once.
    pub(super) fn closed_until(&self, now: Instant) -> Option<Instant> {
        self.open_at.filter(|at| *at > now)
    }

    /// An attempt failed in a way that another may not, and the receiver asked for some time.
    pub(super) fn failed(&mut self, asked: Option<Duration>, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        // What was under way when it closed says nothing new.
        if self.is_down() && self.closed_until(now).is_none() {
            self.open_at = Some(now + next_wait(&mut self.backoff));
        }
        if let Some(asked) = asked {
            let until = now + asked.min(ASKED_MAX);
            self.open_at = self.open_at.max(Some(until));
        }
    }

    /// The receiver answered. True when the channel had counted as down.
    pub(super) fn answered(&mut self) -> bool {
        std::mem::take(self).is_down()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_within_half_a_minute() {
        let waits: Vec<_> = backoff().take(1_000).collect();
        assert!(waits[0] >= Duration::from_secs(1) && waits[0] <= Duration::from_secs(2));
        let rest = &waits[4..];
        let within = |wait: &Duration| (15.0..=30.0).contains(&wait.as_secs_f64());
        assert!(rest.iter().all(within), "{rest:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_channel_that_fails_is_tried_less_and_at_once_after_it_answered() {
        let mut gate = Gate::default();
        let now = Instant::now();
        gate.failed(None, now);
        gate.failed(None, now);
        assert_eq!((gate.is_down(), gate.closed_until(now)), (false, None));
        gate.failed(None, now);
        let closed = gate.closed_until(now).unwrap();
        assert!(gate.is_down());
        gate.failed(None, now);
        assert_eq!(gate.closed_until(now), Some(closed));
        assert!(gate.answered());
        assert_eq!((gate.is_down(), gate.closed_until(now)), (false, None));
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_that_is_asked_for_holds_within_bounds() {
        let now = Instant::now();
        let mut gate = Gate::default();
        gate.failed(Some(Duration::from_secs(70)), now);
        assert_eq!(gate.closed_until(now), Some(now + Duration::from_secs(70)));
        gate.failed(Some(Duration::from_hours(24)), now);
        assert_eq!(gate.closed_until(now), Some(now + ASKED_MAX));
    }
}
