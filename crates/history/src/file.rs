//! The embedded file store: one redb file, blocks compressed by pco.
//!
//! One writer, many readers. A flush is one transaction, durable when it returns. What a reader or the writer finds
//! damaged is dropped and counted; a file that redb itself refuses is set aside, and a new one begins.

mod aside;
mod blocks;
mod error;
mod index;
mod intake;
mod options;
mod part;
mod pending;
mod queue;
mod reader;
mod retention;
mod sample_file;
mod scan;
mod schema;
mod setback;
mod space;
mod status;
mod task;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::Arc;

use async_trait::async_trait;
use etcd_monitor_model::{
    HistoryError, HistoryQuery, HistoryStore, PartFailure, SampleBatch, SeriesKey, SeriesPoints,
    SeriesSelector, Stat, StatSource,
};
use tokio::sync::watch;

pub use error::FileStoreError;
pub use options::FileStoreOptions;
pub use retention::Retention;
pub use status::{FileStoreStatus, SetAside};
pub use task::FileStoreWriter;

pub(crate) use reader::Cursor;
pub(crate) use sample_file::{SampleFile, StoredSeries};

use crate::answer::{self, Reading, Source};
use queue::Queue;
use status::Board;

/// Keeps days of samples in one file.
///
/// [`append`](HistoryStore::append) only queues; the [`FileStoreWriter`] that comes with the store writes what is queued,
/// and a query sees what was written. Whole numbers are kept exactly; others to 11 significant bits, so they are off by at
/// most 1 in 4,096. Minimum, maximum, mean and count of a bucket are of what is kept.
///
/// Clones share the file.
#[derive(Debug, Clone)]
pub struct FileStore {
    file: Arc<SampleFile>,
    queue: Arc<Queue>,
    board: Arc<Board>,
}

impl FileStore {
    /// Opens the file, or makes it; its folder must exist. Blocks: call it where that is allowed.
    ///
    /// A file that is damaged as a whole is set aside under a dated name, and a new one begins. A file that cannot be
    /// opened now, on a full disk for one, is a failure in [`status`](Self::status), and is tried again at each flush. An
    /// error comes back only for what stays wrong: the file is of a newer version, or another store has it open.
    pub fn open(options: FileStoreOptions) -> Result<(Self, FileStoreWriter), FileStoreError> {
        let board = Arc::new(Board::default());
        let file = SampleFile::new(options.path, options.retention, Arc::clone(&board));
        match file.open() {
            Err(error @ FileStoreError::Io { .. }) => board.failed(&error),
            other => other?,
        }
        let store = Self {
            file: Arc::new(file),
            queue: Arc::new(Queue::new(options.queued_samples_max)),
            board,
        };
        let writer = FileStoreWriter::new(store.clone(), options.flush_interval);
        Ok((store, writer))
    }

    /// How the file is: what fails, since when, and what was set aside.
    pub fn status(&self) -> FileStoreStatus {
        self.board.status()
    }

    /// Since when nothing is stored, and why; `None` while writing works. For waiting on changes.
    pub fn watch_failure(&self) -> watch::Receiver<Option<PartFailure>> {
        self.board.watch_failure()
    }

    /// What the blocking part of the store is.
    pub(crate) fn file(&self) -> &Arc<SampleFile> {
        &self.file
    }
}

#[async_trait]
impl HistoryStore for FileStore {
    fn append(&self, batch: &SampleBatch) {
        self.queue.push(batch.clone());
    }

    async fn series(&self, selector: &SeriesSelector) -> Result<Vec<SeriesKey>, HistoryError> {
        let series = self.file.series(selector)?;
        Ok(series.into_iter().map(|it| it.key).collect())
    }

    async fn query(&self, query: &HistoryQuery) -> Result<Vec<SeriesPoints>, HistoryError> {
        answer::range(query)?;
        let series = self.file.series(&query.selector)?;
        let reading = |it: StoredSeries| {
            let cursor = it.cursor(query);
            let source = Source::File(Arc::clone(&self.file), cursor);
            Reading::new(query, source).of(it.key)
        };
        Ok(series.into_iter().map(reading).collect())
    }
}

impl StatSource for FileStore {
    fn stats(&self) -> Vec<Stat> {
        let mut stats = self.board.stats();
        stats.extend(self.queue.stats());
        stats
    }
}
