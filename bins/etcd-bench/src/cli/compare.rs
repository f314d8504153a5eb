//! The flags of what compares.

use std::path::PathBuf;

use clap::Args;

use super::result::{CriteriaArgs, ResultArgs};
use super::{Command, EngineArg};

/// Says whether B is faster or slower than A, from their reports
///
/// Five runs a side or more are compared run by run (Mann-Whitney, Hodges-Lehmann, Holm); of one run a side only the throughput
/// is judged, by its seconds. Reports are those of `-w json`; runs of both sides are best made in turns, as `etcd-bench ab` does.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  etcd-bench compare before.json after.json
  etcd-bench compare --a a1.json a2.json a3.json a4.json a5.json --b b1.json b2.json b3.json b4.json b5.json
  etcd-bench compare before.json after.json --threshold 10% --metrics throughput -w json

Exit codes: 0 B is the same or better, 1 failed or not comparable, 2 wrong usage, 3 regression, 4 too noisy to tell.")]
pub(crate) struct CompareArgs {
    /// The report of A, and that of B
    #[arg(value_name = "REPORT", num_args = 2, conflicts_with_all = ["a", "b"])]
    pub reports: Vec<PathBuf>,

    /// Reports of A
    #[arg(long, value_name = "REPORT", num_args = 1.., requires = "b", required_unless_present = "reports")]
    pub a: Vec<PathBuf>,

    /// Reports of B
    #[arg(long, value_name = "REPORT", num_args = 1.., requires = "a")]
    pub b: Vec<PathBuf>,

    /// What counts.
    #[command(flatten)]
    pub criteria: CriteriaArgs,

    /// The result.
    #[command(flatten)]
    pub result: ResultArgs,
}

/// Runs two sides in turns (A B, B A, …), and compares them
///
/// The sides ask the same load and differ in their endpoints, their engine, or both; what is not said of a side is that of the
/// load. With -w json all runs are kept.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  etcd-bench ab --a-endpoints 10.0.0.1:2379 --b-endpoints 10.0.1.1:2379 write --duration 10s --warmup 2s
  etcd-bench ab --rounds 20 --a-endpoints old:2379 --b-endpoints new:2379 --threshold 3% mixed --total 20000 -w json -o ab.json

Exit codes: 0 B is the same or better, 1 failed or not comparable, 2 wrong usage, 3 regression, 4 too noisy to tell.")]
pub(crate) struct AbArgs {
    /// Runs of each side
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub rounds: u32,

    /// Endpoints of A
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',')]
    pub a_endpoints: Vec<String>,

    /// Endpoints of B
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',')]
    pub b_endpoints: Vec<String>,

    /// What sends the requests of A
    #[arg(long, value_name = "ENGINE")]
    pub a_engine: Option<EngineArg>,

    /// What sends the requests of B
    #[arg(long, value_name = "ENGINE")]
    pub b_engine: Option<EngineArg>,

    /// What counts.
    #[command(flatten)]
    pub criteria: CriteriaArgs,

    /// What both sides ask.
    #[command(subcommand)]
    pub load: Command,
}
