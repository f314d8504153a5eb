//! The embedded file store: one redb file, blocks compressed by pco.
//!
//! One writer, many readers. A flush is one transaction, durable when it returns. What a reader or the writer finds
//! damaged is dropped and counted; a file that redb itself refuses is set aside, and a new one begins.

mod aside;
mod blocks;
mod error;
mod index;
mod part;
mod pending;
mod reader;
mod retention;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use etcd_monitor_model::{Point, SampleBatch, SeriesKey, SeriesSelector, Stat};
use redb::{Builder, Database, ReadableDatabase};

pub use error::FileError;
pub use retention::Retention;

use error::{Trouble, guarded};
use index::Index;
use reader::{Chunk, Cursor};

/// Memory for pages of the file.
const CACHE_BYTES: usize = 16 << 20;

/// Makes the database of a path: replaced in tests, to let it fail.
type Opener = dyn Fn(&Path) -> Result<Database, redb::DatabaseError> + Send + Sync;

/// A file of samples.
pub struct FileStore {
    path: PathBuf,
    retention: Retention,
    opener: Box<Opener>,
    /// `None` after a failure, until the next flush opens it again.
    open: RwLock<Option<Arc<Open>>>,
    /// Held while writing: there is one writer.
    writing: Mutex<()>,
    /// A reader found what the next flush shall set aside.
    suspect: AtomicBool,
    counts: Counts,
}

/// An open file.
struct Open {
    db: Database,
    index: RwLock<Index>,
}

#[derive(Debug, Default)]
struct Counts {
    stored: AtomicU64,
    refused: AtomicU64,
    damaged: AtomicU64,
    set_aside: AtomicU64,
    bytes: AtomicU64,
}

/// What a range of one series is read by.
#[derive(Debug, Clone)]
pub(crate) struct Reading(Cursor);

impl std::fmt::Debug for FileStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl FileStore {
    /// Opens the file at `path`, or makes it; its folder must exist. A file that is damaged as a whole is set aside under
    /// a dated name. Blocks: call it where that is allowed.
    pub fn open(path: impl Into<PathBuf>, retention: Retention) -> Result<Self, FileError> {
        let opener = |path: &Path| Builder::new().set_cache_size(CACHE_BYTES).create(path);
        Self::open_by(path.into(), retention, Box::new(opener))
    }

    fn open_by(
        path: PathBuf,
        retention: Retention,
        opener: Box<Opener>,
    ) -> Result<Self, FileError> {
        let store = Self {
            path,
            retention,
            opener,
            open: RwLock::new(None),
            writing: Mutex::new(()),
            suspect: AtomicBool::new(false),
            counts: Counts::default(),
        };
        store.reopen()?;
        Ok(store)
    }

    /// Writes batches; when it returns, they are durable. Blocks.
    pub fn append(&self, batches: &[SampleBatch]) -> Result<(), FileError> {
        self.append_at(batches, jiff::Timestamp::now().as_millisecond())
    }

    /// Every series that the selector matches, in order.
    pub fn series(&self, selector: &SeriesSelector) -> Result<Vec<SeriesKey>, FileError> {
        let open = self.current()?;
        let index = open.index.read().unwrap_or_else(PoisonError::into_inner);
        Ok(index
            .matching(selector)
            .into_iter()
            .map(|(key, ..)| key)
            .collect())
    }

    /// Bytes that are allocated in the file, about.
    pub fn allocated_bytes(&self) -> u64 {
        self.counts.bytes.load(Ordering::Relaxed)
    }

    /// Numbers for the exporter.
    pub fn stats(&self) -> Vec<Stat> {
        let count = |it: &AtomicU64| it.load(Ordering::Relaxed);
        vec![
            Stat::counter(
                "etcd_monitor_history_file_samples_total",
                "Samples written to the history file",
                count(&self.counts.stored),
            ),
            Stat::counter(
                "etcd_monitor_history_file_refused_samples_total",
                "Samples that the history file did not take: older than the newest, not finite, or of too many series",
                count(&self.counts.refused),
            ),
            Stat::counter(
                "etcd_monitor_history_file_damaged_blocks_total",
                "Blocks of the history file that could not be read",
                count(&self.counts.damaged),
            ),
            Stat::counter(
                "etcd_monitor_history_file_set_aside_total",
                "History files that were damaged as a whole and set aside",
                count(&self.counts.set_aside),
            ),
            Stat::gauge(
                "etcd_monitor_history_file_allocated_bytes",
                "Bytes allocated in the history file, estimated from the sizes of its records",
                self.allocated_bytes() as f64,
            ),
        ]
    }

