//! `etcd-bench check`.

use std::process::ExitCode;

use etcd_monitor_bench::{Benchmark, CheckLevel, CheckResult};
use tokio_util::sync::CancellationToken;

use crate::cli::{CheckArgs, ReportFormat};
use crate::progress::Bars;
use crate::{output, signals};

/// Runs the load of a level, and says whether the cluster kept up.
pub(crate) async fn run(arguments: &CheckArgs) -> anyhow::Result<ExitCode> {
    let level = CheckLevel::from(arguments.load);
    let benchmark = benchmark(level, arguments)?;
    let bars = Bars::new(&benchmark.load, arguments.output.quiet);
    let stop = CancellationToken::new();
    let _signals = signals::stop_at_signal(stop.clone())?;
    let report = benchmark.run(&bars, &stop).await;
    bars.end();
    let result = CheckResult::new(level, report?);
    let text = match arguments.output.format {
        ReportFormat::Table => result.to_table(),
        ReportFormat::Json => result.to_json()? + "\n",
        ReportFormat::Csv => result.report.to_csv(),
        ReportFormat::Html => result.report.to_html(),
    };
    output::write_report(&result.report, &text, &arguments.output)?;
    Ok(if result.passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn benchmark(level: CheckLevel, arguments: &CheckArgs) -> anyhow::Result<Benchmark> {
    let endpoints = arguments.connection.endpoints()?;
    let client = arguments.connection.options();
    let standard = CheckLevel::workload(&arguments.prefix);
    let mut options = standard.options()?;
    arguments.connection.complete(&mut options);
    Ok(Benchmark {
        engine: arguments
            .engine
            .engine(None, client.clone(), endpoints.clone()),
        client,
        endpoints,
        load: level.load(arguments.duration.as_secs_f64()),
        workload: standard.workload()?,
        options,
    })
}
