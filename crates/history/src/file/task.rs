//! The one task that writes.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::FileStore;
use super::error::FileStoreError;

/// Writes what is queued in a [`FileStore`]: run it, and await it.
#[derive(Debug)]
pub struct FileStoreWriter {
    store: FileStore,
    flush_interval: Duration,
}

impl FileStoreWriter {
    pub(crate) fn new(store: FileStore, flush_interval: Duration) -> Self {
        Self {
            store,
            flush_interval,
        }
    }

    /// Writes at every flush interval until it is told to stop; then once more, and closes the file. What fails is told by
    /// the status of the store, and tried again with the next flush.
    pub async fn run(self, stop: CancellationToken) {
        let mut timer = interval(self.flush_interval);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        timer.tick().await;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = timer.tick() => self.try_flush().await,
            }
        }
        self.try_flush().await;
        let file = Arc::clone(&self.store.file);
        if let Err(error) = spawn_blocking(move || file.close()).await {
            tracing::error!(%error, "cannot close the history file");
        }
    }

    /// Writes what is queued now; when it returns, that is durable. What could not be written stays queued.
    pub async fn flush(&self) -> Result<(), FileStoreError> {
        self.flush_at(Timestamp::now()).await
    }

    /// The same as if it were `now`, which is what ages are reckoned from: for filling a store with what was measured
    /// before.
    pub async fn flush_at(&self, now: Timestamp) -> Result<(), FileStoreError> {
        let batches = self.store.queue.take();
        let file = Arc::clone(&self.store.file);
        let write = move || {
            let written = file.write(&batches, now);
            (written, batches)
        };
        let (written, batches) = spawn_blocking(write)
            .await
            .map_err(|error| self.store.file.explain_lost(&error.to_string()))?;
        if let Err(error) = &written {
            self.store.board.failed(error);
            self.store.queue.put_back(batches);
        }
        written
    }

    /// Flushes; a failure is told by the status.
    async fn try_flush(&self) {
        if let Err(error) = self.flush().await {
            tracing::debug!(%error, "a flush of the history failed");
        }
    }
}
