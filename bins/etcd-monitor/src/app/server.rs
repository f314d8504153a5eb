//! The HTTP server on a thread of its own: large answers and many clients delay no probe.

use anyhow::{Context, anyhow};
use etcd_monitor_api::{HttpOptions, Source, serve};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// The server before it runs.
pub(super) struct Server {
    pub(super) listener: std::net::TcpListener,
    pub(super) source: Source,
    pub(super) options: HttpOptions,
    pub(super) stop: CancellationToken,
}

impl Server {
    /// Runs the server until it is stopped, and says how it ended; a panic of it is a failure.
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (ended, outcome) = oneshot::channel();
        let thread = std::thread::Builder::new().name("http".to_owned());
        thread
            .spawn(move || {
                // Nobody waits for it only where the process ends.
                let _ = ended.send(self.serve());
            })
            .context("cannot start the thread of the HTTP server")?;
        outcome
            .await
            .unwrap_or_else(|_| Err(anyhow!("its thread panicked")))
    }

    fn serve(self) -> anyhow::Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener = TcpListener::from_std(self.listener)?;
            serve(listener, self.source, self.options, self.stop).await?;
            Ok(())
        })
    }
}
