//! Histograms of latencies.

use std::time::Duration;

use hdrhistogram::Histogram;

/// From one microsecond...
const LEAST_NANOSECONDS: u64 = 1_000;

/// ...to a minute, to three digits; what is beyond counts as a minute.
const MOST_NANOSECONDS: u64 = 60_000_000_000;

/// Latencies in nanoseconds, to three digits, from a microsecond to a minute; what is beyond counts as a minute.
#[derive(Debug, Clone)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        Self::with_digits(3)
    }
}

impl Latencies {
    /// The same, to so many digits, from 1 to 5.
    pub(crate) fn with_digits(digits: u8) -> Self {
        // These bounds are valid for every number of digits from 1 to 5.
        let histogram =
            Histogram::new_with_bounds(LEAST_NANOSECONDS, MOST_NANOSECONDS, digits.clamp(1, 5));
        Self(histogram.unwrap_or_else(|_| unreachable!("the bounds are constants")))
    }

    /// Counts one.
    pub fn record(&mut self, latency: Duration) {
        self.0.saturating_record(nanoseconds(latency));
    }

    /// Counts so many of the same.
    pub(crate) fn record_alike(&mut self, latency: Duration, count: u64) {
        self.0.saturating_record_n(nanoseconds(latency), count);
    }

    /// Counts all of another one of the same digits.
    pub fn add(&mut self, other: &Self) {
        // All have the same bounds, so that nothing is out of range.
        let _ = self.0.add(&other.0);
    }

    /// Counts all of a histogram of nanoseconds; false where it is of another precision or range, so that not all could be
    /// counted as they are.
    pub(crate) fn add_histogram(&mut self, other: &Histogram<u64>) -> bool {
        let is_alike = other.sigfig() == self.0.sigfig() && other.low() == self.0.low();
        is_alike && self.0.add(other).is_ok()
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that a share (0 to 1) of them did not exceed, in seconds; `None` where there are none.
    pub fn quantile_seconds(&self, share: f64) -> Option<f64> {
        (!self.0.is_empty()).then(|| seconds(self.0.value_at_quantile(share)))
    }

    /// The shortest, in seconds.
    pub fn min_seconds(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| seconds(self.0.min()))
    }

    /// The longest, in seconds.
    pub fn max_seconds(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| seconds(self.0.max()))
    }

    /// The mean, in seconds.
    pub fn mean_seconds(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.mean() / 1e9)
    }

    /// The standard deviation, in seconds.
    pub fn stdev_seconds(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.stdev() / 1e9)
    }

    /// How many lie from `low` to before `high`, as far as the digits tell.
    pub fn count_between(&self, low: Duration, high: Duration) -> u64 {
        let (low, high) = (nanoseconds(low), nanoseconds(high));
        let recorded = self.0.iter_recorded();
        let within = recorded.filter(|it| {
            let value = it.value_iterated_to();
            (low..high).contains(&value)
        });
        within.map(|it| it.count_since_last_iteration()).sum()
    }

    /// The histogram itself, in nanoseconds.
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.0
    }
}

/// What is too long for the number is beyond the bounds as well.
fn nanoseconds(latency: Duration) -> u64 {
    u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX)
}

fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_true_to_three_digits() {
        let mut latencies = Latencies::default();
        for micros in 1..=10_000 {
            latencies.record(Duration::from_micros(micros));
        }
        for (share, wanted) in [(0.5, 5e-3), (0.99, 9.9e-3), (1.0, 10e-3)] {
            let found = latencies.quantile_seconds(share).unwrap();
            assert!((found / wanted - 1.0).abs() < 0.002, "{share}: {found}");
        }
        let ms = Duration::from_millis;
        let between = latencies.count_between(ms(1), ms(5));
        assert!((3_990..=4_010).contains(&between), "{between}");
    }

    #[test]
    fn nothing_measured_is_no_number_and_the_unending_is_a_minute() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.quantile_seconds(0.5), None);
        assert_eq!(latencies.mean_seconds(), None);
        latencies.record(Duration::from_hours(2));
        let most = latencies.max_seconds().unwrap();
        assert!((60.0..60.1).contains(&most), "{most}");
    }
}
