//! The flags of the benchmark that runs instead of watching.

use clap::{Args, ValueEnum};
use etcd_monitor_bench::StandardKind;

/// A benchmark instead of watching; `etcd-bench` has more to choose.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Benchmark")]
pub struct BenchmarkArgs {
    /// Runs a benchmark on the cluster, prints its report and exits, instead of watching
    #[arg(long)]
    pub run_benchmark: bool,

    /// What is asked
    #[arg(
        long,
        value_name = "TYPE",
        default_value = "mixed",
        requires = "run_benchmark"
    )]
    pub benchmark_type: BenchmarkType,

    /// Requests to make
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1_000,
        requires = "run_benchmark"
    )]
    pub benchmark_ops: u64,
}

/// What a benchmark asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BenchmarkType {
    /// Writes of single keys
    Write,
    /// Reads of single keys
    Read,
    /// Reads and writes
    Mixed,
    /// Reads of ranges of keys
    Range,
    /// Deletions of single keys
    Delete,
    /// Transactions that compare and swap
    Txn,
}

impl From<BenchmarkType> for StandardKind {
    fn from(named: BenchmarkType) -> Self {
        match named {
            BenchmarkType::Write => Self::Write,
            BenchmarkType::Read => Self::Read,
            BenchmarkType::Mixed => Self::Mixed,
            BenchmarkType::Range => Self::Range,
            BenchmarkType::Delete => Self::Delete,
            BenchmarkType::Txn => Self::Txn,
        }
    }
}
