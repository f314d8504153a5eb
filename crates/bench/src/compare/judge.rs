//! Runs of both sides, metric by metric.

use super::{CompareOptions, LEVEL, MetricComparison, MetricKind, MetricVerdict, RUNS_LEAST};
use crate::report::{LatencyFigures, Report};
use crate::request::OperationKind;
use crate::statistics::{
    Interval, detectable_shift, hodges_lehmann, holm, mann_whitney, median, shift_interval,
};

/// What the bootstraps follow from: the same reports give the same comparison.
const SEED: u64 = 1;

/// The metrics that all runs measured, judged together.
pub(super) fn metrics(
    a: &[Report],
    b: &[Report],
    options: &CompareOptions,
    doubts: &mut Vec<String>,
) -> Vec<MetricComparison> {
    let values = values(a, b, options);
    let level = LEVEL / values.len().max(1) as f64;
    let measured = values.into_iter();
    let mut metrics: Vec<MetricComparison> = measured
        .filter_map(|values| measured_of_runs(values, level))
        .collect();
    let p_values: Vec<f64> = metrics.iter().filter_map(|metric| metric.p).collect();
    for (metric, p) in metrics.iter_mut().zip(holm(&p_values)) {
        metric.p_adjusted = Some(p);
        metric.judge(options.threshold_share, p < LEVEL);
    }
    if a.len().min(b.len()) < RUNS_LEAST {
        doubts.push(format!(
            "{} and {} runs are too few: take at least {RUNS_LEAST} of each side",
            a.len(),
            b.len()
        ));
    } else if metrics
        .iter()
        .any(|metric| metric.detectable_share.is_none())
    {
        doubts.push(format!(
            "with {} and {} runs and {} metrics no difference of a single metric can be shown: take more runs, or judge fewer metrics",
            a.len(),
            b.len(),
            metrics.len()
        ));
    }
    metrics
}

/// A metric with the values of all runs of both sides.
pub(super) struct Values {
    pub(super) metric: MetricKind,
    pub(super) operation: Option<OperationKind>,
    pub(super) a: Vec<f64>,
    pub(super) b: Vec<f64>,
}

/// The metrics that are wanted and that every run measured.
pub(super) fn values(a: &[Report], b: &[Report], options: &CompareOptions) -> Vec<Values> {
    let is_wanted =
        |metric: &MetricKind| options.metrics.is_empty() || options.metrics.contains(metric);
    let mut kinds: Vec<OperationKind> = a
        .iter()
        .chain(b)
        .flat_map(|report| report.operations.iter().map(|operation| operation.kind))
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    let of_metric = |metric: MetricKind| -> Vec<Values> {
        let operations: Vec<Option<OperationKind>> = match metric {
            MetricKind::Throughput => vec![None],
            _ => kinds.iter().copied().map(Some).collect(),
        };
        let of_operation = |operation| {
            let of = |reports: &[Report]| -> Option<Vec<f64>> {
                let runs = reports.iter();
                runs.map(|report| value(report, metric, operation))
                    .collect()
            };
            Some(Values {
                metric,
                operation,
                a: of(a)?,
                b: of(b)?,
            })
        };
        operations.into_iter().filter_map(of_operation).collect()
    };
    let wanted = MetricKind::ALL.into_iter().filter(is_wanted);
    wanted.flat_map(of_metric).collect()
}

fn value(report: &Report, metric: MetricKind, operation: Option<OperationKind>) -> Option<f64> {
    let value = match operation {
        None => report.per_second,
        Some(kind) => {
            let mut operations = report.operations.iter();
            let operation = operations.find(|operation| operation.kind == kind)?;
            quantile(&operation.response, metric)
        }
    };
    // The logarithm of a change needs both sides above 0.
    value.filter(|value| *value > 0.0 && value.is_finite())
}

/// A percentile, where enough was measured for it to be more than the longest latency.
fn quantile(latencies: &LatencyFigures, metric: MetricKind) -> Option<f64> {
    let is_enough = |least: u64| latencies.count >= least;
    match metric {
        MetricKind::Throughput => None,
        MetricKind::P50 => latencies.p50_seconds,
        MetricKind::P95 => latencies.p95_seconds.filter(|_| is_enough(20)),
        MetricKind::P99 => latencies.p99_seconds.filter(|_| is_enough(100)),
        MetricKind::P999 => latencies.p99_9_seconds.filter(|_| is_enough(1_000)),
    }
}

/// Compares in logarithms: a change is a factor, and the same in both directions.
fn measured_of_runs(values: Values, level: f64) -> Option<MetricComparison> {
    let logarithms = |side: &[f64]| side.iter().map(|value| value.ln()).collect::<Vec<f64>>();
    let (a, b) = (logarithms(&values.a), logarithms(&values.b));
    let change = hodges_lehmann(&a, &b)?;
    let interval = shift_interval(&a, &b, SEED);
    let p = mann_whitney(&a, &b)?.p;
    let detectable = detectable_shift(&a, &b, level, SEED);
    MetricComparison::new(values, change, interval, Some(p), detectable)
}

impl MetricComparison {
    /// `change` and what follows it are logarithms of factors.
    pub(super) fn new(
        values: Values,
        change: f64,
        interval: Option<Interval>,
        p: Option<f64>,
        detectable: Option<f64>,
    ) -> Option<Self> {
        let unit = match values.metric {
            MetricKind::Throughput => "per_second",
            _ => "seconds",
        };
        Some(Self {
            metric: values.metric,
            operation: values.operation.map(|kind| kind.as_str().to_owned()),
            unit: unit.to_owned(),
            a_median: median(&values.a)?,
            b_median: median(&values.b)?,
            shift: hodges_lehmann(&values.a, &values.b)?,
            change_share: change.exp_m1(),
            change_low_share: interval.map(|interval| interval.low.exp_m1()),
            change_high_share: interval.map(|interval| interval.high.exp_m1()),
            p,
            p_adjusted: None,
            detectable_share: detectable.map(f64::exp_m1),
            verdict: MetricVerdict::NotJudged,
            is_regression: false,
            a: values.a,
            b: values.b,
        })
    }

    /// Says what it says, where a difference is shown or not.
    pub(super) fn judge(&mut self, threshold_share: f64, is_shown: bool) {
        let threshold = threshold_share.ln_1p();
        let change = self.change_share.ln_1p();
        let is_within = |end: Option<f64>| end.is_some_and(|end| end.ln_1p().abs() < threshold);
        self.verdict = if is_shown && change != 0.0 {
            if (change > 0.0) == self.metric.is_more_better() {
                MetricVerdict::Faster
            } else {
                MetricVerdict::Slower
            }
        } else if is_within(self.change_low_share) && is_within(self.change_high_share) {
            MetricVerdict::NoDifferenceShown
        } else {
            MetricVerdict::TooNoisy
        };
        self.is_regression = self.verdict == MetricVerdict::Slower && change.abs() >= threshold;
    }
}
