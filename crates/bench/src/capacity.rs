//! Latency against rate: what more load costs, and where it begins to cost much.

mod html;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::benchmark::{Benchmark, Phase, Watcher};
use crate::error::BenchError;
use crate::histogram::Latencies;
use crate::probe::{ProbePlan, Probed, probe};
use crate::series::SecondsBoard;
use crate::slo::{Percentile, ProbeFigures};
use crate::statistics::{block_length, block_resamples, knee, quantile};

/// Rates of one curve at most.
pub const CURVE_RATES_MAX: usize = 200;

/// Resamples of an interval: each puts histograms together.
const RESAMPLES: usize = 500;

/// Whole seconds from which on a point has intervals.
const SECONDS_LEAST: usize = 10;

/// A curve ends after so many rates in a row that the cluster did not keep up with: further ones only queue longer.
const SATURATED_MAX: usize = 2;

/// Clients are enough for this latency at each rate.
const LATENCY_SECONDS: f64 = 0.1;

/// What stands for which percentile of a point.
const PERCENTILES: [Percentile; 3] = [Percentile::P50, Percentile::P99, Percentile::P999];

/// A latency with its 95 % interval, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LatencyPoint {
    /// The latency; `None` where too little was measured.
    pub seconds: Option<f64>,
    /// Lower end of its interval; `None` below ten whole seconds.
    pub low_seconds: Option<f64>,
    /// Upper end of its interval.
    pub high_seconds: Option<f64>,
}

/// One rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CapacityPoint {
    /// Requests in a second that were due.
    pub rate_per_second: f64,
    /// Median of the responses.
    pub p50: LatencyPoint,
    /// p99 of them.
    pub p99: LatencyPoint,
    /// p99.9 of them.
    pub p99_9: LatencyPoint,
    /// What else was found.
    pub figures: ProbeFigures,
    /// True where the cluster did not keep up: the backlog grew, or more than 0.1 % were never sent or failed.
    pub is_saturated: bool,
}

/// A curve. The names of its JSON are promises: fields may be added, never renamed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CapacityReport {
    /// Version of this document.
    pub format: u32,
    /// The workload.
    pub workload: String,
    /// The endpoints that were asked.
    pub endpoints: Vec<String>,
    /// How long each rate was measured, in seconds.
    pub probe_seconds: f64,
    /// The points, in order of their rates.
    pub points: Vec<CapacityPoint>,
    /// The rate above which the p99 rises steeply (Kneedle); `None` where none stands out.
    pub knee_per_second: Option<f64>,
    /// Why it ended early; `None` where all rates were tried.
    pub ended_early: Option<String>,
    /// What makes it doubtful.
    pub doubts: Vec<String>,
}

/// The version of the document.
const FORMAT: u32 = 1;

/// Hears how far a curve is; each probe is told as any other benchmark.
pub trait CurveWatcher: Watcher {
    /// A rate was measured.
    fn measured(&self, point: &CapacityPoint);
}

/// Nobody watches.
impl CurveWatcher for () {
    fn measured(&self, _point: &CapacityPoint) {}
}

/// Measures the load of `benchmark` at each of the rates, from the lowest on, for so many seconds each after `settle_seconds`; its own
/// rate and time do not count. Ends after two rates in a row that the cluster did not keep up with.
///
/// Fails where there are no rates or too many, or the first does not begin.
pub async fn capacity_curve(
    benchmark: &mut Benchmark,
    rates: &[f64],
    probe_seconds: f64,
    settle_seconds: f64,
    watcher: &dyn CurveWatcher,
    stop: &CancellationToken,
) -> Result<CapacityReport, BenchError> {
    let rates = sorted(rates)?;
    let mut points: Vec<CapacityPoint> = Vec::new();
    let mut ended_early = None;
    for rate in rates {
        if stop.is_cancelled() && !points.is_empty() {
            ended_early = Some("stopped".to_owned());
            break;
        }
        let plan = ProbePlan {
            rate_per_second: rate,
            seconds: probe_seconds,
            settle_seconds,
        };
        let probed = probe(benchmark, &plan, LATENCY_SECONDS, &Told(watcher), stop).await;
        let probed = match probed {
            Ok(probed) => probed,
            Err(error) if points.is_empty() => return Err(error),
            Err(error) => {
                ended_early = Some(format!("at {rate}/s: {error}"));
                break;
            }
        };
        if let Some(why) = &probed.report.ended_early {
            ended_early = Some(format!("at {rate}/s: {why}"));
            break;
        }
        let point = CapacityPoint::of(&probed, &plan);
        watcher.measured(&point);
        points.push(point);
        let at_the_end = points.iter().rev().take(SATURATED_MAX);
        if at_the_end.filter(|point| point.is_saturated).count() == SATURATED_MAX {
            ended_early = Some(format!(
                "the cluster did not keep up with the last {SATURATED_MAX} rates"
            ));
            break;
        }
    }
    Ok(CapacityReport::of(
        benchmark,
        probe_seconds,
        points,
        ended_early,
    ))
}

fn sorted(rates: &[f64]) -> Result<Vec<f64>, BenchError> {
    let mut rates = rates.to_vec();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    if (1..=CURVE_RATES_MAX).contains(&rates.len()) {
        return Ok(rates);
    }
    Err(BenchError::BadPlan {
        name: "rates",
        reason: format!("{} are not between 1 and {CURVE_RATES_MAX}", rates.len()),
    })
}

