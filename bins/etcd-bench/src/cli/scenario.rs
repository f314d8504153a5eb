//! Scenarios.

use std::path::PathBuf;

use clap::Args;

use super::{ConnectionArgs, EngineArgs, OutputArgs};

/// Of a scenario.
#[derive(Debug, Args)]
pub(crate) struct ScenarioArgs {
    /// The scenario (YAML)
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Which cluster.
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,

    /// What sends the requests of single calls.
    #[command(flatten)]
    pub(crate) engine: EngineArgs,

    /// The report.
    #[command(flatten)]
    pub(crate) output: OutputArgs,

    /// Says whether the file can be run, and ends
    #[arg(long)]
    pub(crate) check: bool,
}
