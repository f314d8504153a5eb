//! The flags.

mod check;
mod compare;
mod connection;
mod engine;
mod load;
mod merge;
#[cfg(target_os = "linux")]
mod null_server;
mod output;
mod pace;
mod preset;
mod report;
mod result;
mod scenario;
mod search;
mod streams;
mod workload;

use clap::{Parser, Subcommand};

pub(crate) use check::CheckArgs;
pub(crate) use compare::{AbArgs, CompareArgs};
pub(crate) use connection::ConnectionArgs;
pub(crate) use engine::{EngineArg, EngineArgs};
pub(crate) use load::{LoadArgs, TargetArg, duration};
pub(crate) use merge::{MergeArgs, MergeFormat};
#[cfg(target_os = "linux")]
pub(crate) use null_server::NullServerArgs;
pub(crate) use output::{OutputArgs, ReportFormat};
pub(crate) use preset::PresetArgs;
pub(crate) use report::ReportArgs;
pub(crate) use result::ResultFormat;
pub(crate) use scenario::ScenarioArgs;
pub(crate) use search::{CapacityArgs, SloArgs};
pub(crate) use streams::StreamCommand;
pub(crate) use workload::{Command, CommonArgs};

/// Measures what an etcd cluster does under load.
///
/// Latency counts from when a request was due (with --rate) or sent, errors are counted apart, and the report says how much the
/// generator itself took, and whether all that was acknowledged is there. All keys are below one prefix, where nothing may be
/// before, and are deleted in the end.
#[derive(Debug, Parser)]
#[command(name = "etcd-bench", version, max_term_width = 110)]
#[command(after_help = "Examples:
  etcd-bench write --endpoints 10.0.0.1:2379,10.0.0.2:2379 --total 100000
  etcd-bench read --clients 100 --duration 30s --serializable
  etcd-bench mixed --read-share 0.9 --rate 2000 --duration 1m --warmup 5s
  etcd-bench write --rate 500 --duration 30s -w json -o before.json
  etcd-bench watch --watchers 1000 --rate 100 --duration 30s
  etcd-bench check --load m
  etcd-bench compare before.json after.json
  etcd-bench slo --p99 10ms write

Exit codes: 0 measured (of check: passed), 1 failed or nothing could be measured, 2 wrong usage; of compare and ab also 3 regression, 4 too noisy.")]
pub(crate) struct Cli {
    /// What it does.
    #[command(subcommand)]
    pub task: Task,
}

/// What it does: a load, or something with several of them.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// One load.
    #[command(flatten)]
    Load(Box<Command>),
    /// Streams, and calls that wait for others.
    #[command(flatten)]
    Streams(Box<StreamCommand>),
    /// Loads of known shape: what Kubernetes does to etcd, and the traffic of etcd's robustness tests
    #[command(after_help = "Examples:
  etcd-bench preset apiserver-mix --rate 500 --duration 1m
  etcd-bench preset job-storm --rate 1000 --arrivals burst --burst-size 200 --duration 30s
  etcd-bench preset robustness --total 20000 --watchers 10

Updates are optimistic transactions: put if the key was not changed since, else read when it was. Reads and writes are apart in
the report. Watchers see all keys; whether they saw every change stands in `delivery`, but events have no latency here: that is
what `etcd-bench watch` measures.")]
    Preset(Box<PresetArgs>),
    /// Runs the phases of a file one after the other, with a report of each and of the whole
    #[command(after_help = "Examples:
  etcd-bench run scenario.yaml --endpoints 10.0.0.1:2379
  etcd-bench run scenario.yaml --check
  etcd-bench run scenario.yaml -w json -o nightly.json

A scenario:
  name: nightly
  clients: 50
  phases:
    - {name: fill, workload: write, total: 100000}
    - {name: climb, workload: mixed, read_share: 0.9, duration: 5m, ramp: {from: 500, to: 5000, steps: 10}}
    - {name: fan-out, workload: watch, watchers: 1000, rate: 100, duration: 1m}")]
    Run(Box<ScenarioArgs>),
    /// Says whether the cluster is fast enough.
    Check(Box<CheckArgs>),
    /// Compares reports.
    Compare(Box<CompareArgs>),
    /// Runs two sides in turns.
    Ab(Box<AbArgs>),
    /// Looks for a rate.
    Slo(Box<SloArgs>),
    /// Tries several rates.
    Capacity(Box<CapacityArgs>),
    /// Shows a report again.
    Report(ReportArgs),
    /// Merges results.
    Merge(MergeArgs),
    /// Serves nothing.
    #[cfg(target_os = "linux")]
    NullServer(NullServerArgs),
}
