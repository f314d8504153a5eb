//! The signals that ask the process to stop.

/// SIGTERM and Ctrl-C; and SIGHUP, which changes nothing yet.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one that asks to stop, and names it. Cancel-safe.
    pub(super) async fn next(&mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return "interrupted",
                _ = self.terminate.recv() => return "asked to terminate",
                _ = self.hang_up.recv() => {
                    tracing::warn!("SIGHUP: the configuration is not read again; restart to change it");
                }
            }
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "the same signature as on Unix")]
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    /// Waits for the next one and names it. Cancel-safe.
    pub(super) async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "interrupted",
            // Without a handler nobody can ask; wait for the process to be ended.
            Err(_) => std::future::pending().await,
        }
    }
}
