//! Reports of generators that asked the same load of the same cluster at the same time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::MergeError;
use crate::recorder::Errors;
use crate::report::{Bucket, OperationFigures, Report};
use crate::request::OperationKind;

/// What all windows of measurement have in common must be this share of the longest: else throughputs that were never there at
/// once would be added.
pub const OVERLAP_LEAST: f64 = 0.9;

/// Kinds of errors that are kept.
const ERROR_KINDS_MAX: usize = 64;

/// Requests of one kind, of all generators. Percentiles of reports do not add up: they come from histogram logs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MergedOperation {
    /// What was asked.
    pub kind: OperationKind,
    /// Answered.
    pub succeeded: u64,
    /// Failed.
    pub failed: u64,
    /// Answers per second, added up.
    pub per_second: Option<f64>,
    /// The shortest response, in seconds.
    pub min_seconds: Option<f64>,
    /// The mean of all responses, in seconds.
    pub mean_seconds: Option<f64>,
    /// The longest response, in seconds.
    pub max_seconds: Option<f64>,
    /// Responses by their latency, added up; empty where the reports have different bounds.
    pub histogram: Vec<Bucket>,
}

/// What reports add up to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MergedReports {
    /// Reports of generators.
    pub workers: usize,
    /// The workload of all.
    pub workload: String,
    /// Endpoints that any of them asked.
    pub endpoints: Vec<String>,
    /// What all windows of measurement have in common, as a share of the longest.
    pub overlap_share: f64,
    /// Requests that were answered.
    pub succeeded: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Answers per second of all kinds, added up; `None` where one is not known.
    pub per_second: Option<f64>,
    /// By kind of request.
    pub operations: Vec<MergedOperation>,
    /// Errors by kind.
    pub errors: BTreeMap<String, Errors>,
    /// What makes it doubtful.
    pub doubts: Vec<String>,
}

impl MergedReports {
    /// Adds up reports, each with its name.
    pub(super) fn of(reports: &[(&str, Report)]) -> Result<Self, MergeError> {
        let Some((first_name, first)) = reports.first() else {
            return Err(MergeError::Count(0));
        };
        for (index, (name, report)) in reports.iter().enumerate() {
            belongs((first_name, first), (name, report))?;
            let before = reports.iter().take(index);
            if let Some((other, _)) = before.into_iter().find(|(_, one)| is_same(one, report)) {
                return Err(MergeError::Apart(format!(
                    "{other} and {name} are the same run"
                )));
            }
        }
        let overlap_share = overlap(reports);
        if overlap_share < OVERLAP_LEAST {
            return Err(MergeError::Apart(format!(
                "their times of measurement have {:.0} % of the longest in common, and {:.0} % are needed: throughputs that were not there at once do not add up",
                100.0 * overlap_share,
                100.0 * OVERLAP_LEAST
            )));
        }
        let all = || reports.iter().map(|(_, report)| report);
        let mut endpoints: Vec<String> = all()
            .flat_map(|report| report.plan.endpoints.clone())
            .collect();
        endpoints.sort_unstable();
        endpoints.dedup();
        Ok(Self {
            workers: reports.len(),
            workload: first.plan.workload.clone(),
            endpoints,
            overlap_share,
            succeeded: all().map(|report| report.succeeded).sum(),
            failed: all().map(|report| report.failed).sum(),
            per_second: sum(all().map(|report| report.per_second)),
            operations: operations(reports),
            errors: errors(reports),
            doubts: doubts(reports),
        })
    }
}

fn is_same(one: &Report, other: &Report) -> bool {
    one.plan == other.plan && one.accounting == other.accounting && one.seconds == other.seconds
}

/// The sum; `None` where one is not known.
fn sum(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    values.sum()
}

/// Whether a report is about the same load on the same cluster as the first one.
fn belongs(first: (&str, &Report), other: (&str, &Report)) -> Result<(), MergeError> {
    let (first_name, first) = first;
    let (name, report) = other;
    let differ = |what: &str, one: &str, other: &str| {
        Err(MergeError::Apart(format!(
            "{what} differs: {one} in {first_name}, {other} in {name}"
        )))
    };
    if first.plan.workload != report.plan.workload {
        return differ("the workload", &first.plan.workload, &report.plan.workload);
    }
    let cluster = |report: &Report| report.environment.before.id.clone();
    let known = |report: &Report| cluster(report).unwrap_or_else(|| "unknown".to_owned());
    if cluster(first).is_none() || cluster(first) != cluster(report) {
        return differ("the cluster", &known(first), &known(report));
    }
    let (ours, its) = (&first.plan.parameters, &report.plan.parameters);
    for parameter in ours.keys().chain(its.keys()) {
        let value = |of: &BTreeMap<String, String>| {
            let known = of.get(parameter).cloned();
            known.unwrap_or_else(|| "unknown".to_owned())
        };
        if value(ours) != value(its) {
            return differ(parameter, &value(ours), &value(its));
        }
    }
    Ok(())
}

