//! Durations in flags and in the file: `5s`, `500ms`, `1m`.

use std::time::Duration;

use jiff::SignedDuration;

/// Shorter intervals would probe etcd ten times a second; nobody reads that fast.
const INTERVAL_MIN: Duration = Duration::from_millis(100);

/// Longer intervals would tell of a fault an hour late.
const INTERVAL_MAX: Duration = Duration::from_hours(1);

/// Parses the time between two cycles: 100ms to 1h.
pub(crate) fn interval(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration between 100ms and 1h; for example 5s");
    let duration: SignedDuration = text.parse().map_err(|_| wrong())?;
    let duration = Duration::try_from(duration).map_err(|_| wrong())?;
    (INTERVAL_MIN..=INTERVAL_MAX)
        .contains(&duration)
        .then_some(duration)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_with_their_unit_and_within_bounds() {
        assert_eq!(interval("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(interval("1m"), Ok(Duration::from_mins(1)));
        for wrong in ["5", "", "-5s", "1ms", "2h", "soon"] {
            assert!(interval(wrong).is_err(), "{wrong:?}");
        }
    }
}
