//! The tasks of the connections, each awaited.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Tasks that are waited for at the end, and cut off when that takes too long. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks {
    running: TaskTracker,
    cut: CancellationToken,
}

impl Tasks {
    /// Runs a task. One that panics is named in the log and harms no other.
    pub(crate) fn spawn(&self, task: impl Future + Send + 'static) {
        let cut = self.cut.clone();
        self.running.spawn(async move {
            let task = AssertUnwindSafe(task).catch_unwind();
            if let Some(Err(_)) = cut.run_until_cancelled(task).await {
                tracing::error!("The task of a connection panicked");
            }
        });
    }

    /// Waits for all of them for so long, and cuts off those that still run. False where there were any.
    pub(crate) async fn drain(&self, limit: Duration) -> bool {
        self.running.close();
        let in_time = tokio::time::timeout(limit, self.running.wait())
            .await
            .is_ok();
        self.cut.cancel();
        self.running.wait().await;
        in_time
    }
}

/// Runs the streams of an HTTP/2 connection.
impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future + Send + 'static,
{
    fn execute(&self, stream: F) {
        self.spawn(stream);
    }
}
