//! Measures what the API costs its clients and the daemon; `scripts/measure-api` runs it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use etcd_monitor_tests::measure_api::{self, Plan};

#[derive(Debug, Parser)]
#[command(name = "measure-api")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes a day of samples of one cluster into a history file
    Seed {
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        #[arg(long, default_value = "fleet-0")]
        cluster: String,
    },
    /// Asks a daemon that runs, lets clients follow it, and prints what came of both
    Ask(Daemon),
    /// Lets clients follow a daemon that runs, and prints what they cost
    Follow(Daemon),
}

#[derive(Debug, Args)]
struct Daemon {
    #[arg(long, default_value = "127.0.0.1:8080")]
    address: SocketAddr,
    #[arg(long)]
    pid: u32,
    #[arg(long, default_value = "fleet-0")]
    cluster: String,
    /// How long each load goes on
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

impl Daemon {
    fn plan(self) -> Plan {
        Plan {
            address: self.address,
            pid: self.pid,
            cluster: self.cluster,
            span: Duration::from_secs(self.seconds),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse().command).await {
        Ok(lines) => say(&lines),
        Err(error) => say_and_fail(&error),
    }
}

async fn run(command: Command) -> anyhow::Result<Vec<String>> {
    match command {
        Command::Seed { file, cluster } => {
            measure_api::seed(&file, &cluster).await?;
            Ok(Vec::new())
        }
        Command::Ask(daemon) => measure_api::run(&daemon.plan()).await,
        Command::Follow(daemon) => measure_api::follow(&daemon.plan()).await,
    }
}

#[expect(clippy::print_stdout, reason = "the figures of a command")]
fn say(lines: &[String]) -> ExitCode {
    for line in lines {
        println!("{line}");
    }
    ExitCode::SUCCESS
}

#[expect(clippy::print_stderr, reason = "the error of a command")]
fn say_and_fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("measure-api: {error:#}");
    ExitCode::FAILURE
}
