//! Whether one side is faster than the other, with what can and what cannot be said.
//!
//! Five runs a side or more are compared run by run: the rank test of Mann and Whitney (exact for few runs), the shift of Hodges and
//! Lehmann with a 95 % interval, Holm's correction over the metrics. One run a side says something of the throughput alone, by
//! a bootstrap over blocks of seconds; nothing of what differs from run to run.

mod comparable;
mod html;
mod judge;
mod seconds;
mod table;

use serde::{Deserialize, Serialize};

use crate::report::Report;

/// Runs of one side at most: more sharpen nothing that matters, and the bootstrap takes time for each.
pub const RUNS_MAX: usize = 100;

/// Runs of one side from which on runs are compared with each other.
pub const RUNS_LEAST: usize = 5;

/// The level below which a difference counts as shown, over all metrics together.
pub const LEVEL: f64 = 0.05;

/// How two sides are compared.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CompareOptions {
    /// Differences below this share (0.05 for 5 %) do not matter.
    pub threshold_share: f64,
    /// The metrics that count; all where there are none.
    pub metrics: Vec<MetricKind>,
    /// Compares what is not comparable as well.
    pub anyway: bool,
}

impl Default for CompareOptions {
    /// From 5 % on, in every metric, and only what is comparable.
    fn default() -> Self {
        Self {
            threshold_share: 0.05,
            metrics: Vec::new(),
            anyway: false,
        }
    }
}

/// A kind of metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MetricKind {
    /// Answers per second, of all kinds of request.
    Throughput,
    /// Median of the responses of a kind of request.
    P50,
    /// p95 of them.
    P95,
    /// p99 of them.
    P99,
    /// p99.9 of them.
    #[serde(rename = "p99_9")]
    P999,
}

impl MetricKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Throughput,
        Self::P50,
        Self::P95,
        Self::P99,
        Self::P999,
    ];

    /// Its name in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
        }
    }

    /// True where more is better.
    pub fn is_more_better(self) -> bool {
        self == Self::Throughput
    }
}

/// What a metric says of B against A.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MetricVerdict {
    /// B is faster, however little.
    Faster,
    /// B is slower, however little.
    Slower,
    /// No difference is shown, and one of the threshold or more would have been.
    NoDifferenceShown,
    /// No difference is shown, but one of the threshold or more cannot be excluded.
    TooNoisy,
    /// What was measured cannot say.
    NotJudged,
}

/// One metric of both sides. Shares are changes from A to B: 0.1 is 10 % more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MetricComparison {
    /// Its kind.
    pub metric: MetricKind,
    /// The kind of request; `None` of the throughput, which is of all.
    pub operation: Option<String>,
    /// `per_second` or `seconds`.
    pub unit: String,
    /// The runs of A, in this unit.
    pub a: Vec<f64>,
    /// The runs of B.
    pub b: Vec<f64>,
    /// The median of A's runs.
    pub a_median: f64,
    /// The median of B's runs.
    pub b_median: f64,
    /// How far B lies above A (Hodges and Lehmann), in the unit.
    pub shift: f64,
    /// How much more B is, as a share.
    pub change_share: f64,
    /// Lower end of its 95 % interval; `None` where so few runs have none.
    pub change_low_share: Option<f64>,
    /// Upper end of its 95 % interval.
    pub change_high_share: Option<f64>,
    /// The probability of a difference as large by chance; `None` where it is not tested.
    pub p: Option<f64>,
    /// The same, corrected for the number of metrics (Holm).
    pub p_adjusted: Option<f64>,
    /// The smallest change that would have been shown in 8 of 10 cases; `None` where none can be.
    pub detectable_share: Option<f64>,
    /// What it says.
    pub verdict: MetricVerdict,
    /// True where B is slower by the threshold or more.
    pub is_regression: bool,
}

impl MetricComparison {
    /// Its name in tables.
    pub fn name(&self) -> String {
        match &self.operation {
            Some(operation) => format!("{operation} {}", self.metric.as_str()),
            None => self.metric.as_str().to_owned(),
        }
    }
}

/// How the sides were compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CompareMethod {
    /// Runs with runs.
    Runs,
    /// The seconds of one run with those of the other.
    Seconds,
}

