//! Compares reports.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use etcd_monitor_bench::{CompareOutcome, Comparison, Report};

use crate::cli::{CompareArgs, ResultFormat};
use crate::output;

/// Reads the reports of both sides, and says what differs.
pub(crate) fn run(arguments: &CompareArgs) -> anyhow::Result<ExitCode> {
    let (a, b) = match arguments.reports.as_slice() {
        [a, b] => (
            reports(std::slice::from_ref(a))?,
            reports(std::slice::from_ref(b))?,
        ),
        _ => (reports(&arguments.a)?, reports(&arguments.b)?),
    };
    let comparison = Comparison::of(&a, &b, &arguments.criteria.options()).map_err(|error| {
        let advice = if error.can_be_overruled {
            "; --anyway compares them all the same"
        } else {
            ""
        };
        anyhow::anyhow!("{error}{advice}")
    })?;
    let text = match arguments.result.format {
        ResultFormat::Table => comparison.to_table(),
        ResultFormat::Json => comparison.to_json()? + "\n",
        ResultFormat::Html => comparison.to_html(),
    };
    output::write_text(&text, arguments.result.output.as_deref())?;
    Ok(code(comparison.outcome))
}

/// Reads reports from their files.
pub(crate) fn reports(files: &[PathBuf]) -> anyhow::Result<Vec<Report>> {
    files.iter().map(report).collect()
}

/// Reads one report.
pub(crate) fn report(file: &PathBuf) -> anyhow::Result<Report> {
    let name = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("{name} could not be read"))?;
    serde_json::from_str(&text).with_context(|| {
        format!("{name} is no report of etcd-bench; one is written by a load with -w json -o FILE")
    })
}

/// The exit code of an outcome.
pub(crate) fn code(outcome: CompareOutcome) -> ExitCode {
    match outcome {
        CompareOutcome::SameOrBetter => ExitCode::SUCCESS,
        CompareOutcome::Regression => ExitCode::from(3),
        _ => ExitCode::from(4),
    }
}