/// What all windows have in common, as a share of the longest.
fn overlap(reports: &[(&str, Report)]) -> f64 {
    let begin = |report: &Report| {
        let began = report.plan.began_at.as_millisecond() as f64 / 1e3;
        began + report.plan.load.warmup_seconds
    };
    let windows = reports.iter().map(|(_, report)| {
        let from = begin(report);
        (from, from + report.window_seconds)
    });
    let latest = windows
        .clone()
        .map(|(from, _)| from)
        .fold(f64::MIN, f64::max);
    let earliest = windows.clone().map(|(_, to)| to).fold(f64::MAX, f64::min);
    let longest = windows.map(|(from, to)| to - from).fold(0.0, f64::max);
    if longest > 0.0 {
        ((earliest - latest) / longest).max(0.0)
    } else {
        0.0
    }
}

fn operations(reports: &[(&str, Report)]) -> Vec<MergedOperation> {
    let mut by_kind: BTreeMap<OperationKind, Vec<&OperationFigures>> = BTreeMap::new();
    for (_, report) in reports {
        for operation in &report.operations {
            by_kind.entry(operation.kind).or_default().push(operation);
        }
    }
    by_kind
        .into_iter()
        .map(|(kind, figures)| MergedOperation::of(kind, &figures))
        .collect()
}

impl MergedOperation {
    fn of(kind: OperationKind, figures: &[&OperationFigures]) -> Self {
        let all = || figures.iter();
        let responses = || all().map(|one| &one.response);
        let count: u64 = responses().map(|response| response.count).sum();
        let total: f64 = responses()
            .filter_map(|response| Some(response.mean_seconds? * response.count as f64))
            .sum();
        Self {
            kind,
            succeeded: all().map(|one| one.succeeded).sum(),
            failed: all().map(|one| one.failed).sum(),
            per_second: sum(all().map(|one| one.per_second)),
            min_seconds: responses()
                .filter_map(|response| response.min_seconds)
                .reduce(f64::min),
            mean_seconds: (count > 0).then(|| total / count as f64),
            max_seconds: responses()
                .filter_map(|response| response.max_seconds)
                .reduce(f64::max),
            histogram: histogram(figures),
        }
    }
}

fn histogram(figures: &[&OperationFigures]) -> Vec<Bucket> {
    let mut all = figures.iter();
    let mut merged = all
        .next()
        .map_or_else(Vec::new, |first| first.histogram.clone());
    for one in all {
        let bounds = |buckets: &[Bucket]| -> Vec<Option<f64>> {
            buckets.iter().map(|bucket| bucket.below_seconds).collect()
        };
        if bounds(&merged) != bounds(&one.histogram) {
            return Vec::new();
        }
        for (bucket, more) in merged.iter_mut().zip(&one.histogram) {
            bucket.count += more.count;
        }
    }
    merged
}

fn errors(reports: &[(&str, Report)]) -> BTreeMap<String, Errors> {
    let mut merged: BTreeMap<String, Errors> = BTreeMap::new();
    for (kind, errors) in reports.iter().flat_map(|(_, report)| &report.errors) {
        let is_known = merged.contains_key(kind) || merged.len() < ERROR_KINDS_MAX;
        let kind = if is_known { kind.as_str() } else { "others" };
        merged
            .entry(kind.to_owned())
            .and_modify(|known| known.count += errors.count)
            .or_insert_with(|| errors.clone());
    }
    merged
}

fn doubts(reports: &[(&str, Report)]) -> Vec<String> {
    let mut doubts = Vec::new();
    for (name, report) in reports {
        if !report.valid {
            doubts.push(format!(
                "{name} is invalid: it says nothing about the cluster"
            ));
        }
        if let Some(why) = &report.ended_early {
            doubts.push(format!("{name} ended early: {why}"));
        }
        doubts.extend(report.doubts.iter().map(|doubt| format!("{name}: {doubt}")));
    }
    doubts
}