    /// Where to read the series that a selector matches, within `start..end` in Unix milliseconds; points closer than
    /// `width` milliseconds are not needed.
    pub(crate) fn readings(
        &self,
        selector: &SeriesSelector,
        (start, end): (i64, i64),
        width: i64,
    ) -> Result<Vec<(SeriesKey, Reading)>, FileError> {
        let open = self.current()?;
        let index = open.index.read().unwrap_or_else(PoisonError::into_inner);
        let reading = |(key, group, series)| {
            let tier = reader::tier_for(width);
            let cursor = Cursor {
                group,
                series,
                tier,
                from: start,
                end,
            };
            (key, Reading(cursor))
        };
        Ok(index.matching(selector).into_iter().map(reading).collect())
    }

    /// Reads some points, and says where to go on. Blocks.
    pub(crate) fn read(
        &self,
        reading: &Reading,
    ) -> Result<(Vec<Point>, Option<Reading>), FileError> {
        let open = self.current()?;
        let Chunk {
            points,
            next,
            damaged,
        } = guarded(|| reader::read(&open.db, reading.0)).map_err(|trouble| {
            self.suspect
                .fetch_or(matches!(trouble, Trouble::Damaged(_)), Ordering::Relaxed);
            self.explain("read", trouble)
        })?;
        self.counts.damaged.fetch_add(damaged, Ordering::Relaxed);
        Ok((points, next.map(Reading)))
    }

    fn append_at(&self, batches: &[SampleBatch], now: i64) -> Result<(), FileError> {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.suspect.swap(false, Ordering::Relaxed) {
            self.set_aside("a reader found it damaged")?;
        }
        match self.try_append(batches, now) {
            Err(Trouble::Damaged(reason)) => {
                self.set_aside(&reason)?;
                self.try_append(batches, now)
            }
            other => other,
        }
        .map_err(|trouble| {
            self.close();
            self.explain("write to", trouble)
        })
    }

    fn try_append(&self, batches: &[SampleBatch], now: i64) -> Result<(), Trouble> {
        let open = match self.slot() {
            Some(open) => open,
            None => self.load()?,
        };
        let mut index = open
            .index
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let written =
            guarded(|| writer::write(&open.db, &mut index, batches, &self.retention, now))?;
        self.counts.bytes.store(index.bytes(), Ordering::Relaxed);
        *open.index.write().unwrap_or_else(PoisonError::into_inner) = index;
        self.counts
            .stored
            .fetch_add(written.stored, Ordering::Relaxed);
        self.counts
            .refused
            .fetch_add(written.refused, Ordering::Relaxed);
        self.counts
            .damaged
            .fetch_add(written.damaged, Ordering::Relaxed);
        Ok(())
    }

    fn reopen(&self) -> Result<(), FileError> {
        match self.load() {
            Err(Trouble::Damaged(reason)) => {
                self.set_aside(&reason)?;
                self.load()
            }
            other => other,
        }
        .map(|_| ())
        .map_err(|trouble| self.explain("open", trouble))
    }

    /// Opens the file and reads its index.
    fn load(&self) -> Result<Arc<Open>, Trouble> {
        let (open, damaged) = guarded(|| {
            let db = (self.opener)(&self.path)?;
            schema::prepare(&db)?;
            let (index, damaged) = Index::load(&db.begin_read()?)?;
            Ok((
                Open {
                    db,
                    index: RwLock::new(index),
                },
                damaged,
            ))
        })?;
        let bytes = open
            .index
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .bytes();
        self.counts.bytes.store(bytes, Ordering::Relaxed);
        self.counts.damaged.fetch_add(damaged, Ordering::Relaxed);
        let open = Arc::new(open);
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&open));
        Ok(open)
    }

    fn slot(&self) -> Option<Arc<Open>> {
        self.open
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn current(&self) -> Result<Arc<Open>, FileError> {
        let closed = || Trouble::Io("it is not open since the last failure".to_owned());
        self.slot().ok_or_else(|| self.explain("read", closed()))
    }

    /// Lets go of the file; a panic of redb on the way changes nothing.
    fn close(&self) {
        let open = self
            .open
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let closed = guarded(|| {
            drop(open);
            Ok(())
        });
        if let Err(trouble) = closed {
            tracing::debug!(?trouble, "closing the history file");
        }
    }

    fn set_aside(&self, reason: &str) -> Result<(), FileError> {
        self.close();
        let aside = aside::set_aside(&self.path).map_err(|source| FileError::Io {
            operation: "set aside",
            path: self.path.clone(),
            reason: source.to_string(),
        })?;
        self.counts.set_aside.fetch_add(1, Ordering::Relaxed);
        tracing::error!(
            file = %self.path.display(), aside = %aside.display(), reason,
            "the history file is damaged; it was set aside and a new one begins"
        );
        Ok(())
    }

    fn explain(&self, operation: &'static str, trouble: Trouble) -> FileError {
        let path = self.path.clone();
        match trouble {
            Trouble::Locked => FileError::Locked { path },
            Trouble::Newer(found) => FileError::Newer {
                path,
                found,
                known: schema::VERSION,
            },
            Trouble::Damaged(reason) | Trouble::Io(reason) => FileError::Io {
                operation,
                path,
                reason,
            },
        }
    }
}
