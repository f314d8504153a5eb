//! Runs what the flags say.

use etcd_monitor_bench::{Benchmark, Report, StreamBenchmark, TonicEngine};
use tokio_util::sync::CancellationToken;

use crate::cli::{Cli, Command, OutputArgs, StreamCommand, Work};
use crate::output;
use crate::progress::Bars;
use crate::signals;

/// True where the run did what was asked of it.
pub(crate) async fn run(cli: &Cli) -> anyhow::Result<bool> {
    let stop = CancellationToken::new();
    let _signals = signals::stop_at_signal(stop.clone())?;
    let (report, output) = match &cli.command {
        Work::Calls(command) => (calls(command, &stop).await?, &command.common().output),
        Work::Streams(command) => (streams(command, &stop).await?, &command.common().output),
    };
    end(&report, output)
}

fn end(report: &Report, output: &OutputArgs) -> anyhow::Result<bool> {
    output::write(report, output)?;
    Ok(report.is_success())
}

async fn streams(command: &StreamCommand, stop: &CancellationToken) -> anyhow::Result<Report> {
    let common = command.common();
    let load = common.pace.load();
    let bars = Bars::new(&load, common.output.quiet);
    let benchmark = StreamBenchmark {
        client: common.connection.options(),
        endpoints: common.connection.endpoints()?,
        load,
        work: command.work(),
        options: common.pace.options(),
    };
    let report = benchmark.run(&bars, stop).await;
    bars.end();
    Ok(report?)
}

async fn calls(command: &Command, stop: &CancellationToken) -> anyhow::Result<Report> {
    let common = command.common();
    let endpoints = common.connection.endpoints()?;
    let client = common.connection.options();
    let load = common.load.load();
    let standard = command.standard();
    let mut options = standard.options()?;
    options.use_existing_prefix = common.load.use_existing_prefix;
    options.keep_keys = common.load.keep_keys;
    let bars = Bars::new(&load, common.output.quiet);
    let benchmark = Benchmark {
        engine: Box::new(TonicEngine::new(client.clone(), endpoints.clone())),
        client,
        endpoints,
        load,
        workload: standard.workload()?,
        options,
    };
    let report = benchmark.run(&bars, stop).await;
    bars.end();
    Ok(report?)
}
