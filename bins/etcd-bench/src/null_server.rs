//! Serves nothing, until a signal comes.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use etcd_monitor_bench::NullServer;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cli::NullServerArgs;
use crate::{output, signals};

/// Serves until SIGTERM or Ctrl-C.
pub(crate) async fn run(arguments: &NullServerArgs) -> anyhow::Result<ExitCode> {
    let server = NullServer::bind(&arguments.listen).with_context(|| {
        format!(
            "cannot listen on {}; choose another --listen",
            arguments.listen
        )
    })?;
    let server = Arc::new(server);
    output::write_text(&format!("http://{}\n", server.address()?), None)?;
    let stop = CancellationToken::new();
    let _signals = signals::stop_at_signal(stop.clone())?;
    let mut threads = JoinSet::new();
    for _ in 0..arguments.threads {
        let (server, stop) = (Arc::clone(&server), stop.clone());
        threads.spawn_blocking(move || server.serve(&stop));
    }
    while let Some(ended) = threads.join_next().await {
        ended
            .context("a thread of the server panicked")?
            .context("the server cannot go on")?;
    }
    Ok(ExitCode::SUCCESS)
}
