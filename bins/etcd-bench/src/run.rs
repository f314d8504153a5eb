//! Runs what the flags say.

use std::sync::Arc;

use etcd_monitor_bench::{
    Benchmark, Engine, Options, Report, StreamBenchmark, TonicEngine, WatchedEngine, Workload,
};
use tokio_util::sync::CancellationToken;

use crate::cli::{
    Cli, Command, CommonArgs, OutputArgs, PresetArgs, ScenarioArgs, StreamCommand, Work,
};
use crate::output;
use crate::progress::Bars;
use crate::scenario;
use crate::signals;

/// True where the run did what was asked of it.
pub(crate) async fn run(cli: &Cli) -> anyhow::Result<bool> {
    let stop = CancellationToken::new();
    let _signals = signals::stop_at_signal(stop.clone())?;
    let (report, output) = match &cli.command {
        Work::Calls(command) => (calls(command, &stop).await?, &command.common().output),
        Work::Streams(command) => (streams(command, &stop).await?, &command.common().output),
        Work::Preset(preset) => (of_preset(preset, &stop).await?, &preset.common.output),
        Work::Run(arguments) => return of_scenario(arguments, &stop).await,
    };
    end(&report, output)
}

fn end(report: &Report, output: &OutputArgs) -> anyhow::Result<bool> {
    output::write(report, output)?;
    Ok(report.is_success())
}

async fn of_scenario(arguments: &ScenarioArgs, stop: &CancellationToken) -> anyhow::Result<bool> {
    scenario::check_output(&arguments.output)?;
    let scenario = scenario::read(&arguments.file, &arguments.connection)?;
    if arguments.check {
        return Ok(true);
    }
    let is_quiet = arguments.output.quiet;
    let report = scenario
        .run(|phase| Bars::of_phase(phase, is_quiet), stop)
        .await;
    output::write_scenario(&report, &arguments.output)?;
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
    let standard = command.standard();
    let engine = engine(common)?;
    let work = (standard.workload()?, standard.options()?);
    measure(common, Box::new(engine), work, stop).await
}

async fn of_preset(arguments: &PresetArgs, stop: &CancellationToken) -> anyhow::Result<Report> {
    let common = &arguments.common;
    let preset = arguments.preset();
    let engine = WatchedEngine {
        engine: Box::new(engine(common)?),
        client: common.connection.options(),
        endpoints: common.connection.endpoints()?,
        prefix: preset.standard.prefix.clone(),
        watchers: arguments.watchers(),
    };
    let work = (preset.workload()?, preset.options()?);
    measure(common, Box::new(engine), work, stop).await
}

fn engine(common: &CommonArgs) -> anyhow::Result<TonicEngine> {
    let endpoints = common.connection.endpoints()?;
    Ok(TonicEngine::new(common.connection.options(), endpoints))
}

async fn measure(
    common: &CommonArgs,
    engine: Box<dyn Engine>,
    (workload, mut options): (Arc<dyn Workload>, Options),
    stop: &CancellationToken,
) -> anyhow::Result<Report> {
    let load = common.load.load();
    options.use_existing_prefix = common.load.use_existing_prefix;
    options.keep_keys = common.load.keep_keys;
    let bars = Bars::new(&load, common.output.quiet);
    let benchmark = Benchmark {
        engine,
        client: common.connection.options(),
        endpoints: common.connection.endpoints()?,
        load,
        workload,
        options,
    };
    let report = benchmark.run(&bars, stop).await;
    bars.end();
    Ok(report?)
}
