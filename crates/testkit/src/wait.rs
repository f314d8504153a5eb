//! Waiting for a condition with a deadline.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

/// Between two looks. Short against what is waited for (elections take a second), long against the
/// cost of one look.
const PERIOD: Duration = Duration::from_millis(50);

/// Repeats `look` until it returns a value; after `limit` returns what the last look complained
/// about.
///
/// A look that hangs is dropped at the deadline.
pub(crate) async fn until<T, F>(limit: Duration, look: F) -> Result<T, String>
where
    F: AsyncFnMut() -> Result<T, String>,
{
    until_every(PERIOD, limit, look).await
}

/// The same with another time between two looks.
pub(crate) async fn until_every<T, F>(
    period: Duration,
    limit: Duration,
    mut look: F,
) -> Result<T, String>
where
    F: AsyncFnMut() -> Result<T, String>,
{
    let deadline = Instant::now() + limit;
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut complaint = "never looked".to_owned();
    loop {
        ticks.tick().await;
        match timeout_at(deadline, look()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(reason)) => complaint = reason,
            Err(_) => return Err(format!("{complaint} (the last look did not end)")),
        }
        if Instant::now() >= deadline {
            return Err(complaint);
        }
    }
}
