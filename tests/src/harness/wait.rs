//! Waiting for a condition with a deadline.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

/// Between two looks: short against a cycle of the daemon, long against the cost of a look.
const PERIOD: Duration = Duration::from_millis(50);

/// Looks again and again until `look` gives a value, and panics at the deadline with what was waited for and with what
/// the last look complained about.
pub async fn until<T>(
    limit: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let deadline = Instant::now() + limit;
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut complaint = "the first look did not end".to_owned();
    while Instant::now() < deadline {
        ticks.tick().await;
        match timeout_at(deadline, look()).await {
            Ok(Ok(value)) => return value,
            Ok(Err(reason)) => complaint = reason,
            Err(_) => break,
        }
    }
    panic!("not within {limit:?}: {what}; last: {complaint}")
}
