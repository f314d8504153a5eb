//! `--target each`: one member after the other.

use std::process::ExitCode;

use etcd_monitor_bench::{Benchmark, Report, Target};
use tokio_util::sync::CancellationToken;

use crate::cli::{CommonArgs, ReportFormat};
use crate::progress::Bars;
use crate::run::note;
use crate::{output, signals};

/// Measures one member after the other.
pub(crate) async fn run(mut benchmark: Benchmark, common: &CommonArgs) -> anyhow::Result<ExitCode> {
    let output = &common.output;
    let is_possible = matches!(output.format, ReportFormat::Table | ReportFormat::Json);
    if !is_possible || output.hdr_log.is_some() {
        let why = "--target each writes -w table or -w json, and no --hdr-log";
        return Err(output::Usage(why.to_owned()).into());
    }
    let client = benchmark.client.clone();
    let members = Target::Each.endpoints(&client, &benchmark.endpoints);
    let bars = Bars::new(&benchmark.load, output.quiet);
    let stop = CancellationToken::new();
    let _signals = signals::stop_at_signal(stop.clone())?;
    let mut reports: Vec<Report> = Vec::new();
    for member in members.await? {
        note(&mut benchmark.options, "target", &member);
        benchmark.engine = common.engine.engine(None, client.clone(), vec![member]);
        let report = benchmark.run(&bars, &stop).await;
        bars.end();
        reports.push(report?);
        if stop.is_cancelled() {
            break;
        }
    }
    let text = if output.format == ReportFormat::Json {
        serde_json::to_string_pretty(&reports)? + "\n"
    } else {
        let tables: Vec<String> = reports.iter().map(Report::to_table).collect();
        tables.join("\n")
    };
    output::write_text(&text, output.output.as_deref())?;
    Ok(if reports.iter().all(Report::is_success) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
