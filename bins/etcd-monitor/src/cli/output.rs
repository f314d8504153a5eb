//! The flags that say how an answer looks, and where it goes.

use std::path::PathBuf;

use clap::Args;

use super::OutputFormat;

/// How an answer looks, and where it goes.
#[derive(Debug, Clone, Args)]
pub struct OutputArgs {
    /// Form of the answer
    #[arg(
        short = 'w',
        long = "write-out",
        value_name = "FORMAT",
        help_heading = "Output"
    )]
    #[arg(value_enum, default_value_t = OutputFormat::Table)]
    pub format: OutputFormat,

    /// File to write the answer to, instead of stdout
    #[arg(
        short = 'o',
        long = "output",
        value_name = "FILE",
        help_heading = "Output"
    )]
    pub output: Option<PathBuf>,
}
