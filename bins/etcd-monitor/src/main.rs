//! The `etcd-monitor` program: reads flags and configuration, builds the parts, runs them.

use std::process::ExitCode;

use clap::Parser;
use etcd_monitor::{Cli, Config, ConfigError, LogFormat, app, logging};

fn main() -> ExitCode {
    // Every TLS connection of the process uses ring; an error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return etcd_monitor::refuse(&error),
    };
    if let Some(command) = &cli.command {
        let _log = logging::init(LogFormat::Text);
        return command.run();
    }
    let _log = logging::init(cli.log_format);
    match Config::load(&cli) {
        Ok(config) => run(config, cli),
        Err(error) => usage(&error),
    }
}

fn run(config: Config, cli: Cli) -> ExitCode {
    // One thread for probing and alerting: a cycle is a few dozen small waits, and waking a second thread for each
    // costs more than it gains. The HTTP server has a thread of its own.
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let ended = runtime.block_on(app::run(config, cli));
    // A blocking call under way, such as a name that resolves slowly, must not hold up the end.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    if error.is::<ConfigError>() {
        return usage(error);
    }
    logging::fatal(error);
    ExitCode::FAILURE
}

fn usage(error: &(impl std::fmt::Display + ?Sized)) -> ExitCode {
    logging::fatal(error);
    ExitCode::from(2)
}