impl CapacityPoint {
    fn of(probed: &Probed, plan: &ProbePlan) -> Self {
        let rate = plan.rate_per_second;
        let figures = ProbeFigures::of(probed, rate);
        let intervals = intervals(&probed.latencies, probed.whole_seconds());
        let point = |percentile: Percentile| {
            let interval = intervals.get(percentile.as_str()).copied();
            let seconds = figures.at(percentile);
            LatencyPoint {
                seconds,
                low_seconds: interval.filter(|_| seconds.is_some()).map(|ends| ends.0),
                high_seconds: interval.filter(|_| seconds.is_some()).map(|ends| ends.1),
            }
        };
        Self {
            rate_per_second: rate,
            p50: point(Percentile::P50),
            p99: point(Percentile::P99),
            p99_9: point(Percentile::P999),
            is_saturated: figures.samples == 0
                || figures.is_backlog_growing(rate, plan.seconds)
                || figures.unsent_share > 0.001
                || figures.failed_share > 0.001,
            figures,
        }
    }
}

/// 95 % intervals of the percentiles, by their name: a bootstrap over blocks of neighbouring seconds, whose histograms are put
/// together anew.
fn intervals(
    latencies: &BTreeMap<u64, Latencies>,
    whole_seconds: u64,
) -> BTreeMap<&'static str, (f64, f64)> {
    let seconds: Vec<&Latencies> = latencies
        .iter()
        .filter(|(second, _)| **second < whole_seconds)
        .map(|(_, latencies)| latencies)
        .collect();
    if seconds.len() < SECONDS_LEAST {
        return BTreeMap::new();
    }
    let of_seconds: Vec<f64> = seconds
        .iter()
        .map(|latencies| latencies.quantile_seconds(0.99).unwrap_or(0.0))
        .collect();
    let length = block_length(&of_seconds);
    let mut found: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
    for drawn in block_resamples(seconds.len(), length, RESAMPLES, 1) {
        let mut together = Latencies::with_digits(2);
        for index in drawn {
            if let Some(latencies) = seconds.get(index) {
                together.add(latencies);
            }
        }
        for percentile in PERCENTILES {
            let at = together.quantile_seconds(percentile.share());
            found.entry(percentile.as_str()).or_default().extend(at);
        }
    }
    let ends = |(name, mut values): (&'static str, Vec<f64>)| {
        values.sort_by(f64::total_cmp);
        Some((name, (quantile(&values, 0.025)?, quantile(&values, 0.975)?)))
    };
    found.into_iter().filter_map(ends).collect()
}

impl CapacityReport {
    fn of(
        benchmark: &Benchmark,
        probe_seconds: f64,
        points: Vec<CapacityPoint>,
        ended_early: Option<String>,
    ) -> Self {
        // What the generator could not ask says nothing of the cluster.
        let curve: Vec<(f64, f64)> = points
            .iter()
            .filter(|point| !point.figures.is_generator_late)
            .filter_map(|point| Some((point.rate_per_second, point.p99.seconds?)))
            .collect();
        let knee = knee(&curve).and_then(|index| curve.get(index));
        let late: Vec<String> = points
            .iter()
            .filter(|point| point.figures.is_generator_late)
            .map(|point| format!("{}/s", point.rate_per_second))
            .collect();
        let mut doubts = Vec::new();
        if !late.is_empty() {
            doubts.push(format!(
                "the generator was late at {}: those points say nothing of the cluster",
                late.join(", ")
            ));
        }
        if probe_seconds < SECONDS_LEAST as f64 {
            doubts.push(format!(
                "no intervals: they need {SECONDS_LEAST} whole seconds for each rate"
            ));
        }
        Self {
            format: FORMAT,
            workload: benchmark.workload.name().to_owned(),
            endpoints: benchmark
                .endpoints
                .iter()
                .map(ToString::to_string)
                .collect(),
            probe_seconds,
            knee_per_second: knee.map(|(rate, _)| *rate),
            points,
            ended_early,
            doubts,
        }
    }

    /// The document.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }
}

/// A watcher of a curve, as one of a benchmark.
struct Told<'a>(&'a dyn CurveWatcher);

impl Watcher for Told<'_> {
    fn begins(&self, phase: Phase, board: &Arc<SecondsBoard>) {
        self.0.begins(phase, board);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn intervals_hold_the_latency_and_need_seconds() {
        let second = |number: u64| {
            let mut latencies = Latencies::with_digits(2);
            for micros in 0..1_000 {
                latencies.record(Duration::from_micros(1_000 + micros + 10 * number));
            }
            (number, latencies)
        };
        let seconds: BTreeMap<u64, Latencies> = (0..20).map(second).collect();
        let found = intervals(&seconds, 20);
        let (low, high) = found["p99"];
        assert!(low < high && low > 1.9e-3 && high < 2.2e-3, "{low} {high}");
        let (low, high) = found["p50"];
        assert!(low <= 1.6e-3 && high >= 1.59e-3, "{low} {high}");
        assert_eq!(found, intervals(&seconds, 20));
        assert!(intervals(&seconds, 9).is_empty());
    }

    #[test]
    fn rates_are_sorted_and_some() {
        assert_eq!(sorted(&[3.0, 1.0, 3.0]).unwrap(), [1.0, 3.0]);
        assert!(sorted(&[]).is_err());
        assert!(sorted(&vec![1.0; 300]).is_ok());
        let many: Vec<f64> = (0..300).map(f64::from).collect();
        assert!(sorted(&many).is_err());
    }
}
