//! What happened to the service meanwhile: changes of the leader, members that fell silent, times without any answer, and how
//! long it took until the latency was back.

mod events;
mod gaps;

use serde::{Deserialize, Serialize};

pub(crate) use events::events;
pub use events::{Event, EventKind};
pub(crate) use gaps::{BINS, gaps};

use crate::series::Second;

/// A time without any answer is an outage from here on...
const OUTAGE_SECONDS: f64 = 0.25;

/// ...if it is also so many times as long as the mean time between two answers.
const OUTAGE_SPACINGS: f64 = 10.0;

/// Outages that are told; a run with more has told its story.
const OUTAGES_MAX: usize = 100;

/// Seconds before an outage whose p99 is the level to which it has to come back: their median.
const LEVEL_SECONDS: usize = 30;

/// The p99 is back at its level below so many times of it.
const BACK_AT: f64 = 1.5;

/// A time in which no request was answered, to 10 ms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkGap))]
#[non_exhaustive]
pub struct Gap {
    /// Its beginning, in seconds from that of the measurement: the last answer before it.
    pub from_seconds: f64,
    /// The first answer after it, or the end of the measurement.
    pub to_seconds: f64,
    /// True if the measurement ended before there was an answer.
    pub is_open: bool,
}

impl Gap {
    /// How long it was.
    pub fn seconds(&self) -> f64 {
        self.to_seconds - self.from_seconds
    }
}

/// A time without service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkOutage))]
#[non_exhaustive]
pub struct Outage {
    /// When.
    pub gap: Gap,
    /// p99 before it: the median of the seconds before.
    pub p99_before_seconds: Option<f64>,
    /// From its beginning to the first second whose p99, and that of the next, was back at that level; `None` where it never
    /// was, or where nothing was measured before.
    pub recovered_after_seconds: Option<f64>,
}

/// What happened to the service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkFailover))]
#[non_exhaustive]
pub struct Failover {
    /// Changes of the leader and of members, in the order of time.
    pub events: Vec<Event>,
    /// The longest time without an answer.
    pub longest_gap: Option<Gap>,
    /// The times without service: gaps of 0.25 s or more that are also ten times as long as the mean time between answers.
    pub outages: Vec<Outage>,
}

impl Failover {
    pub(crate) fn new(
        events: Vec<Event>,
        gaps: &[Gap],
        seconds: &[Second],
        window_seconds: f64,
    ) -> Self {
        let longest = |one: &&Gap, other: &&Gap| one.seconds().total_cmp(&other.seconds());
        let answers: u64 = seconds.iter().map(|second| second.succeeded).sum();
        let spacing = window_seconds / answers.max(1) as f64;
        let least = OUTAGE_SECONDS.max(OUTAGE_SPACINGS * spacing);
        let outages = gaps.iter().filter(|gap| gap.seconds() >= least);
        Self {
            events,
            longest_gap: gaps.iter().max_by(longest).copied(),
            outages: outages
                .take(OUTAGES_MAX)
                .map(|gap| outage(*gap, seconds))
                .collect(),
        }
    }

    /// All times without service together.
    pub fn outage_seconds(&self) -> f64 {
        self.outages.iter().map(|outage| outage.gap.seconds()).sum()
    }
}

fn outage(gap: Gap, seconds: &[Second]) -> Outage {
    let before = seconds
        .iter()
        .filter(|second| (second.second + 1) as f64 <= gap.from_seconds);
    let mut level: Vec<f64> = before.filter_map(|second| second.p99_seconds).collect();
    level.drain(..level.len().saturating_sub(LEVEL_SECONDS));
    level.sort_by(f64::total_cmp);
    let p99_before = level.get(level.len() / 2).copied();
    Outage {
        gap,
        p99_before_seconds: p99_before,
        recovered_after_seconds: p99_before.and_then(|level| recovered_after(gap, level, seconds)),
    }
}

fn recovered_after(gap: Gap, level: f64, seconds: &[Second]) -> Option<f64> {
    let is_back = |second: &Second| second.p99_seconds.is_some_and(|p99| p99 <= BACK_AT * level);
    let mut after = seconds
        .iter()
        .skip_while(|second| (second.second as f64) < gap.to_seconds)
        .peekable();
    while let Some(second) = after.next() {
        if is_back(second) && after.peek().is_none_or(|next| is_back(next)) {
            return Some(second.second as f64 - gap.from_seconds);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(number: u64, succeeded: u64, p99: f64) -> Second {
        Second {
            second: number,
            succeeded,
            p99_seconds: (succeeded > 0).then_some(p99),
            ..Second::default()
        }
    }

    fn gap(from_seconds: f64, to_seconds: f64) -> Gap {
        Gap {
            from_seconds,
            to_seconds,
            is_open: false,
        }
    }

    #[test]
    fn an_outage_has_a_level_before_and_a_time_until_it_is_back() {
        let p99s = [
            (100, 0.002),
            (100, 0.003),
            (0, 0.0),
            (100, 0.9),
            (100, 0.004),
            (100, 0.2),
            (100, 0.004),
            (100, 0.003),
        ];
        let seconds: Vec<Second> = (0..)
            .zip(p99s)
            .map(|(number, (succeeded, p99))| second(number, succeeded, p99))
            .collect();
        let gaps = [gap(0.5, 0.6), gap(2.0, 3.2)];
        let failover = Failover::new(Vec::new(), &gaps, &seconds, 8.0);
        assert_eq!(failover.longest_gap, Some(gaps[1]));
        assert_eq!(failover.outages.len(), 1);
        let outage = &failover.outages[0];
        assert_eq!(outage.p99_before_seconds, Some(0.003));
        // Second 4 is back, and 5 is not.
        assert_eq!(outage.recovered_after_seconds, Some(4.0));
        assert!((failover.outage_seconds() - 1.2).abs() < 1e-9);
    }

    #[test]
    fn without_a_before_nobody_knows_when_it_was_back() {
        let seconds = [second(0, 0, 0.0), second(1, 50, 0.001)];
        let failover = Failover::new(Vec::new(), &[gap(0.0, 1.0)], &seconds, 2.0);
        assert_eq!(failover.outages[0].recovered_after_seconds, None);
    }

    #[test]
    fn a_slow_load_has_gaps_and_no_outages() {
        let seconds = [second(0, 1, 0.9), second(1, 1, 0.9)];
        let failover = Failover::new(Vec::new(), &[gap(0.1, 1.0)], &seconds, 2.0);
        assert_eq!(failover.outages, []);
        assert!(failover.longest_gap.is_some());
    }
}