/// What a comparison comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CompareOutcome {
    /// No metric is slower by the threshold or more.
    SameOrBetter,
    /// At least one is.
    Regression,
    /// None is shown to be, but it cannot be excluded.
    TooNoisy,
}

/// One side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Side {
    /// Runs of it.
    pub runs: usize,
    /// Engines of its runs.
    pub engines: Vec<String>,
    /// Endpoints of its runs.
    pub endpoints: Vec<String>,
    /// Versions of etcd. Untrusted text.
    pub etcd_versions: Vec<String>,
}

/// Two sides, compared. The names of its JSON are promises: fields may be added, never renamed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Comparison {
    /// Version of this document.
    pub format: u32,
    /// The workload of both.
    pub workload: String,
    /// How they were compared.
    pub method: CompareMethod,
    /// Differences below this share do not matter.
    pub threshold_share: f64,
    /// What B is held against.
    pub a: Side,
    /// What is judged.
    pub b: Side,
    /// Metric by metric.
    pub metrics: Vec<MetricComparison>,
    /// What makes it doubtful, and what it cannot say.
    pub doubts: Vec<String>,
    /// What it comes to.
    pub outcome: CompareOutcome,
}

/// Why two sides were not compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the sides are not comparable: {}", .reasons.join("; "))]
#[non_exhaustive]
pub struct NotComparable {
    /// What differs, or is no result.
    pub reasons: Vec<String>,
    /// True where it can be done all the same ([`CompareOptions::anyway`]).
    pub can_be_overruled: bool,
}

/// The version of the document.
const FORMAT: u32 = 1;

impl Comparison {
    /// Compares the runs of B with those of A. The same reports give the same comparison.
    ///
    /// Fails where the loads differ in what matters, or a run is no result, unless the options say that it be done anyway.
    pub fn of(a: &[Report], b: &[Report], options: &CompareOptions) -> Result<Self, NotComparable> {
        let mut doubts = comparable::check(a, b, options.anyway)?;
        let (metrics, method) = if a.len() == 1 && b.len() == 1 {
            let metrics = seconds::metrics(a, b, options, &mut doubts);
            (metrics, CompareMethod::Seconds)
        } else {
            let metrics = judge::metrics(a, b, options, &mut doubts);
            (metrics, CompareMethod::Runs)
        };
        if metrics.is_empty() {
            return Err(NotComparable {
                reasons: vec!["no metric was measured by all runs of both sides".to_owned()],
                can_be_overruled: false,
            });
        }
        let workload = a.first().map(|report| report.plan.workload.clone());
        Ok(Self {
            format: FORMAT,
            workload: workload.unwrap_or_default(),
            method,
            threshold_share: options.threshold_share,
            a: Side::of(a),
            b: Side::of(b),
            outcome: outcome(&metrics),
            metrics,
            doubts,
        })
    }

    /// The document.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }
}

fn outcome(metrics: &[MetricComparison]) -> CompareOutcome {
    let has = |verdict| metrics.iter().any(|metric| metric.verdict == verdict);
    let is_any_judged = metrics
        .iter()
        .any(|metric| metric.verdict != MetricVerdict::NotJudged);
    if metrics.iter().any(|metric| metric.is_regression) {
        CompareOutcome::Regression
    } else if has(MetricVerdict::TooNoisy) || !is_any_judged {
        CompareOutcome::TooNoisy
    } else {
        CompareOutcome::SameOrBetter
    }
}

impl Side {
    fn of(reports: &[Report]) -> Self {
        let versions = |report: &Report| {
            let members = report.environment.before.members.iter();
            members
                .filter_map(|member| member.version.clone())
                .collect::<Vec<_>>()
        };
        Self {
            runs: reports.len(),
            engines: distinct(reports.iter().map(|report| report.plan.engine.clone())),
            endpoints: distinct(
                reports
                    .iter()
                    .flat_map(|report| report.plan.endpoints.clone()),
            ),
            etcd_versions: distinct(reports.iter().flat_map(versions)),
        }
    }
}

fn distinct(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut values: Vec<String> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}

#[cfg(test)]
mod tests;
