//! Ctrl-C and SIGTERM: the first ends the load and brings the report, the second ends the program.

use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use crate::screen;

/// Ends the wait for signals when it is dropped.
pub(crate) struct Listening(AbortHandle);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Cancels `stop` at the first signal, and ends the process at the second.
pub(crate) fn stop_at_signal(stop: CancellationToken) -> std::io::Result<Listening> {
    let mut signals = Signals::new()?;
    let listening = tokio::spawn(async move {
        signals.next().await;
        if !screen::is_shown() {
            say("stopping: the report of what ran comes next; once more to leave at once");
        }
        stop.cancel();
        signals.next().await;
        leave();
    });
    Ok(Listening(listening.abort_handle()))
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

#[expect(
    clippy::exit,
    reason = "whoever asks twice wants no report and no cleaning up"
)]
pub(crate) fn leave() {
    screen::restore();
    std::process::exit(130);
}

#[expect(
    clippy::print_stderr,
    reason = "what a program says to whoever stops it"
)]
fn say(text: &str) {
    eprintln!("etcd-bench: {text}");
}
