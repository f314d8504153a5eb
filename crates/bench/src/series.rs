//! What each second brought, and the counts that a progress bar shows.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::failover::{BINS, EventKind, Gap, gaps};
use crate::histogram::Latencies;
use crate::load::{Load, Until};

/// Seconds whose latencies are kept open for threads that are late; older ones only count on.
const OPEN_SECONDS: usize = 5;

/// Seconds of which whole histograms are kept where that is asked for; what comes later goes to the last.
const KEPT_SECONDS_MAX: u64 = 600;

/// Digits of the latencies of a second.
const DIGITS: u8 = 2;

/// One second of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkSecond))]
#[non_exhaustive]
pub struct Second {
    /// Seconds since the measurement began.
    pub second: u64,
    /// Requests that were answered in it.
    pub succeeded: u64,
    /// Requests that failed in it.
    pub failed: u64,
    /// Median of the latencies in seconds; `None` where nothing was answered.
    pub p50_seconds: Option<f64>,
    /// p99 of the latencies in seconds.
    pub p99_seconds: Option<f64>,
    /// The longest latency in seconds.
    pub max_seconds: Option<f64>,
    /// What happened to the cluster in it, by the kind of the event.
    #[serde(default)]
    pub events: Vec<EventKind>,
}

/// The second that goes on, in one thread.
#[derive(Debug)]
pub struct OpenSecond {
    pub(crate) number: u64,
    succeeded: u64,
    failed: u64,
    latencies: Latencies,
    /// One bit for each 10 ms in which something was answered.
    answered: u128,
}

impl Default for OpenSecond {
    fn default() -> Self {
        Self {
            number: 0,
            succeeded: 0,
            failed: 0,
            latencies: Latencies::with_digits(DIGITS),
            answered: 0,
        }
    }
}

impl OpenSecond {
    /// Something was answered so long after the beginning of the second.
    pub(crate) fn succeeded(&mut self, latency: Duration, into: Duration) {
        self.succeeded += 1;
        self.latencies.record(latency);
        self.answered |= 1 << (into.subsec_nanos() / (1_000_000_000 / BINS));
    }

    pub(crate) fn failed(&mut self) {
        self.failed += 1;
    }

    fn add(&mut self, other: &Self) {
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.latencies.add(&other.latencies);
        self.answered |= other.answered;
    }

    fn closed(&self) -> Second {
        Second {
            second: self.number,
            succeeded: self.succeeded,
            failed: self.failed,
            p50_seconds: self.latencies.quantile_seconds(0.5),
            p99_seconds: self.latencies.quantile_seconds(0.99),
            max_seconds: self.latencies.max_seconds(),
            events: Vec::new(),
        }
    }
}

/// Where all threads hand over their seconds, and a progress bar looks.
#[derive(Debug, Default)]
pub struct SecondsBoard {
    seconds: Mutex<Seconds>,
    window: watch::Sender<Option<Window>>,
}

/// The time of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// Its beginning.
    pub(crate) from: Instant,
    /// Its planned end; `None` where it ends by the number of requests.
    pub(crate) to: Option<Instant>,
}

#[derive(Debug, Default)]
struct Seconds {
    open: BTreeMap<u64, OpenSecond>,
    closed: BTreeMap<u64, Second>,
    /// Of the seconds in which something was answered: in which of its bins.
    answered: BTreeMap<u64, u128>,
    succeeded: u64,
    failed: u64,
    /// Latencies second by second, where they are to be kept.
    kept: Option<BTreeMap<u64, Latencies>>,
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Requests that were answered, up to the last whole second.
    pub succeeded: u64,
    /// Requests that failed.
    pub failed: u64,
    /// The last whole second; `None` before there is one.
    pub latest: Option<Second>,
}

impl SecondsBoard {
    /// An engine tells it when its load begins, the warm-up first: whoever watches the cluster begins with it.
    pub fn begins(&self, load: &Load, begin: Instant) {
        let from = begin + load.warmup();
        let to = match load.until {
            Until::Operations(_) => None,
            Until::Seconds(seconds) => {
                Some(from + Duration::try_from_secs_f64(seconds).unwrap_or_default())
            }
        };
        self.window.send_replace(Some(Window { from, to }));
    }

    /// The time of the measurement; `None` before it is known.
    pub(crate) fn window(&self) -> Option<Window> {
        *self.window.borrow()
    }

