//! The log on stderr.
//!
//! It is written by a thread of its own: a terminal that is held, or a pipe that nobody reads, delays no probe. What does
//! not fit into its queue is lost rather than waited for.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::cli::LogFormat;

/// Lines that wait for a stderr that does not take them; a debug log of one cycle has about ten.
const QUEUED_LINES_MAX: usize = 10_000;

/// Sends the log to stderr. `RUST_LOG` sets levels; colours only on a terminal. Dropping the guard writes what waits,
/// for at most a second.
pub fn init(format: LogFormat) -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(QUEUED_LINES_MAX)
        .finish(std::io::stderr());
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .log_internal_errors(false)
        .with_writer(writer);
    match format {
        LogFormat::Text => builder
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal())
            .init(),
        LogFormat::Json => builder.json().init(),
    }
    guard
}

/// Says on stderr why the program ends, with the chain of causes. A stderr that cannot be written changes nothing.
pub fn fatal(error: &(impl Display + ?Sized)) {
    let _ = writeln!(std::io::stderr(), "etcd-monitor: error: {error:#}");
}
