//! `etcd-monitor check-config`: reads a configuration file as the daemon does, and says what it is.

mod routing;
mod summary;
mod text;

use std::process::ExitCode;

use crate::cli::{CheckConfigArgs, OutputFormat};
use crate::config::Config;
use crate::output;
use routing::Hearers;
use summary::Summary;

/// Checks and prints. Never panics; what goes wrong is said on stderr.
pub(crate) fn run(arguments: &CheckConfigArgs) -> ExitCode {
    output::exit_code(checked(arguments))
}

fn checked(arguments: &CheckConfigArgs) -> anyhow::Result<()> {
    let config = Config::load_file(&arguments.file)?;
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
