//! The samples of one number of one subject, as far as a window reaches.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Aggregate, in_words};

/// Slots of a window, in each of which one sample is kept: an hour has one for each cycle at the default interval of 5 s.
const POINTS_MAX: u32 = 720;

/// Samples that stand still for more intervals than this have stopped.
const MISSED_INTERVALS: f64 = 2.5;

#[derive(Debug, Default)]
pub(super) struct Series {
    /// Oldest first.
    points: VecDeque<(Timestamp, f64)>,
}

/// What a window amounts to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Aggregated {
    pub(super) value: f64,
    pub(super) samples: usize,
    pub(super) newest_at: Timestamp,
}

impl Series {
    /// Takes a sample, which is the newest: what is later, from before the clock was set back, is forgotten.
    pub(super) fn push(&mut self, at: Timestamp, value: f64, window: Duration, by: Aggregate) {
        self.points.retain(|(earlier, _)| *earlier < at);
        if by == Aggregate::Last {
            self.points.clear();
        }
        let crowded = |newest: Timestamp| slot(newest, window) == slot(at, window);
        match self.points.back_mut() {
            Some(newest) if crowded(newest.0) => *newest = (at, together(newest.1, value, by)),
            _ => self.points.push_back((at, value)),
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.points.len()
    }

    /// Forgets what has left the window.
    pub(super) fn trim(&mut self, now: Timestamp, window: Duration) {
        if window > Duration::ZERO {
            self.points.retain(|(at, _)| age(*at, now) < window);
        }
    }

    /// What the window amounts to now, or why that is not known.
    pub(super) fn aggregated(
        &self,
        now: Timestamp,
        interval: Duration,
        window: Duration,
        by: Aggregate,
    ) -> Result<Aggregated, String> {
        let Some((newest_at, _)) = self.points.back().copied() else {
            return Err("there is no sample of it yet".to_owned());
        };
        if age(newest_at, now) > interval.mul_f64(MISSED_INTERVALS) {
            return Err(format!("its samples stopped at {newest_at}"));
        }
        self.check_filled(interval, window)?;
        let (first, _) = self.points[0];
        let since = |at: Timestamp| age(first, at).as_secs_f64();
        let samples: Vec<_> = self
            .points
            .iter()
            .map(|(at, it)| (since(*at), *it))
            .collect();
        let value = by.of(&samples).ok_or_else(|| {
            format!(
                "a window of {} holds one sample, and a {by} needs two; make it longer",
                in_words(window)
            )
        })?;
        Ok(Aggregated {
            value,
            samples: samples.len(),
            newest_at,
        })
    }

    /// Half a window says something about the whole, less does not.
    fn check_filled(&self, interval: Duration, window: Duration) -> Result<(), String> {
        let step = interval.max(window / POINTS_MAX);
        let filled = step.saturating_mul(u32::try_from(self.points.len()).unwrap_or(u32::MAX));
        if filled.saturating_mul(2) < window {
            return Err(format!(
                "samples fill only {} of the window of {}",
                in_words(filled),
                in_words(window)
            ));
        }
        Ok(())
    }
}

/// The sample that stands for two of one slot.
fn together(first: f64, second: f64, by: Aggregate) -> f64 {
    match by {
        Aggregate::Max => first.max(second),
        Aggregate::Min => first.min(second),
        // The growth up to the second holds that up to the first.
        Aggregate::Rate | Aggregate::Last => second,
        // One of many stands for those beside it.
        Aggregate::Mean | Aggregate::Quantile(_) => first,
    }
}

/// Which slot of time a sample falls into; each sample into one of its own where there is no window.
fn slot(at: Timestamp, window: Duration) -> i128 {
    let width = i128::try_from((window / POINTS_MAX).as_nanos()).unwrap_or(i128::MAX);
    at.as_nanosecond().div_euclid(width.max(1))
}

/// How much later `now` is; zero where it is not.
fn age(at: Timestamp, now: Timestamp) -> Duration {
    let age: SignedDuration = now.duration_since(at);
    Duration::try_from(age).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A window of 720 s with a sample in each second and half second.
    fn crowded(by: Aggregate) -> Series {
        let mut series = Series::default();
        for half in 0..1_440_i64 {
            let at = Timestamp::from_millisecond(half * 500).unwrap();
            series.push(at, half as f64, WINDOW, by);
        }
        series
    }

    const WINDOW: Duration = Duration::from_mins(12);

    fn value(by: Aggregate) -> f64 {
        let series = crowded(by);
        assert!(series.len() <= 722, "{}", series.len());
        let now = Timestamp::from_millisecond(719_500).unwrap();
        let half = Duration::from_millis(500);
        series.aggregated(now, half, WINDOW, by).unwrap().value
    }

    #[test]
    fn what_stands_close_becomes_one_without_losing_the_extremes_or_the_growth() {
        assert!(value(Aggregate::Max) > 1_438.0);
        assert!(value(Aggregate::Min) < 1.0);
        assert!((value(Aggregate::Rate) - 2.0).abs() < 1e-9);
        assert!((value(Aggregate::Mean) - 719.5).abs() < 5.0);
        assert!((value(Aggregate::Quantile(0.5)) - 719.5).abs() < 5.0);
    }
}
