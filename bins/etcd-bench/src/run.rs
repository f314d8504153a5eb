//! Runs what the flags say.

use std::process::ExitCode;

use etcd_monitor_bench::{Benchmark, Engine, TonicEngine};
use etcd_monitor_client::{ClientOptions, Endpoint};
use tokio_util::sync::CancellationToken;

use crate::cli::{Cli, Command, EngineArg, Task};
use crate::progress::Bars;
use crate::{ab, compare, merge, output, search, signals};

/// Does what was asked; the code says what came of it.
pub(crate) async fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.task {
        Task::Load(command) => load(command).await,
        Task::Compare(arguments) => compare::run(arguments),
        Task::Ab(arguments) => ab::run(arguments).await,
        Task::Slo(arguments) => search::slo(arguments).await,
        Task::Capacity(arguments) => search::capacity(arguments).await,
        Task::Report(arguments) => output::show(arguments),
        Task::Merge(arguments) => merge::run(arguments),
    }
}

async fn load(command: &Command) -> anyhow::Result<ExitCode> {
    let common = command.common();
    let benchmark = benchmark(command)?;
    let bars = Bars::new(&benchmark.load, common.output.quiet);
    let stop = CancellationToken::new();
    let _signals = signals::stop_at_signal(stop.clone())?;
    let report = benchmark.run(&bars, &stop).await;
    bars.end();
    let report = report?;
    output::write(&report, &common.output)?;
    Ok(if report.is_success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The benchmark that the flags of a load describe.
pub(crate) fn benchmark(command: &Command) -> anyhow::Result<Benchmark> {
    let common = command.common();
    let endpoints = common.connection.endpoints()?;
    let client = common.connection.options();
    let standard = command.standard();
    let mut options = standard.options()?;
    options.use_existing_prefix = common.load.use_existing_prefix;
    options.keep_keys = common.load.keep_keys;
    Ok(Benchmark {
        engine: engine(EngineArg::Tonic, client.clone(), endpoints.clone()),
        client,
        endpoints,
        load: common.load.load(),
        workload: standard.workload()?,
        options,
    })
}

/// What sends the requests.
pub(crate) fn engine(
    name: EngineArg,
    client: ClientOptions,
    endpoints: Vec<Endpoint>,
) -> Box<dyn Engine> {
    match name {
        EngineArg::Tonic => Box::new(TonicEngine::new(client, endpoints)),
    }
}
