//! What one direction does to its bytes.

use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The faults of one direction; none by default.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Policy {
    pub(super) cut: bool,
    pub(super) delay: Duration,
    /// Bytes per second.
    pub(super) rate: Option<NonZeroU64>,
}

/// One direction between two nodes, shared by all connections that carry it.
#[derive(Debug)]
pub(super) struct Lane {
    policy: watch::Sender<Policy>,
    /// When the bytes that were let through so far will have passed at the rate of the policy.
    free_at: Mutex<Instant>,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            policy: watch::Sender::default(),
            free_at: Mutex::new(Instant::now()),
        }
    }
}

impl Lane {
    pub(super) fn change(&self, change: impl FnOnce(&mut Policy)) {
        self.policy.send_modify(change);
    }

    /// Returns when `bytes` that arrived at `arrived` may leave. Zero bytes are the end of a
    /// connection.
    pub(super) async fn pass(&self, bytes: usize, arrived: Instant) {
        let mut policy = self.policy.subscribe();
        let mut reserved: Option<Instant> = None;
        loop {
            let now = *policy.borrow_and_update();
            let due = match now.rate {
                Some(rate) => *reserved.get_or_insert_with(|| self.reserve(bytes, rate)),
                None => arrived,
            };
            let due = due.max(arrived + now.delay);
            tokio::select! {
                () = sleep_until(due), if !now.cut => return,
                // The sender lives in `self`, so this ends only by a change, which is looked at
                // from the start.
                _ = policy.changed() => {}
            }
        }
    }

    /// Returns once nothing is held back.
    pub(super) async fn uncut(&self) {
        self.wait_for(false).await;
    }

    /// Returns once everything is held back.
    pub(super) async fn is_cut(&self) {
        self.wait_for(true).await;
    }

    async fn wait_for(&self, cut: bool) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self
            .policy
            .subscribe()
            .wait_for(|policy| policy.cut == cut)
            .await;
    }

    /// Puts `bytes` behind those already let through, and says when they have passed.
    fn reserve(&self, bytes: usize, rate: NonZeroU64) -> Instant {
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = bytes as f64 / rate.get() as f64;
        *free_at = (*free_at).max(Instant::now()) + Duration::from_secs_f64(seconds);
        *free_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn a_cut_holds_back_until_it_is_restored() {
        let lane = Lane::default();
        lane.change(|policy| policy.cut = true);
        let pass = lane.pass(1, Instant::now());
        tokio::pin!(pass);
        assert!(timeout(Duration::from_hours(1), &mut pass).await.is_err());
        lane.change(|policy| policy.cut = false);
        assert!(timeout(Duration::from_millis(1), pass).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_delay_counts_from_the_arrival() {
        let lane = Lane::default();
        lane.change(|policy| policy.delay = Duration::from_secs(5));
        let arrived = Instant::now();
        lane.pass(1, arrived).await;
        lane.pass(1, arrived).await;
        assert_eq!(arrived.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_holds_over_all_connections() {
        let lane = Lane::default();
        lane.change(|policy| policy.rate = NonZeroU64::new(1000));
        let start = Instant::now();
        tokio::join!(lane.pass(2000, start), lane.pass(3000, start));
        assert_eq!(start.elapsed().as_secs(), 5);
    }
}
