//! Durations in flags and in the file: `5s`, `500ms`, `1m`.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

/// Shorter intervals would probe etcd ten times a second; nobody reads that fast.
const INTERVAL_MIN: Duration = Duration::from_millis(100);

/// Longer intervals would tell of a fault an hour late.
const INTERVAL_MAX: Duration = Duration::from_hours(1);

/// What costs etcd much is done once a minute at most.
const SELDOM_MIN: Duration = Duration::from_mins(1);

/// What is silent for longer belongs into the configuration.
const SILENCE_MAX: Duration = Duration::from_hours(366 * 24);

/// A service that takes longer is not reached.
const TIMEOUT_MAX: Duration = Duration::from_mins(5);

/// What is told a month late is better not told.
const HOLD_MAX: Duration = Duration::from_hours(24 * 31);

/// Parses the time between two cycles: 100ms to 1h.
pub(crate) fn interval(text: &str) -> Result<Duration, String> {
    within(text, INTERVAL_MIN..=INTERVAL_MAX)
        .ok_or_else(|| format!("{text:?} is not a duration between 100ms and 1h; for example 5s"))
}

/// Parses how long a finding must hold before it is told: up to 31 days, 0s for at once.
pub(crate) fn hold(text: &str) -> Result<Duration, String> {
    within(text, Duration::ZERO..=HOLD_MAX)
        .ok_or_else(|| format!("{text:?} is not a duration between 0s and 31d; for example 30s"))
}

/// Parses how long a silence holds: 1s to 366 days.
pub(crate) fn silence(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_secs(1)..=SILENCE_MAX)
        .ok_or_else(|| format!("{text:?} is not a duration between 1s and 366d; for example 2h"))
}

/// Parses how long one attempt may take: 100ms to 5m.
pub(crate) fn timeout(text: &str) -> Result<Duration, String> {
    within(text, INTERVAL_MIN..=TIMEOUT_MAX)
        .ok_or_else(|| format!("{text:?} is not a duration between 100ms and 5m; for example 10s"))
}

/// Parses the time between two looks that are dear: 1m to 31 days, or `off`, which the caller knows.
pub(crate) fn seldom(text: &str) -> Result<Duration, String> {
    within(text, SELDOM_MIN..=HOLD_MAX).ok_or_else(|| {
        format!("{text:?} is neither off nor a duration between 1m and 31d; for example 6h")
    })
}

fn within(text: &str, range: RangeInclusive<Duration>) -> Option<Duration> {
    let span: Span = text.parse().ok()?;
    // Days are elapsed time here, not those of a calendar.
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    let duration = Duration::try_from(duration).ok()?;
    range.contains(&duration).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_with_their_unit_and_within_bounds() {
        assert_eq!(interval("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(interval("1m"), Ok(Duration::from_mins(1)));
        assert_eq!(hold("1d"), Ok(Duration::from_hours(24)));
        assert_eq!(hold("1h 30m"), Ok(Duration::from_mins(90)));
        for wrong in ["5", "", "-5s", "1ms", "2h", "1mo", "soon"] {
            assert!(interval(wrong).is_err(), "{wrong:?}");
        }
    }
}
