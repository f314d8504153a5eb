//! Many fake clusters at once, for measuring what a daemon costs that watches them.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use etcd_monitor_tests::fleet;

/// Starts fake clusters, writes a configuration of the daemon that watches them, and answers until it is ended.
///
/// Every member serves a whole page of a real member, whose counters move, and Status with indexes that move.
#[derive(Debug, Parser)]
#[command(name = "fleet")]
struct Arguments {
    /// Clusters
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=500))]
    clusters: u16,

    /// Members of each
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=9))]
    members: u16,

    /// A page of a real 3-member cluster
    #[arg(long, value_name = "FILE")]
    page: PathBuf,

    /// Where to write the daemon's configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let shape = fleet::Shape {
        clusters: arguments.clusters,
        members: arguments.members,
    };
    match fleet::run(shape, &arguments.page, &arguments.config).await {
        Ok(never) => match never {},
        Err(error) => say_and_fail(&error),
    }
}

#[expect(clippy::print_stderr, reason = "the error of a command")]
fn say_and_fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("fleet: {error:#}");
    ExitCode::FAILURE
}
