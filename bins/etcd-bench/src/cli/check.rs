//! The flags of `check`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use etcd_monitor_bench::{CHECK_PREFIX_DEFAULT, CheckLevel};

use super::load::duration;
use super::{ConnectionArgs, EngineArgs, OutputArgs};

/// How much is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckLevelArg {
    /// 150 puts/s by 50 clients
    #[value(alias = "small")]
    S,
    /// 1,000 puts/s by 200 clients
    #[value(alias = "medium")]
    M,
    /// 8,000 puts/s by 500 clients
    #[value(alias = "large")]
    L,
    /// 15,000 puts/s by 1,000 clients
    #[value(alias = "xLarge")]
    Xl,
}

impl From<CheckLevelArg> for CheckLevel {
    fn from(level: CheckLevelArg) -> Self {
        match level {
            CheckLevelArg::S => Self::S,
            CheckLevelArg::M => Self::M,
            CheckLevelArg::L => Self::L,
            CheckLevelArg::Xl => Self::Xl,
        }
    }
}

/// Says whether the cluster is fast enough for its size, and why not.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "The loads are those of `etcdctl check perf`; values are random, latency counts from when a put was due, and
a p99.9 of half a second is asked for instead of the longest latency.

Examples:
  etcd-bench check --endpoints 10.0.0.1:2379,10.0.0.2:2379,10.0.0.3:2379
  etcd-bench check --load l --duration 30s -w json -o check.json

Exit codes: 0 passed, 1 not passed or failed, 2 wrong usage."
)]
pub(crate) struct CheckArgs {
    /// How much is asked
    #[arg(long, value_name = "LEVEL", default_value = "s")]
    pub load: CheckLevelArg,

    /// How long
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub duration: Duration,

    /// What all keys begin with; no keys may be there, and none stay
    #[arg(long, value_name = "TEXT", default_value = CHECK_PREFIX_DEFAULT)]
    pub prefix: String,

    /// Which cluster.
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// What sends the puts.
    #[command(flatten)]
    pub engine: EngineArgs,

    /// The report.
    #[command(flatten)]
    pub output: OutputArgs,
}
