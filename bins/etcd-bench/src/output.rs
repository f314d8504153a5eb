//! Where the report goes.

use std::fs;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context;
use etcd_monitor_bench::{BenchError, Report, ScenarioReport};

use crate::cli::{OutputArgs, ReportFormat};
use crate::scenario::BadScenario;

/// Writes the report, and the histograms where they are wanted.
pub(crate) fn write(report: &Report, arguments: &OutputArgs) -> anyhow::Result<()> {
    let text = match arguments.format {
        ReportFormat::Table => report.to_table(),
        ReportFormat::Json => report.to_json()? + "\n",
        ReportFormat::Csv => report.to_csv(),
    };
    if let Some(file) = &arguments.hdr_log {
        let log = report.to_hdr_log();
        fs::write(file, log)
            .with_context(|| format!("the log could not be written to {}", file.display()))?;
    }
    to_its_place(&text, arguments)
}

/// Writes the report of a scenario.
pub(crate) fn write_scenario(
    report: &ScenarioReport,
    arguments: &OutputArgs,
) -> anyhow::Result<()> {
    let text = match arguments.format {
        ReportFormat::Table => report.to_table(),
        ReportFormat::Json => report.to_json()? + "\n",
        ReportFormat::Csv => report.to_csv(),
    };
    to_its_place(&text, arguments)
}

fn to_its_place(text: &str, arguments: &OutputArgs) -> anyhow::Result<()> {
    match &arguments.output {
        Some(file) => fs::write(file, text)
            .with_context(|| format!("the report could not be written to {}", file.display())),
        None => std::io::stdout()
            .write_all(text.as_bytes())
            .context("the report could not be written to stdout"),
    }
}

/// Says why it failed: 2 for what was asked for wrongly, else 1.
#[expect(clippy::print_stderr, reason = "the error of a command")]
pub(crate) fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("etcd-bench: {error:#}");
    let is_usage = error.downcast_ref::<BenchError>().is_some_and(|error| {
        matches!(
            error,
            BenchError::BadPlan { .. }
                | BenchError::KeyTooShort { .. }
                | BenchError::BadZipf { .. }
        )
    });
    if is_usage || error.is::<BadScenario>() || error.is::<etcd_monitor_client::EndpointError>() {
        return ExitCode::from(2);
    }
    ExitCode::FAILURE
}
