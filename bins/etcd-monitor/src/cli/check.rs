//! The command line of `etcd-monitor check`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::ConnectionArgs;

const EXAMPLES: &str = "Examples:
  etcd-monitor check                                       the etcd on this host
  etcd-monitor check --endpoints 10.0.0.1:2379             name one member, the others are found
  etcd-monitor check --endpoints https://etcd-1:2379 --cacert ca.pem --cert client.pem --key client.key
  etcd-monitor check -w simple || mail -s etcd ops         one line per finding, for a cron job
  etcd-monitor check -w json -o etcd.json                  everything that is known, for programs

What is wrong goes to stdout (or to the file of -o), everything else to stderr.
Exit codes, by the worst finding that is true:
  0  nothing, or only what is worth knowing
  1  a warning
  2  something critical
  3  not known: no member answered (a refused certificate or password is no answer),
     this program was late, or the arguments are wrong
What could not be judged changes no exit code; it is listed as not evaluable.";

/// How to check, and where the answer goes.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct CheckArgs {
    /// Which cluster, and how to reach it.
    #[command(flatten)]
    pub connection: ConnectionArgs,

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

/// Form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Tables and sentences for people.
    Table,
    /// One JSON object for programs.
    Json,
    /// One line for each, without headings.
    Simple,
}
