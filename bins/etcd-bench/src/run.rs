//! Runs what the flags say.

use std::process::ExitCode;
use std::sync::Arc;

use etcd_monitor_bench::{
    BenchError, Benchmark, Options, Report, StreamBenchmark, Target, WatchedEngine, Workload,
};
use tokio_util::sync::CancellationToken;

use crate::cli::{
    Cli, Command, CommonArgs, EngineArg, OutputArgs, PresetArgs, ScenarioArgs, StreamCommand,
    TargetArg, Task,
};
use crate::display::Display;
use crate::{ab, check, compare, display, each, merge, output, scenario, search, signals};

/// Does what was asked; the code says what came of it.
pub(crate) async fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let ended = task(cli).await;
    ended.map_err(|error| {
        let is_in_use = matches!(error.downcast_ref(), Some(BenchError::PrefixInUse { .. }));
        match prefix_flags(&cli.task).filter(|_| is_in_use) {
            Some(flags) => anyhow::anyhow!("{error} ({flags})"),
            None => error,
        }
    })
}

/// The flags that say where keys go, of the tasks that have any.
fn prefix_flags(task: &Task) -> Option<&'static str> {
    match task {
        Task::Check(_) => Some("--prefix names it"),
        Task::Load(_)
        | Task::Streams(_)
        | Task::Preset(_)
        | Task::Ab(_)
        | Task::Slo(_)
        | Task::Capacity(_) => Some("--prefix names it; --use-existing-prefix begins all the same"),
        _ => None,
    }
}

async fn task(cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.task {
        Task::Load(command) => load(command).await,
        Task::Streams(command) => streams(command).await,
        Task::Preset(arguments) => preset(arguments).await,
        Task::Run(arguments) => phases(arguments).await,
        Task::Compare(arguments) => compare::run(arguments),
        Task::Check(arguments) => check::run(arguments).await,
        Task::Ab(arguments) => ab::run(arguments).await,
        Task::Slo(arguments) => search::slo(arguments).await,
        Task::Capacity(arguments) => search::capacity(arguments).await,
        Task::Report(arguments) => output::show(arguments),
        Task::Merge(arguments) => merge::run(arguments),
        #[cfg(target_os = "linux")]
        Task::NullServer(arguments) => crate::null_server::run(arguments).await,
    }
}

async fn load(command: &Command) -> anyhow::Result<ExitCode> {
    let common = command.common();
    let mut benchmark = benchmark(command)?;
    if common.load.target == TargetArg::Each {
        return each::run(benchmark, common).await;
    }
    aim(&mut benchmark, common, None).await?;
    measure(&benchmark, common).await
}

async fn preset(arguments: &PresetArgs) -> anyhow::Result<ExitCode> {
    let common = &arguments.common;
    let preset = arguments.preset();
    let work = (preset.workload()?, preset.options()?);
    let mut benchmark = of_common(common, work)?;
    aim(&mut benchmark, common, None).await?;
    if arguments.watchers() > 0 {
        note(&mut benchmark.options, "watchers", arguments.watchers());
    }
    benchmark.engine = Box::new(WatchedEngine {
        engine: benchmark.engine,
        client: benchmark.client.clone(),
        endpoints: benchmark.endpoints.clone(),
        prefix: preset.standard.prefix,
        watchers: arguments.watchers(),
    });
    measure(&benchmark, common).await
}

async fn measure(benchmark: &Benchmark, common: &CommonArgs) -> anyhow::Result<ExitCode> {
    let stop = CancellationToken::new();
    let _signals = signals::stop_at_signal(stop.clone())?;
    display::check(&common.output);
    let of = (&common.connection, &common.output);
    let mut display = Display::begin(benchmark.workload.name(), &benchmark.load, of, &stop)?;
    let report = benchmark.run(&display, &stop).await;
    display.end();
    end(&report?, &common.output)
}

async fn streams(command: &StreamCommand) -> anyhow::Result<ExitCode> {
    let common = command.common();
    let benchmark = StreamBenchmark {
        client: common.connection.options(),
        endpoints: common.connection.endpoints()?,
        load: common.load(),
        work: command.work(),
        options: common.options(),
    };
    let stop = CancellationToken::new();
    let _signals = signals::stop_at_signal(stop.clone())?;
    display::check(&common.output);
    let of = (&common.connection, &common.output);
    let mut display = Display::begin(benchmark.work.name(), &benchmark.load, of, &stop)?;
    let report = benchmark.run(&display, &stop).await;
    display.end();
    end(&report?, &common.output)
}

async fn phases(arguments: &ScenarioArgs) -> anyhow::Result<ExitCode> {
    let scenario = scenario::read(arguments)?;
    if arguments.check {
        return Ok(ExitCode::SUCCESS);
    }
    display::check(&arguments.output);
    let of = (&arguments.connection, &arguments.output);
    let stop = CancellationToken::new();
    let _signals = signals::stop_at_signal(stop.clone())?;
    let report = scenario.run(|phase| Display::of_phase(phase, of, &stop), &stop);
    let report = report.await;
    output::write_scenario(&report, &arguments.output)?;
    Ok(code(report.is_success()))
}

fn end(report: &Report, output: &OutputArgs) -> anyhow::Result<ExitCode> {
    output::write(report, output)?;
    Ok(code(report.is_success()))
}

fn code(is_success: bool) -> ExitCode {
    if is_success {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Sends the requests of a benchmark to the members that the flags say, by the engine that they or `named` say.
pub(crate) async fn aim(
    benchmark: &mut Benchmark,
    common: &CommonArgs,
    named: Option<EngineArg>,
) -> anyhow::Result<()> {
    let client = benchmark.client.clone();
    let target = Target::from(common.load.target);
    if target == Target::Each {
        let why = "--target each makes a report for each member: it is no side of a comparison";
        return Err(output::Usage(why.to_owned()).into());
    }
    if target != Target::All {
        note(&mut benchmark.options, "target", target.as_str());
    }
    let endpoints = target.endpoints(&client, &benchmark.endpoints).await?;
    benchmark.engine = common.engine.engine(named, client, endpoints);
    Ok(())
}

/// Notes for the report what makes the load what it is, beside what its kind says: runs that differ in it are not the same.
pub(crate) fn note(options: &mut Options, name: &str, value: impl std::fmt::Display) {
    options
        .parameters
        .insert(name.to_owned(), value.to_string());
}

/// The benchmark that the flags of a load describe.
pub(crate) fn benchmark(command: &Command) -> anyhow::Result<Benchmark> {
    let standard = command.standard();
    let work = (standard.workload()?, standard.options()?);
    of_common(command.common(), work)
}

fn of_common(
    common: &CommonArgs,
    (workload, mut options): (Arc<dyn Workload>, Options),
) -> anyhow::Result<Benchmark> {
    let endpoints = common.connection.endpoints()?;
    let client = common.connection.options();
    options.use_existing_prefix = common.load.pace.use_existing_prefix;
    options.keep_keys = common.load.pace.keep_keys;
    common.connection.complete(&mut options);
    Ok(Benchmark {
        engine: common
            .engine
            .engine(None, client.clone(), endpoints.clone()),
        client,
        endpoints,
        load: common.load.load(),
        workload,
        options,
    })
}