    /// Waits until the time of the measurement is known.
    pub(crate) async fn begun(&self) -> Window {
        let mut told = self.window.subscribe();
        loop {
            if let Some(window) = *told.borrow_and_update() {
                return window;
            }
            // The sender lives as long as the board.
            if told.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Takes over what a second brought, and leaves an empty one of this number.
    pub(crate) fn take(&self, second: &mut OpenSecond, next: u64) {
        let taken = std::mem::take(second);
        second.number = next;
        if taken.succeeded + taken.failed == 0 {
            return;
        }
        let mut seconds = self.lock();
        seconds.succeeded += taken.succeeded;
        seconds.failed += taken.failed;
        if let Some(kept) = &mut seconds.kept {
            let place = kept.entry(taken.number.min(KEPT_SECONDS_MAX));
            place
                .or_insert_with(|| Latencies::with_digits(DIGITS))
                .add(&taken.latencies);
        }
        if taken.answered != 0 {
            *seconds.answered.entry(taken.number).or_default() |= taken.answered;
        }
        if let Some(closed) = seconds.closed.get_mut(&taken.number) {
            closed.succeeded += taken.succeeded;
            closed.failed += taken.failed;
            let later = taken.latencies.max_seconds();
            closed.max_seconds = [closed.max_seconds, later]
                .into_iter()
                .flatten()
                .reduce(f64::max);
            return;
        }
        match seconds.open.get_mut(&taken.number) {
            Some(open) => open.add(&taken),
            None => {
                seconds.open.insert(taken.number, taken);
            }
        }
        while seconds.open.len() > OPEN_SECONDS {
            seconds.close_first();
        }
    }

    /// How far the run is.
    pub fn progress(&self) -> Progress {
        let seconds = self.lock();
        // The newest may still grow.
        let latest = seconds.open.values().rev().nth(1).map(OpenSecond::closed);
        Progress {
            succeeded: seconds.succeeded,
            failed: seconds.failed,
            latest: latest.or_else(|| seconds.closed.values().next_back().cloned()),
        }
    }

    /// Keeps the histograms of the seconds from now on, some 20 kB for each of up to 600.
    pub fn keep_latencies(&self) {
        self.lock().kept.get_or_insert_default();
    }

    /// The latencies of each second, by its number, to two digits; empty where they were not to be kept.
    pub fn latencies(&self) -> BTreeMap<u64, Latencies> {
        self.lock().kept.clone().unwrap_or_default()
    }

    /// All seconds, those in which nothing was answered included.
    pub fn seconds(&self) -> Vec<Second> {
        let mut seconds = self.lock();
        while !seconds.open.is_empty() {
            seconds.close_first();
        }
        let last = seconds.closed.keys().next_back().copied();
        let all = last.map_or(0..0, |last| 0..last + 1);
        let of = |number| {
            let known = seconds.closed.get(&number).cloned();
            known.unwrap_or(Second {
                second: number,
                ..Second::default()
            })
        };
        all.map(of).collect()
    }

    /// The times in which nothing was answered.
    pub(crate) fn gaps(&self, window_seconds: f64) -> Vec<Gap> {
        gaps(&self.lock().answered, window_seconds)
    }

    fn lock(&self) -> MutexGuard<'_, Seconds> {
        // Counts that are half added do no harm beyond themselves.
        self.seconds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seconds {
    fn close_first(&mut self) {
        if let Some((number, second)) = self.open.pop_first() {
            self.closed.insert(number, second.closed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(number: u64, succeeded: u64) -> OpenSecond {
        let mut second = OpenSecond {
            number,
            ..OpenSecond::default()
        };
        for _ in 0..succeeded {
            second.succeeded(
                Duration::from_millis(number + 1),
                Duration::from_millis(995),
            );
        }
        second
    }

    #[test]
    fn seconds_of_threads_are_one_and_quiet_ones_are_not_left_out() {
        let board = SecondsBoard::default();
        for number in [0, 0, 2] {
            board.take(&mut second(number, 3), 9);
        }
        assert!(board.latencies().is_empty());
        let seconds = board.seconds();
        let counts: Vec<u64> = seconds.iter().map(|second| second.succeeded).collect();
        assert_eq!(counts, [6, 0, 3]);
        assert_eq!(seconds[1].p50_seconds, None);
        let gaps = board.gaps(3.0);
        let gaps: Vec<_> = gaps
            .iter()
            .map(|gap| (gap.from_seconds, gap.to_seconds))
            .collect();
        assert_eq!(gaps, [(0.0, 0.99), (1.0, 2.99)]);
        assert!((seconds[2].p99_seconds.unwrap() - 3e-3).abs() < 1e-4);
    }

    #[test]
    fn a_thread_that_is_late_still_counts() {
        let board = SecondsBoard::default();
        board.keep_latencies();
        for number in 0..20 {
            board.take(&mut second(number, 1), number + 1);
        }
        board.take(&mut second(3, 5), 20);
        assert_eq!(board.seconds()[3].succeeded, 6);
        assert_eq!(board.progress().succeeded, 25);
        let kept = board.latencies();
        assert_eq!((kept.len(), kept[&3].count(), kept[&4].count()), (20, 6, 1));
    }
}
