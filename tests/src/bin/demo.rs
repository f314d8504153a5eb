//! The demo: a real cluster, the daemon on it, a little load, and a check of it all.

use std::process::ExitCode;

use clap::Parser;
use etcd_monitor_tests::demo::{Demo, say};

/// Starts a real 3-member etcd cluster, the etcd-monitor daemon on it and a little load, and stays up.
///
/// Ctrl-C stops everything and removes its data.
#[derive(Debug, Parser)]
#[command(name = "demo")]
struct Arguments {
    /// Unattended: kill a member, see alert and resolution arrive, ask every endpoint; exit 0, or 1 with the reason
    #[arg(long)]
    check: bool,

    /// Also send alerts to this webhook
    #[arg(long, value_name = "URL", conflicts_with = "check")]
    webhook_url: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    let ended = if arguments.check {
        Demo::check().await
    } else {
        Demo::show(arguments.webhook_url).await
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
