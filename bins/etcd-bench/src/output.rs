//! Where the report goes.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::{fmt, fs};

use anyhow::Context;
use etcd_monitor_bench::{BenchError, Report, ScenarioReport};

use crate::cli::{OutputArgs, ReportArgs, ReportFormat};
use crate::compare;

/// Writes the report, and the histograms where they are wanted.
pub(crate) fn write(report: &Report, arguments: &OutputArgs) -> anyhow::Result<()> {
    let text = text(report, arguments.format)?;
    write_report(report, &text, arguments)
}

/// Writes this text about a report, and the histograms where they are wanted.
pub(crate) fn write_report(
    report: &Report,
    text: &str,
    arguments: &OutputArgs,
) -> anyhow::Result<()> {
    if let Some(file) = &arguments.hdr_log {
        let log = report.to_hdr_log();
        fs::write(file, log)
            .with_context(|| format!("the log could not be written to {}", file.display()))?;
    }
    write_text(text, arguments.output.as_deref())
}

/// The report in this form.
fn text(report: &Report, format: ReportFormat) -> anyhow::Result<String> {
    Ok(match format {
        ReportFormat::Table => report.to_table(),
        ReportFormat::Json => report.to_json()? + "\n",
        ReportFormat::Csv => report.to_csv(),
        ReportFormat::Html => report.to_html(),
    })
}

/// Shows a report that was written before.
pub(crate) fn show(arguments: &ReportArgs) -> anyhow::Result<ExitCode> {
    let report = compare::report(&arguments.report)?;
    let text = text(&report, arguments.format)?;
    write_text(&text, arguments.output.as_deref())?;
    Ok(ExitCode::SUCCESS)
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
        ReportFormat::Html => {
            return Err(Usage("run writes -w table, json or csv".to_owned()).into());
        }
    };
    write_text(&text, arguments.output.as_deref())
}

/// Writes a text to the file, or to stdout where there is none.
pub(crate) fn write_text(text: &str, file: Option<&Path>) -> anyhow::Result<()> {
    match file {
        Some(file) => fs::write(file, text)
            .with_context(|| format!("the result could not be written to {}", file.display())),
        None => std::io::stdout()
            .write_all(text.as_bytes())
            .context("the result could not be written to stdout"),
    }
}

/// Flags that do not go together, where the parser of flags cannot say so.
#[derive(Debug)]
pub(crate) struct Usage(pub String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Tells whoever waits how far it is.
#[expect(clippy::print_stderr, reason = "the progress of a command")]
pub(crate) fn say(text: &str) {
    eprintln!("etcd-bench: {text}");
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
    let is_usage = is_usage || error.is::<Usage>();
    if is_usage || error.is::<etcd_monitor_client::EndpointError>() {
        return ExitCode::from(2);
    }
    ExitCode::FAILURE
}
