//! `etcd-monitor check`: looks at a cluster once, prints what is wrong, and says by its exit code how bad it is.

mod document;
mod text;
mod verdict;

use std::process::ExitCode;
use std::time::Duration;

use etcd_monitor_core::{HealthChecker, Snapshot};

use crate::cli::{CheckArgs, OutputFormat};
use crate::config::{ClusterConfig, warn_of_unknown_variables};
use crate::{logging, output};
use verdict::Verdict;

/// The exit code where nothing is known, wrong arguments included.
pub(crate) const EXIT_UNKNOWN: u8 = 3;

/// The interval of the daemon; the checker shortens it, and with it the deadlines.
const INTERVAL: Duration = Duration::from_secs(5);

/// Checks and prints. Never panics; what goes wrong is said on stderr.
pub(crate) fn run(arguments: &CheckArgs) -> ExitCode {
    match checked(arguments) {
        Ok(verdict) => ExitCode::from(verdict.exit_code()),
        Err(error) => {
            logging::fatal(&error);
            ExitCode::from(EXIT_UNKNOWN)
        }
    }
}

fn checked(arguments: &CheckArgs) -> anyhow::Result<Verdict> {
    warn_of_unknown_variables();
    let cluster = ClusterConfig::of(&arguments.connection)?;
    let checker = HealthChecker::new(cluster.probe_options(INTERVAL))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let snapshot = runtime.block_on(checker.with_parameters(cluster.parameters).check());
    // A name that resolves slowly must not hold up the end.
    runtime.shutdown_background();
    let verdict = Verdict::of(&snapshot);
    output::write(
        &rendered(&snapshot, verdict, arguments.format),
        arguments.output.as_deref(),
    )?;
    Ok(verdict)
}

fn rendered(snapshot: &Snapshot, verdict: Verdict, format: OutputFormat) -> String {
    match format {
        OutputFormat::Table => text::tables(snapshot, verdict),
        OutputFormat::Json => document::json(snapshot, verdict),
        OutputFormat::Simple => text::lines(snapshot, verdict),
    }
}
