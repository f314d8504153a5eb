//! `etcd-monitor --run-benchmark`: one usual load on the configured cluster, its report on stdout, and the end. No store is opened.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, bail};
use etcd_monitor_bench::{
    BenchError, Benchmark, Load, Phase, Report, SecondsBoard, Standard, Until, Watcher,
    default_engine,
};
use tokio_util::sync::CancellationToken;

use crate::app::{Signal, Signals};
use crate::cli::BenchmarkArgs;
use crate::config::{ClusterConfig, Config, ConfigError};
use crate::output;

/// A request under load may take longer than a probe.
const DEADLINE: Duration = Duration::from_secs(5);

/// Runs it. The first signal ends the load and brings the report of what ran, the second ends the program.
pub(crate) async fn run(config: &Config, arguments: &BenchmarkArgs) -> anyhow::Result<()> {
    let [cluster] = config.clusters.as_slice() else {
        return Err(ConfigError::new(format!(
            "the configuration has {} clusters, and a benchmark runs on one: name it by --endpoints without --config, or use etcd-bench",
            config.clusters.len()
        ))
        .into());
    };
    let benchmark =
        benchmark(cluster, arguments).map_err(|error| ConfigError::new(error.to_string()))?;
    let report = until_signal(&benchmark).await?;
    output::write(&report.to_table(), None)?;
    if !report.is_success() {
        bail!("the benchmark failed: the report says why");
    }
    Ok(())
}

fn benchmark(cluster: &ClusterConfig, arguments: &BenchmarkArgs) -> Result<Benchmark, BenchError> {
    let load = Load::new(Until::Operations(arguments.benchmark_ops));
    of_cluster(
        cluster,
        load,
        &Standard::new(arguments.benchmark_type.into()),
    )
}

/// A benchmark of a cluster as it is configured: its endpoints, with its TLS and credentials.
pub(crate) fn of_cluster(
    cluster: &ClusterConfig,
    load: Load,
    standard: &Standard,
) -> Result<Benchmark, BenchError> {
    load.check()?;
    let mut client = cluster.client.clone();
    client.deadline = DEADLINE;
    let endpoints = cluster.endpoints.clone();
    Ok(Benchmark {
        engine: default_engine(client.clone(), endpoints.clone()),
        client,
        endpoints,
        load,
        workload: standard.workload()?,
        options: standard.options()?,
    })
}

async fn until_signal(benchmark: &Benchmark) -> anyhow::Result<Report> {
    let stop = CancellationToken::new();
    let mut signals = Signals::new()?;
    let mut running = std::pin::pin!(benchmark.run(&Told, &stop));
    loop {
        tokio::select! {
            report = &mut running => return Ok(report?),
            signal = signals.next() => match signal {
                Signal::Stop(why) if stop.is_cancelled() => return Err(anyhow!("{why} again: the keys may be left")),
                Signal::Stop(_) => stop.cancel(),
                #[cfg(unix)]
                Signal::Reload => {}
            }
        }
    }
}

/// Tells each phase on stderr.
struct Told;

impl Watcher for Told {
    #[expect(clippy::print_stderr, reason = "what a command is doing")]
    fn begins(&self, phase: Phase, _board: &Arc<SecondsBoard>) {
        match phase {
            Phase::Populating(count) => eprintln!("writing {count} keys"),
            Phase::Measuring => eprintln!("measuring"),
            Phase::CleaningUp => eprintln!("deleting the keys"),
            _ => {}
        }
    }
}
