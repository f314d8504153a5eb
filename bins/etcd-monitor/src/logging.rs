//! The log on stderr.

use std::fmt::Display;
use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::cli::LogFormat;

/// Sends the log to stderr. `RUST_LOG` sets levels; colours only on a terminal.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal())
            .init(),
        LogFormat::Json => builder.json().init(),
    }
}

/// Says on stderr why the program ends, with the chain of causes.
#[expect(
    clippy::print_stderr,
    reason = "the last word of a program goes to its user, also where the log is filtered"
)]
pub fn fatal(error: &(impl Display + ?Sized)) {
    eprintln!("etcd-monitor: error: {error:#}");
}
