//! The file itself: opened, written, read, closed, set aside. Everything here blocks.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use etcd_monitor_model::{HistoryQuery, Point, SampleBatch, SeriesKey, SeriesSelector};
use jiff::Timestamp;
use redb::{Builder, Database, ReadableDatabase};

use super::aside;
use super::error::{FileStoreError, Trouble, guarded};
use super::index::Index;
use super::reader::{self, Chunk, Cursor, Damaged};
use super::retention::Retention;
use super::schema::{self, GroupId};
use super::space::Space;
use super::status::Board;
use super::writer::{self, Limits};
use crate::rows::SeriesId;
use crate::thin::Grid;
use crate::tier::tier_for;

/// Memory for pages of the file.
const CACHE_BYTES: usize = 16 << 20;

/// Damaged blocks that are remembered until the next write; what is beyond is found again.
const DAMAGED_MAX: usize = 1000;

/// Makes the database of a path: replaced in tests, to let it fail.
pub(super) type Opener = dyn Fn(&Path) -> Result<Database, redb::DatabaseError> + Send + Sync;

/// A file of samples.
pub(crate) struct SampleFile {
    path: PathBuf,
    retention: Retention,
    opener: Box<Opener>,
    /// `None` while it cannot be opened; the next write tries again.
    opened: RwLock<Option<Open>>,
    /// Held while writing: there is one writer.
    writing: Mutex<Space>,
    /// What readers could not read.
    damaged: Mutex<BTreeSet<Damaged>>,
    /// A reader found what the next write shall set aside.
    suspect: AtomicBool,
    board: Arc<Board>,
}

/// An open file.
struct Open {
    db: Database,
    index: RwLock<Index>,
}

impl Open {
    /// A copy of the index.
    fn index(&self) -> Index {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        index.clone()
    }
}

/// A series that is in the file.
#[derive(Debug, Clone)]
pub(crate) struct StoredSeries {
    pub(crate) key: SeriesKey,
    group: GroupId,
    series: SeriesId,
    /// Time of the newest row of its member in the file, in Unix milliseconds.
    pub(crate) newest: i64,
}

impl StoredSeries {
    /// Where the reading of what a query wants begins.
    pub(crate) fn cursor(&self, query: &HistoryQuery) -> Cursor {
        Cursor {
            group: self.group,
            series: self.series,
            tier: Grid::of(query).map_or(0, |it| tier_for(it.width)),
            from: query.start.as_millisecond(),
            end: query.end.as_millisecond(),
        }
    }
}

impl std::fmt::Debug for SampleFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SampleFile")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Drop for SampleFile {
    fn drop(&mut self) {
        self.close();
    }
}

impl SampleFile {
    pub(crate) fn new(path: PathBuf, retention: Retention, board: Arc<Board>) -> Self {
        let opener = |path: &Path| Builder::new().set_cache_size(CACHE_BYTES).create(path);
        Self::with_opener(path, retention, board, Box::new(opener))
    }

    pub(super) fn with_opener(
        path: PathBuf,
        retention: Retention,
        board: Arc<Board>,
        opener: Box<Opener>,
    ) -> Self {
        Self {
            path,
            retention,
            opener,
            opened: RwLock::new(None),
            writing: Mutex::new(Space::new(retention.bytes)),
            damaged: Mutex::default(),
            suspect: AtomicBool::new(false),
            board,
        }
    }

    /// Opens the file, or makes it; one that is damaged as a whole is set aside.
    pub(crate) fn open(&self) -> Result<(), FileStoreError> {
        match self.load() {
            Err(Trouble::Damaged(reason)) => {
                self.set_aside(&reason)?;
                self.load()
            }
            other => other,
        }
        .map_err(|trouble| self.explain("open", trouble))
    }

    /// Writes batches; when it returns, they are durable.
    pub(crate) fn write(
        &self,
        batches: &[SampleBatch],
        now: Timestamp,
    ) -> Result<(), FileStoreError> {
        let mut space = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.suspect.swap(false, Ordering::Relaxed) {
            self.set_aside("a reader found it damaged")?;
        }
        let now = now.as_millisecond();
        match self.try_write(batches, now, &mut space) {
            Err(Trouble::Damaged(reason)) => {
                self.set_aside(&reason)?;
                self.try_write(batches, now, &mut space)
            }
            other => other,
        }
        .map_err(|trouble| {
            // After a failure redb wants to be opened again. What is in the file can be read meanwhile.
            self.close();
            if let Err(trouble) = self.load() {
                tracing::debug!(?trouble, "opening the history file after a failed write");
            }
            self.explain("write to", trouble)
        })
    }

    /// Every series that the selector matches, in order.
    pub(crate) fn series(
        &self,
        selector: &SeriesSelector,
    ) -> Result<Vec<StoredSeries>, FileStoreError> {
        self.with_open("read", |open| {
            let index = open.index.read().unwrap_or_else(PoisonError::into_inner);
            let stored = |(key, group, series)| StoredSeries {
                newest: index.groups.get(&group).map_or(i64::MIN, |it| it.last),
                key,
                group,
                series,
            };
            Ok(index.matching(selector).into_iter().map(stored).collect())
        })
    }

