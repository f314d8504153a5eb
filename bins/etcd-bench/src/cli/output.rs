//! The flags that say how the report looks, and where it goes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// How the report looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people
    Table,
    /// One document, with every second
    Json,
    /// The seconds alone, as comma-separated values
    Csv,
    /// One page with charts, which loads nothing from anywhere
    Html,
}

/// How the report looks, and where it goes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Form of the report
    #[arg(
        short = 'w',
        long = "write-out",
        value_name = "FORMAT",
        default_value = "table"
    )]
    pub format: ReportFormat,

    /// File to write the report to, instead of stdout
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// File to write the histograms to as well, as a log that `HdrHistogram`'s tools read
    #[arg(long, value_name = "FILE")]
    pub hdr_log: Option<PathBuf>,

    /// Shows a screen while it runs: answers per second, latencies, errors, members; where stdout is a terminal
    #[arg(long, conflicts_with = "quiet")]
    pub tui: bool,

    /// Shows no progress
    #[arg(short, long)]
    pub quiet: bool,
}
