//! Values of the last minutes, bounded in time and in count.

use std::collections::VecDeque;

use etcd_monitor_model::LatencySummary;
use jiff::Timestamp;

/// Most values kept: five minutes at an interval of 0.3 s; beyond it the oldest leave early.
const VALUES_MAX: usize = 1_000;

/// Timestamped values, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Window<T> {
    values: VecDeque<(Timestamp, T)>,
}

impl<T> Default for Window<T> {
    fn default() -> Self {
        Self {
            values: VecDeque::new(),
        }
    }
}

impl<T> Window<T> {
    /// Adds a value and drops what is older than `keep_seconds`, or lies in the future after the clock went back.
    pub(super) fn push(&mut self, at: Timestamp, value: T, keep_seconds: f64) {
        self.values.retain(|(taken, _)| {
            let age = at.duration_since(*taken).as_secs_f64();
            (0.0..=keep_seconds).contains(&age)
        });
        if self.values.len() == VALUES_MAX {
            self.values.pop_front();
        }
        self.values.push_back((at, value));
    }

    /// The oldest value kept.
    pub(super) fn oldest(&self) -> Option<&T> {
        self.values.front().map(|(_, value)| value)
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.values.clear();
    }
}

impl Window<f64> {
    /// Quantiles by nearest rank; `None` without values.
    pub(super) fn summary(&self) -> Option<LatencySummary> {
        let mut sorted: Vec<f64> = self.values.iter().map(|(_, value)| *value).collect();
        sorted.sort_by(f64::total_cmp);
        let max_seconds = *sorted.last()?;
        Some(LatencySummary {
            count: sorted.len() as u64,
            p50_seconds: nearest_rank(&sorted, 50),
            p95_seconds: nearest_rank(&sorted, 95),
            p99_seconds: nearest_rank(&sorted, 99),
            max_seconds,
        })
    }
}

/// The smallest value that at least `percent` % of the sorted, non-empty values do not exceed.
fn nearest_rank(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted[rank - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn quantiles_are_by_nearest_rank() {
        let mut window = Window::default();
        for value in 1..=100 {
            window.push(at(1_000 + i64::from(value)), f64::from(value), 300.0);
        }
        let summary = window.summary().unwrap();
        assert_eq!(
            (
                summary.p50_seconds,
                summary.p95_seconds,
                summary.p99_seconds
            ),
            (50.0, 95.0, 99.0)
        );
        assert_eq!((summary.count, summary.max_seconds), (100, 100.0));
    }

    #[test]
    fn old_values_leave_and_a_clock_that_goes_back_leaves_no_future() {
        let mut window = Window::default();
        window.push(at(1_000), 1.0, 300.0);
        window.push(at(1_301), 2.0, 300.0);
        assert_eq!(window.summary().unwrap().count, 1);
        window.push(at(900), 3.0, 300.0);
        assert_eq!(window.oldest(), Some(&3.0));
    }
}