    /// Reads some points of a series, and says where to go on.
    pub(crate) fn read(
        &self,
        cursor: Cursor,
    ) -> Result<(Vec<Point>, Option<Cursor>), FileStoreError> {
        let chunk = self.with_open("read", |open| reader::read(&open.db, cursor))?;
        let Chunk {
            points,
            next,
            damaged,
        } = chunk;
        let mut known = self.damaged();
        for one in damaged {
            if known.len() < DAMAGED_MAX {
                known.insert(one);
            }
        }
        Ok((points, next))
    }

    /// Looks into the file.
    #[cfg(test)]
    pub(super) fn with_database<T>(
        &self,
        look: impl FnOnce(&Database, &Index) -> Result<T, Trouble>,
    ) -> Result<T, FileStoreError> {
        self.with_open("look into", |open| look(&open.db, &open.index()))
    }

    /// Lets go of the file; a panic of redb on the way changes nothing.
    pub(crate) fn close(&self) {
        let open = self
            .opened
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

    /// What to say of a write that ended without an answer.
    pub(crate) fn explain_lost(&self, reason: &str) -> FileStoreError {
        self.explain("write to", Trouble::Io(reason.to_owned()))
    }

    fn with_open<T>(
        &self,
        operation: &'static str,
        run: impl FnOnce(&Open) -> Result<T, Trouble>,
    ) -> Result<T, FileStoreError> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        let done = match opened.as_ref() {
            Some(open) => guarded(|| run(open)),
            None => Err(not_open()),
        };
        done.map_err(|trouble| {
            self.suspect
                .fetch_or(matches!(trouble, Trouble::Damaged(_)), Ordering::Relaxed);
            self.explain(operation, trouble)
        })
    }

    fn try_write(
        &self,
        batches: &[SampleBatch],
        now: i64,
        space: &mut Space,
    ) -> Result<(), Trouble> {
        let is_open = self.opened.read().is_ok_and(|it| it.is_some());
        if !is_open {
            self.load()?;
        }
        let live = self.transact(batches, now, space.live_max())?;
        let allocated = self.measure();
        if space.look(allocated, live) {
            self.compact()?;
            space.compacted(self.measure());
        }
        Ok(())
    }

    /// One transaction; gives the bytes in use after it.
    fn transact(&self, batches: &[SampleBatch], now: i64, live_max: u64) -> Result<u64, Trouble> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        let open = opened.as_ref().ok_or_else(not_open)?;
        let mut index = open.index();
        let damaged = std::mem::take(&mut *self.damaged());
        let limits = Limits {
            retention: &self.retention,
            live_max,
            now,
        };
        let write = || writer::write(&open.db, &mut index, batches, &damaged, limits);
        let written = guarded(write)?;
        let live = index.sizes.iter().sum();
        self.board.used(&index.sizes);
        *open.index.write().unwrap_or_else(PoisonError::into_inner) = index;
        self.board.written(written);
        Ok(live)
    }

    /// Moves what is in use to the beginning of the file, and cuts off the rest. Readers wait meanwhile.
    fn compact(&self) -> Result<(), Trouble> {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        let open = opened.as_mut().ok_or_else(not_open)?;
        tracing::info!(file = %self.path.display(), "compacting the history file");
        guarded(|| Ok(open.db.compact()?)).map(|_| ())
    }

    /// Opens the file and reads its index.
    fn load(&self) -> Result<(), Trouble> {
        let (open, damaged) = guarded(|| {
            let db = (self.opener)(&self.path)?;
            schema::prepare(&db)?;
            let (index, damaged) = Index::load(&db.begin_read()?)?;
            self.board.used(&index.sizes);
            let index = RwLock::new(index);
            Ok((Open { db, index }, damaged))
        })?;
        self.board.damaged(damaged);
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = Some(open);
        self.measure();
        Ok(())
    }

    fn measure(&self) -> u64 {
        let bytes = allocated_bytes(&self.path);
        self.board.allocated(bytes);
        bytes
    }

    fn damaged(&self) -> MutexGuard<'_, BTreeSet<Damaged>> {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_aside(&self, reason: &str) -> Result<(), FileStoreError> {
        self.close();
        let aside = aside::set_aside(&self.path).map_err(|source| FileStoreError::Io {
            operation: "set aside",
            path: self.path.clone(),
            reason: source.to_string(),
        })?;
        self.board.set_aside(aside, reason);
        Ok(())
    }

    fn explain(&self, operation: &'static str, trouble: Trouble) -> FileStoreError {
        let path = self.path.clone();
        match trouble {
            Trouble::Locked => FileStoreError::Locked { path },
            Trouble::Newer(found) => FileStoreError::Newer {
                path,
                found,
                known: schema::VERSION,
            },
            Trouble::Damaged(reason) | Trouble::Io(reason) => FileStoreError::Io {
                operation,
                path,
                reason,
            },
        }
    }
}

fn not_open() -> Trouble {
    Trouble::Io("it is not open since a failure".to_owned())
}

/// Bytes that the file takes on the disk; 0 where there is none.
#[cfg(unix)]
pub(super) fn allocated_bytes(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    const BLOCK: u64 = 512;
    std::fs::metadata(path).map_or(0, |it| it.blocks() * BLOCK)
}

/// Length of the file: what it has allocated is not known here. 0 where there is none.
#[cfg(not(unix))]
pub(super) fn allocated_bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |it| it.len())
}
