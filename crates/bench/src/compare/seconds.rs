//! One run a side: what its seconds say.

use super::judge::{self, Values};
use super::{CompareOptions, LEVEL, MetricComparison, MetricKind};
use crate::report::Report;
use crate::statistics::{Interval, RESAMPLES, block_length, block_resamples, quantile};

/// Whole seconds of a run from which on they are compared.
const SECONDS_LEAST: usize = 10;

/// The metrics of both runs; only the throughput is judged.
pub(super) fn metrics(
    a: &[Report],
    b: &[Report],
    options: &CompareOptions,
    doubts: &mut Vec<String>,
) -> Vec<MetricComparison> {
    let mut metrics: Vec<MetricComparison> = judge::values(a, b, options)
        .into_iter()
        .filter_map(shown)
        .collect();
    let mut throughput = metrics
        .iter_mut()
        .filter(|metric| metric.metric == MetricKind::Throughput);
    if let Some(metric) = throughput.next() {
        match (a.first(), b.first()) {
            (Some(a), Some(b)) => judge_throughput(metric, a, b, options, doubts),
            _ => doubts.push("a side has no run".to_owned()),
        }
    }
    doubts.push(
        "one run a side: percentiles are shown and not judged, since nothing says how they differ from run to run"
            .to_owned(),
    );
    doubts.push(format!(
        "one run a side: what differs from run to run (the leader's place, the disk, what else ran) is in no interval; {} runs of each side are needed for that, `etcd-bench ab` makes them",
        super::RUNS_LEAST
    ));
    metrics
}

fn shown(values: Values) -> Option<MetricComparison> {
    let change = values.b.first()?.ln() - values.a.first()?.ln();
    MetricComparison::new(values, change, None, None, None)
}

fn judge_throughput(
    metric: &mut MetricComparison,
    a: &Report,
    b: &Report,
    options: &CompareOptions,
    doubts: &mut Vec<String>,
) {
    if a.plan.load.rate.is_some() {
        doubts.push(
            "an open loop answers as many as its rate asks for: its throughput only shows whether it kept up"
                .to_owned(),
        );
    }
    let (of_a, of_b) = (whole_seconds(a), whole_seconds(b));
    let least = of_a.len().min(of_b.len());
    if least < SECONDS_LEAST {
        doubts.push(format!(
            "{least} whole seconds are too few to judge the throughput: measure at least {SECONDS_LEAST}"
        ));
        return;
    }
    let (a, b) = (resampled_means(&of_a, 1), resampled_means(&of_b, 2));
    let mut changes: Vec<f64> = a.iter().zip(&b).map(|(a, b)| b.ln() - a.ln()).collect();
    changes.sort_by(f64::total_cmp);
    let ends = (
        quantile(&changes, LEVEL / 2.0),
        quantile(&changes, 1.0 - LEVEL / 2.0),
    );
    let (Some(low), Some(high)) = ends else {
        return;
    };
    let interval = Interval { low, high };
    metric.change_low_share = Some(interval.low.exp_m1());
    metric.change_high_share = Some(interval.high.exp_m1());
    // What an interval of this width excludes 0 for in 8 of 10 cases: (1.96 + 0.84) of its standard deviations.
    metric.detectable_share = Some(((high - low) / 3.92 * 2.80).exp_m1());
    metric.judge(options.threshold_share, low > 0.0 || high < 0.0);
}

/// Answers of each whole second of the measured time.
fn whole_seconds(report: &Report) -> Vec<f64> {
    let whole = report.window_seconds.floor();
    let seconds = report.seconds.iter();
    let within = seconds.filter(|second| (second.second as f64) < whole);
    within.map(|second| second.succeeded as f64).collect()
}

fn resampled_means(series: &[f64], seed: u64) -> Vec<f64> {
    let mean = |drawn: Vec<usize>| {
        let values = drawn.iter().filter_map(|index| series.get(*index));
        values.sum::<f64>() / series.len() as f64
    };
    block_resamples(series.len(), block_length(series), RESAMPLES, seed)
        .into_iter()
        .map(mean)
        .collect()
}
