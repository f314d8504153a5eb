//! What several generators measured at the same time, as one result.
//!
//! Percentiles come from their histogram logs alone, which add up without loss: those of the merged log are those of all samples
//! together. Throughputs come from their reports: they add up where the generators asked the same load of the same cluster at the
//! same time.

mod reports;
mod table;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use reports::{MergedOperation, MergedReports, OVERLAP_LEAST};

use crate::hdr_log::HdrLog;
use crate::histogram::Latencies;
use crate::report::{LatencyFigures, Report};

/// Files that are merged at most.
pub const MERGED_MAX: usize = 1_000;

/// Why files were not merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// A file is none of ours, or of another unit.
    #[error("{name} cannot be merged: {reason}")]
    Foreign {
        /// The file.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The reports do not belong together.
    #[error("the reports do not belong together: {0}")]
    Apart(String),
    /// There are none, or too many.
    #[error("{0} files cannot be merged: there must be 1 to {MERGED_MAX}")]
    Count(usize),
}

/// A file that is to be merged, and what it is called.
#[derive(Debug)]
#[non_exhaustive]
pub struct MergeInput {
    /// The name, for errors.
    pub name: String,
    /// What is in it: a histogram log, or the JSON document of a report.
    pub text: String,
}

impl MergeInput {
    /// A file of this name with this text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }
}

/// What several generators measured. The names of its JSON are promises: fields may be added, never renamed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Merged {
    /// Version of this document.
    pub format: u32,
    /// Histogram logs that were merged.
    pub logs: usize,
    /// The latencies of all logs, by tag: the kind of request, or `KIND_service`.
    pub latencies: BTreeMap<String, LatencyFigures>,
    /// What the reports add up to; `None` where there were none.
    pub reports: Option<MergedReports>,
    /// The histograms themselves, for a log of them; not a part of the document.
    #[serde(skip)]
    log: HdrLog,
}

/// The version of the document.
const FORMAT: u32 = 1;

impl Merged {
    /// Puts histogram logs and reports together, in any order.
    ///
    /// Fails, with the name of the file, where one is foreign or of another unit, and where reports do not belong together.
    pub fn of(inputs: &[MergeInput]) -> Result<Self, MergeError> {
        if !(1..=MERGED_MAX).contains(&inputs.len()) {
            return Err(MergeError::Count(inputs.len()));
        }
        let (documents, logs): (Vec<&MergeInput>, Vec<&MergeInput>) = inputs
            .iter()
            .partition(|input| input.text.trim_start().starts_with('{'));
        let log = merged_log(&logs)?;
        let figures = |latencies: &Latencies| LatencyFigures::of(latencies);
        let latencies = log.latencies.iter();
        let latencies = latencies
            .map(|(tag, latencies)| (tag.clone(), figures(latencies)))
            .collect();
        let mut reports = Vec::new();
        for document in documents {
            let report: Report = serde_json::from_str(&document.text).map_err(|error| {
                foreign(document, &format!("it is no report of etcd-bench: {error}"))
            })?;
            reports.push((document.name.as_str(), report));
        }
        let reports = if reports.is_empty() {
            None
        } else {
            Some(MergedReports::of(&reports)?)
        };
        Ok(Self {
            format: FORMAT,
            logs: logs.len(),
            latencies,
            reports,
            log,
        })
    }

    /// The document.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// The merged histograms as a log, which can be merged again; `None` where there were no logs.
    pub fn to_hdr_log(&self) -> Option<String> {
        (self.logs > 0).then(|| self.log.text())
    }
}

fn merged_log(logs: &[&MergeInput]) -> Result<HdrLog, MergeError> {
    let mut merged = HdrLog::default();
    for (index, input) in logs.iter().enumerate() {
        let is_known = logs
            .iter()
            .take(index)
            .any(|other| other.text == input.text);
        if is_known {
            return Err(foreign(
                input,
                "it is there twice, and would be counted twice",
            ));
        }
        let log = HdrLog::read(&input.text).map_err(|reason| foreign(input, &reason))?;
        let is_first = index == 0;
        if is_first || log.began_seconds < merged.began_seconds {
            merged.began_seconds = log.began_seconds;
        }
        merged.window_seconds = merged.window_seconds.max(log.window_seconds);
        for (tag, latencies) in log.latencies {
            merged.latencies.entry(tag).or_default().add(&latencies);
        }
    }
    Ok(merged)
}

fn foreign(input: &MergeInput, reason: &str) -> MergeError {
    MergeError::Foreign {
        name: input.name.clone(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests;
