//! How a file store is set up.

use std::path::PathBuf;
use std::time::Duration;

use super::retention::Retention;

/// Where and how samples are kept in a file.
#[derive(Debug, Clone)]
pub struct FileStoreOptions {
    pub(super) path: PathBuf,
    pub(super) retention: Retention,
    pub(super) flush_interval: Duration,
    pub(super) queued_samples_max: usize,
}

impl FileStoreOptions {
    /// A file at a path: written every 30 s, with the default [`Retention`] and room for 400,000 samples in the queue.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            retention: Retention::default(),
            flush_interval: Duration::from_secs(30),
            queued_samples_max: 400_000,
        }
    }

    /// How long and how much the file keeps.
    #[must_use]
    pub fn retention(self, retention: Retention) -> Self {
        Self { retention, ..self }
    }

    /// How often what is queued is written: what a crash may lose. At least 10 ms.
    #[must_use]
    pub fn flush_interval(self, flush_interval: Duration) -> Self {
        Self {
            flush_interval: flush_interval.max(Duration::from_millis(10)),
            ..self
        }
    }

    /// How many samples may wait to be written, each about 50 bytes of memory; beyond them the oldest are dropped, and
    /// counted. They wait through a flush, and through a failure of the disk.
    #[must_use]
    pub fn queued_samples_max(self, queued_samples_max: usize) -> Self {
        Self {
            queued_samples_max,
            ..self
        }
    }
}
