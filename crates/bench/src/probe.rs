//! One rate, tried: a short open loop, and what it shows second by second.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::benchmark::{Benchmark, Phase, Watcher};
use crate::error::BenchError;
use crate::histogram::Latencies;
use crate::load::{Arrivals, CLIENTS_MAX, Load, Rate, Until};
use crate::report::Report;
use crate::series::SecondsBoard;

/// Clients for each request that is in flight on average at the latency that is looked for: a probe must not be limited by them.
const CLIENTS_FOR_EACH_IN_FLIGHT: f64 = 4.0;

/// One rate, and how long it is tried.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ProbePlan {
    /// Requests in a second.
    pub rate_per_second: f64,
    /// How long is measured.
    pub seconds: f64,
    /// Time before that is not.
    pub settle_seconds: f64,
}

impl ProbePlan {
    /// So many requests a second for so long, after two seconds that are not measured.
    pub fn new(rate_per_second: f64, seconds: f64) -> Self {
        Self {
            rate_per_second,
            seconds,
            settle_seconds: 2.0,
        }
    }

    /// How long it takes at least.
    pub fn whole_seconds(&self) -> f64 {
        self.seconds + self.settle_seconds
    }
}

/// What a rate brought.
pub(crate) struct Probed {
    pub(crate) report: Report,
    /// Second by second.
    pub(crate) latencies: BTreeMap<u64, Latencies>,
}

/// Tries one rate. At least as many clients ask as this latency keeps in flight at it, four times over.
pub(crate) async fn probe(
    benchmark: &mut Benchmark,
    plan: &ProbePlan,
    latency_seconds: f64,
    watcher: &dyn Watcher,
    stop: &CancellationToken,
) -> Result<Probed, BenchError> {
    let asked = benchmark.load.clone();
    benchmark.load = load(&asked, plan, latency_seconds);
    let keeping = Keeping {
        watcher,
        board: Mutex::default(),
    };
    let report = benchmark.run(&keeping, stop).await;
    benchmark.load = asked;
    let board = keeping.board.into_inner();
    let board = board.unwrap_or_else(PoisonError::into_inner);
    Ok(Probed {
        report: report?,
        latencies: board.map(|board| board.latencies()).unwrap_or_default(),
    })
}

fn load(asked: &Load, plan: &ProbePlan, latency_seconds: f64) -> Load {
    let in_flight = plan.rate_per_second * latency_seconds;
    let needed = (CLIENTS_FOR_EACH_IN_FLIGHT * in_flight).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is held within what there can be"
    )]
    let needed = needed.clamp(1.0, f64::from(CLIENTS_MAX)) as u32;
    Load {
        clients: asked.clients.max(needed),
        until: Until::Seconds(plan.seconds),
        rate: Some(Rate {
            per_second: plan.rate_per_second,
            arrivals: asked.rate.map_or(Arrivals::Uniform, |rate| rate.arrivals),
        }),
        warmup_seconds: plan.settle_seconds,
        ..asked.clone()
    }
}

/// Has the board of the measurement keep its latencies.
struct Keeping<'a> {
    watcher: &'a dyn Watcher,
    board: Mutex<Option<Arc<SecondsBoard>>>,
}

impl Watcher for Keeping<'_> {
    fn begins(&self, phase: Phase, board: &Arc<SecondsBoard>) {
        if phase == Phase::Measuring {
            board.keep_latencies();
            let mut kept = self.board.lock().unwrap_or_else(PoisonError::into_inner);
            *kept = Some(Arc::clone(board));
        }
        self.watcher.begins(phase, board);
    }
}

impl Probed {
    /// The latencies of all kinds of request together.
    pub(crate) fn responses(&self) -> Latencies {
        let mut all = Latencies::default();
        for tally in self.report.recording.tallies.values() {
            all.add(&tally.response);
        }
        all
    }

