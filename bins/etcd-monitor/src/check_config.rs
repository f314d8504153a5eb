//! `etcd-monitor check-config`: reads a configuration file as the daemon does, and says what it is.

mod routing;
mod summary;
mod text;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{CheckConfigArgs, Cli, OutputFormat};
use crate::config::{Config, ConfigError};
use crate::output;
use routing::Hearers;
use summary::Summary;

/// Checks and prints. Never panics; what goes wrong is said on stderr.
pub(crate) fn run(arguments: &CheckConfigArgs) -> ExitCode {
    output::exit_code(checked(arguments))
}

fn checked(arguments: &CheckConfigArgs) -> anyhow::Result<()> {
    let mut cli = Cli::try_parse_from(["etcd-monitor"])
        .map_err(|error| ConfigError::new(error.to_string()))?;
    cli.config = Some(arguments.file.clone());
    let config = Config::load(&cli)?;
    let answer = if arguments.route.is_empty() {
        described(&config, arguments)?
    } else {
        let hearers = Hearers::of(&config.alerts.policy, &arguments.route)?;
        match arguments.output.format {
            OutputFormat::Table => text::hearers(&hearers),
            OutputFormat::Simple => text::names(&hearers),
            OutputFormat::Json => serde_json::to_string_pretty(&hearers)? + "\n",
        }
    };
    output::write(&answer, arguments.output.output.as_deref())
}

fn described(config: &Config, arguments: &CheckConfigArgs) -> anyhow::Result<String> {
    let summary = Summary::of(config, jiff::Timestamp::now());
    Ok(match arguments.output.format {
        OutputFormat::Table => text::tables(&summary, &arguments.file),
        OutputFormat::Simple => text::line(&summary),
        OutputFormat::Json => serde_json::to_string_pretty(&summary)? + "\n",
    })
}
