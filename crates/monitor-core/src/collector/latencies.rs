//! Durations that the monitor measured itself.

use std::collections::VecDeque;

use etcd_monitor_model::{Durations, LatencySummary};
use hdrhistogram::Histogram;
use jiff::Timestamp;

/// Most durations kept: five minutes at an interval of 0.3 s; beyond it the oldest leave early.
const KEPT_MAX: usize = 1_000;

/// Digits of a quantile that are exact.
const DIGITS: u8 = 3;

/// The durations of a window, in whole microseconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Latencies {
    /// (unix time in milliseconds, microseconds), oldest first.
    kept: VecDeque<(i64, u32)>,
    /// The same, to take quantiles from. It grows with the longest duration seen: 4 KB up to 2 ms, 24 KB at 2 s.
    histogram: Option<Histogram<u16>>,
}

impl Latencies {
    /// Drops what is older than the window, or lies in the future after the clock went back, and takes a duration. One
    /// that is none is not taken.
    pub(crate) fn take(&mut self, at: Timestamp, seconds: Option<f64>, window_seconds: f64) {
        let now = at.as_millisecond();
        let before = self.kept.len();
        let age = |then: i64| now.saturating_sub(then) as f64 / 1e3;
        self.kept
            .retain(|(then, _)| (0.0..=window_seconds).contains(&age(*then)));
        let fits = |seconds: &f64| seconds.is_finite() && *seconds >= 0.0;
        let taken = seconds.filter(fits).map(microseconds);
        if taken.is_some() && self.kept.len() >= KEPT_MAX {
            self.kept.pop_front();
        }
        let lost = self.kept.len() < before;
        self.kept.extend(taken.map(|taken| (now, taken)));
        if lost {
            self.record_anew();
        } else if let Some(taken) = taken {
            record(&mut self.histogram, taken);
        }
    }

    fn record_anew(&mut self) {
        if let Some(histogram) = &mut self.histogram {
            histogram.reset();
        }
        for (_, taken) in &self.kept {
            record(&mut self.histogram, *taken);
        }
    }

    /// Quantiles and the largest; `None` without any.
    pub(crate) fn summary(&self) -> Option<LatencySummary> {
        let longest = self.kept.iter().map(|(_, taken)| *taken).max()?;
        let [p50_seconds, p95_seconds, p99_seconds] = self.quantiles(longest)?;
        Some(LatencySummary {
            count: self.kept.len() as u64,
            p50_seconds,
            p95_seconds,
            p99_seconds,
            max_seconds: seconds(longest.into()),
        })
    }

    /// The same as the other sources have it.
    pub(crate) fn durations(&self) -> Option<Durations> {
        let summary = self.summary()?;
        let mut durations = Durations::default();
        durations.count = summary.count;
        durations.p50_seconds = Some(summary.p50_seconds);
        durations.p95_seconds = Some(summary.p95_seconds);
        durations.p99_seconds = Some(summary.p99_seconds);
        Some(durations)
    }

    fn quantiles(&self, longest: u32) -> Option<[f64; 3]> {
        let histogram = self.histogram.as_ref()?;
        // A histogram names the upper end of the values that it does not tell apart.
        let value = |q| histogram.value_at_quantile(q).min(longest.into());
        Some([0.5, 0.95, 0.99].map(|q| seconds(value(q))))
    }
}

fn record(histogram: &mut Option<Histogram<u16>>, microseconds: u32) {
    if histogram.is_none() {
        *histogram = Histogram::new(DIGITS).ok();
    }
    if let Some(histogram) = histogram
        && histogram.record(microseconds.into()).is_err()
    {
        histogram.saturating_record(microseconds.into());
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates at 71 minutes, and a duration is not negative"
)]
fn microseconds(seconds: f64) -> u32 {
    (seconds * 1e6).round() as u32
}

fn seconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn quantiles_are_exact_to_three_digits() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.summary(), None);
        for value in 1..=100 {
            let taken = f64::from(value) * 1e-3;
            latencies.take(at(1_000 + i64::from(value)), Some(taken), 300.0);
        }
        let summary = latencies.summary().unwrap();
        let quantiles = [
            (summary.p50_seconds, 0.050),
            (summary.p95_seconds, 0.095),
            (summary.p99_seconds, 0.099),
        ];
        for (found, expected) in quantiles {
            assert!((found - expected).abs() <= expected * 1e-3, "{found}");
        }
        assert_eq!((summary.count, summary.max_seconds), (100, 0.1));
    }

    #[test]
    fn old_durations_leave_and_a_clock_that_goes_back_leaves_no_future() {
        let mut latencies = Latencies::default();
        latencies.take(at(1_000), Some(1.0), 300.0);
        latencies.take(at(1_301), Some(2.0), 300.0);
        assert_eq!(latencies.summary().unwrap().count, 1);
        latencies.take(at(900), Some(3.0), 300.0);
        let summary = latencies.summary().unwrap();
        assert_eq!((summary.count, summary.p50_seconds), (1, 3.0));
        latencies.take(at(1_300), None, 300.0);
        assert_eq!(latencies.summary(), None, "without a new one they end too");
    }

    #[test]
    fn what_is_no_duration_is_not_taken() {
        let mut latencies = Latencies::default();
        for wrong in [f64::NAN, f64::INFINITY, -1.0] {
            latencies.take(at(1_000), Some(wrong), 300.0);
        }
        assert_eq!(latencies.summary(), None);
        latencies.take(at(1_000), Some(1e300), 300.0);
        assert!(latencies.summary().unwrap().p50_seconds.is_finite());
    }
}
