//! The flags of what shows a report again.

use std::path::PathBuf;

use clap::Args;

use super::ReportFormat;

/// Shows a report that was written before, as a page with charts or in another form
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  etcd-bench report before.json -o before.html
  etcd-bench report before.json -w table

Exit codes: 0 written, 1 it could not be read or written, 2 wrong usage.")]
pub(crate) struct ReportArgs {
    /// A report of -w json
    #[arg(value_name = "REPORT")]
    pub report: PathBuf,

    /// Form of the report
    #[arg(
        short = 'w',
        long = "write-out",
        value_name = "FORMAT",
        default_value = "html"
    )]
    pub format: ReportFormat,

    /// File to write it to, instead of stdout
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
}
