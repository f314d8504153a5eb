//! The `etcd-monitor` program: reads flags and configuration, builds the parts, runs them.

use std::process::ExitCode;

use clap::Parser;
use etcd_monitor::{Cli, Config, ConfigError, app, logging};

fn main() -> ExitCode {
    // Every TLS connection of the process uses ring; an error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::parse();
    logging::init(cli.log_format);
    match Config::load(&cli) {
        Ok(config) => run(config),
        Err(error) => usage(&error),
    }
}

fn run(config: Config) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // Two threads, so that a large answer does not make the timers of the probes late.
        .worker_threads(2)
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(app::run(config)),
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<ConfigError>() => usage(&error),
        Err(error) => {
            logging::fatal(&error);
            ExitCode::FAILURE
        }
    }
}

fn usage(error: &(impl std::fmt::Display + ?Sized)) -> ExitCode {
    logging::fatal(error);
    ExitCode::from(2)
}
