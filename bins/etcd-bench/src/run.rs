//! Runs what the flags say.

use etcd_monitor_bench::{Benchmark, TonicEngine};
use tokio_util::sync::CancellationToken;

use crate::cli::Cli;
use crate::output;
use crate::progress::Bars;
use crate::signals;

/// True where the run did what was asked of it.
pub(crate) async fn run(cli: &Cli) -> anyhow::Result<bool> {
    let common = cli.command.common();
    let endpoints = common.connection.endpoints()?;
    let client = common.connection.options();
    let load = common.load.load();
    let standard = cli.command.standard();
    let mut options = standard.options()?;
    options.use_existing_prefix = common.load.use_existing_prefix;
    options.keep_keys = common.load.keep_keys;
    options
        .fsync_probe
        .clone_from(&common.connection.fsync_probe);
    options.server_metrics = !common.connection.no_server_metrics;
    let bars = Bars::new(&load, common.output.quiet);
    let benchmark = Benchmark {
        engine: Box::new(TonicEngine::new(client.clone(), endpoints.clone())),
        client,
        endpoints,
        load,
        workload: standard.workload()?,
        options,
    };
    let stop = CancellationToken::new();
    let _signals = signals::stop_at_signal(stop.clone())?;
    let report = benchmark.run(&bars, &stop).await;
    bars.end();
    let report = report?;
    output::write(&report, &common.output)?;
    Ok(report.is_success())
}