    /// Whole seconds that were measured.
    pub(crate) fn whole_seconds(&self) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a time of measurement, in seconds"
        )]
        let seconds = self.report.window_seconds.max(0.0) as u64;
        seconds
    }

    /// The measured time in so many parts (fewer where it has fewer whole seconds); answers that came after it are in the last.
    pub(crate) fn windows(&self, count: u64) -> Vec<Latencies> {
        let seconds = self.whole_seconds().max(1);
        let count = count.min(seconds).max(1);
        let mut windows = BTreeMap::new();
        for window in 0..count {
            windows.insert(window, Latencies::with_digits(2));
        }
        for (second, latencies) in &self.latencies {
            let window = second * count / seconds;
            if let Some(place) = windows.get_mut(&window.min(count - 1)) {
                place.add(latencies);
            }
        }
        windows.into_values().collect()
    }

    /// By how many requests a second the backlog grows: the slope of what was due and not done, over the whole seconds. `None`
    /// where there are fewer than three.
    pub(crate) fn backlog_per_second(&self, rate_per_second: f64) -> Option<f64> {
        let whole = self.whole_seconds();
        let mut backlog = 0.0;
        let mut points = Vec::new();
        for second in &self.report.seconds {
            if second.second < whole {
                backlog += rate_per_second - (second.succeeded + second.failed) as f64;
                points.push((second.second as f64, backlog));
            }
        }
        (points.len() >= 3).then(|| slope(&points))
    }
}

/// The slope of the line that lies closest to the points.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let together: f64 = points
        .iter()
        .map(|(x, y)| (x - mean_x) * (y - mean_y))
        .sum();
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    if spread > 0.0 { together / spread } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::sample::report;

    fn probed(per_second: &[u64]) -> Probed {
        let report = report(0, per_second, 4.0);
        let of = |second: u64| {
            let mut latencies = Latencies::with_digits(2);
            latencies.record(Duration::from_millis(second + 1));
            (second, latencies)
        };
        let latencies = (0..=per_second.len() as u64).map(of).collect();
        Probed { report, latencies }
    }

    #[test]
    fn a_backlog_that_grows_has_a_slope() {
        let steady = probed(&[100; 10]).backlog_per_second(100.0).unwrap();
        assert!(steady.abs() < 1e-9, "{steady}");
        let growing = probed(&[90; 10]).backlog_per_second(100.0).unwrap();
        assert!((growing - 10.0).abs() < 1e-9, "{growing}");
        // A standstill that is made up for is no growth of half its size.
        let once = probed(&[100, 100, 0, 200, 100, 100, 100]);
        assert!(once.backlog_per_second(100.0).unwrap().abs() < 10.0);
        assert_eq!(probed(&[100; 2]).backlog_per_second(100.0), None);
    }

    #[test]
    fn windows_share_the_seconds_and_the_last_has_what_is_late() {
        let counts = |probed: &Probed, count| -> Vec<u64> {
            probed.windows(count).iter().map(Latencies::count).collect()
        };
        assert_eq!(counts(&probed(&[1; 9]), 3), [3, 3, 4]);
        assert_eq!(counts(&probed(&[1; 10]), 3), [4, 3, 4]);
        assert_eq!(counts(&probed(&[1; 2]), 3), [1, 2]);
        assert_eq!(counts(&probed(&[1; 1]), 3), [2]);
    }

    #[test]
    fn what_is_due_at_the_very_end_is_not_lost() {
        let unsent_share = |unsent, dropped| {
            let mut probed = probed(&[100; 10]);
            probed.report.unsent = unsent;
            probed.report.dropped = dropped;
            crate::slo::ProbeFigures::of(&probed, 100.0).unsent_share
        };
        // In 10 ms one or two are due.
        assert!(unsent_share(2, 0) < 1e-9);
        assert!((unsent_share(12, 0) - 10.0 / 1_010.0).abs() < 1e-9);
        assert!((unsent_share(0, 10) - 10.0 / 1_010.0).abs() < 1e-9);
    }

    #[test]
    fn clients_never_limit_a_probe() {
        let mut asked = Load::new(Until::Operations(1));
        asked.clients = 7;
        let plan = ProbePlan::new(10_000.0, 5.0);
        assert_eq!(load(&asked, &plan, 0.01).clients, 400);
        assert_eq!(load(&asked, &plan, 1e-6).clients, 7);
        assert_eq!(load(&asked, &plan, 1e6).clients, CLIENTS_MAX);
    }
}
