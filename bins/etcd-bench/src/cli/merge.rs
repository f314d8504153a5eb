//! The flags of what merges.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// How a merged result looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MergeFormat {
    /// For people
    Table,
    /// One document
    Json,
    /// A histogram log again
    Hlog,
}

/// Puts together what several generators measured at the same time
///
/// Histogram logs (--hdr-log) add up without loss: the percentiles are those of all requests together. Reports (-w json) add up
/// to a throughput where they are about the same load on the same cluster, and their times of measurement have 90 % of the longest
/// in common, by the clocks of their machines; their percentiles do not add up. Both can be given at once.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  etcd-bench merge worker1.hlog worker2.hlog worker3.hlog
  etcd-bench merge worker*.json worker*.hlog -w json -o all.json
  etcd-bench merge worker*.hlog -w hlog -o all.hlog

Exit codes: 0 merged, 1 a file cannot be read or does not belong to the others, 2 wrong usage.")]
pub(crate) struct MergeArgs {
    /// Histogram logs and reports
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// Form of the result
    #[arg(
        short = 'w',
        long = "write-out",
        value_name = "FORMAT",
        default_value = "table"
    )]
    pub format: MergeFormat,

    /// File to write it to, instead of stdout
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
}
