//! How punctual the monitor itself is: how late its own timers fire while it waits for answers.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// How often the monitor looks at its own timers while a cycle runs: often enough to see a stall of a fifth of the
/// shortest deadline, seldom enough to cost nothing.
const TICK: Duration = Duration::from_millis(20);

/// Runs `work` and returns with its result the largest delay by which a timer fired late meanwhile.
///
/// A process that was stopped, or a machine with no time for it, shows here as a delay. Cancel-safe if `work` is.
pub(crate) async fn measured<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let mut work = std::pin::pin!(work);
    let mut ticks = interval_at(Instant::now() + TICK, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut due = Instant::now() + TICK;
    let mut lag = Duration::ZERO;
    loop {
        tokio::select! {
            biased;
            _ = ticks.tick() => {
                lag = lag.max(due.elapsed());
                due = Instant::now() + TICK;
            }
            result = &mut work => return (result, lag.max(due.elapsed())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_punctual_wait_shows_no_lag() {
        let ((), lag) = measured(tokio::time::sleep(Duration::from_secs(1))).await;
        assert!(lag < Duration::from_millis(5), "lag {lag:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_of_time_within_the_work_shows_as_lag() {
        let ((), lag) =
            measured(async { tokio::time::advance(Duration::from_secs(30)).await }).await;
        assert!(lag > Duration::from_secs(29), "lag {lag:?}");
    }
}
