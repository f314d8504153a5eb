//! The `etcd-bench` program: reads flags, runs benchmarks or reads their reports, writes what came of it.

mod ab;
mod check;
mod cli;
mod compare;
mod display;
mod each;
mod merge;
#[cfg(target_os = "linux")]
mod null_server;
mod output;
mod progress;
mod run;
mod scenario;
mod screen;
mod search;
mod signals;

use std::process::ExitCode;

use clap::Parser;

use cli::Cli;

fn main() -> ExitCode {
    // Every TLS connection of the process uses ring; an error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return output::fail(&error.into()),
    };
    let ended = runtime.block_on(run::run(&cli));
    // A blocking call under way, such as a name that resolves slowly, must not hold up the end.
    runtime.shutdown_background();
    match ended {
        Ok(code) => code,
        Err(error) => output::fail(&error),
    }
}
