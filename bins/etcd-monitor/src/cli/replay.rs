//! The command line of `etcd-monitor replay`.

use std::path::PathBuf;

use clap::Args;

use super::OutputFormat;

const EXAMPLES: &str = "Examples:
  etcd-monitor replay 20260102T030405Z-default-QuorumLost.recording
  etcd-monitor replay -w json -o incident.json incident.recording
  etcd-monitor replay --pages incident.recording           the /metrics pages of members in trouble

Recordings lie in the data directory under black-box/frozen, and can be fetched from a running daemon:
  curl http://127.0.0.1:8080/api/v1/blackbox
  curl -O http://127.0.0.1:8080/api/v1/blackbox/NAME

Exit codes: 0 replayed, also where parts of the file are damaged (what is missing is said);
1 the file cannot be read, is no recording or of a newer etcd-monitor; 2 wrong usage.";

/// What to replay, and where the answer goes.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct ReplayArgs {
    /// The recording
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Print the /metrics pages that were kept of members with an open finding, instead of the findings
    #[arg(long)]
    pub pages: bool,

    /// Form of the answer
    #[arg(
        short = 'w',
        long = "write-out",
        value_name = "FORMAT",
        help_heading = "Output"
    )]
    #[arg(value_enum, default_value_t = OutputFormat::Table, conflicts_with = "pages")]
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
