//! How the file is, for whoever watches over the monitor itself.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use etcd_monitor_model::{PartFailure, Stat};
use jiff::Timestamp;
use tokio::sync::watch;

use super::error::FileStoreError;
use super::index::SIZES;
use super::writer::Written;

/// How the history file is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileStoreStatus {
    /// Why nothing is stored now; `None` while writing works.
    pub failing: Option<PartFailure>,
    /// When a write last succeeded; `None` before the first.
    pub stored_at: Option<Timestamp>,
    /// The file that was set aside last, since this store was opened.
    pub set_aside: Option<SetAside>,
    /// How many files were set aside since this store was opened.
    pub set_aside_count: u64,
    /// Blocks and records that could not be read and were removed, since this store was opened. Their samples are lost.
    pub damaged_blocks: u64,
}

/// A file that was damaged as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetAside {
    /// When it was set aside.
    pub at: Timestamp,
    /// Where it is now.
    pub path: PathBuf,
    /// What was wrong with it.
    pub reason: String,
}

/// Writes in a row that took none of their samples are a failure: one may be of a clock that was set back a little.
const REFUSING_WRITES: u32 = 3;

/// Writes in a row none of whose samples the file took.
#[derive(Debug, Default)]
struct Refusing {
    since: Option<Timestamp>,
    writes: u32,
}

/// Where the parts of the store write what happens to them.
#[derive(Debug, Default)]
pub(crate) struct Board {
    status: watch::Sender<FileStoreStatus>,
    failure: watch::Sender<Option<PartFailure>>,
    refusing: Mutex<Refusing>,
    stored: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    allocated: AtomicU64,
    used: [AtomicU64; SIZES],
}

/// What the bytes in use are of, in the order of the index.
const USED_BY: [&str; SIZES] = ["pending", "samples", "minutes", "ten_minutes"];

impl Board {
    pub(crate) fn status(&self) -> FileStoreStatus {
        self.status.borrow().clone()
    }

    pub(crate) fn watch_failure(&self) -> watch::Receiver<Option<PartFailure>> {
        self.failure.subscribe()
    }

    /// An attempt to write, or to open the file for it, failed.
    pub(crate) fn failed(&self, error: &FileStoreError) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        self.not_stored(Timestamp::now(), error.to_string());
    }

    /// Notes why nothing is stored; since when, where that was not known before.
    fn not_stored(&self, since: Timestamp, reason: String) {
        let before = self.failure.borrow().as_ref().map(|it| it.since);
        if before.is_none() {
            tracing::error!(%reason, "the history is not stored");
        }
        let since = before.unwrap_or(since);
        self.failing(Some(PartFailure { since, reason }));
    }

    /// A write succeeded. Where it is one of several in a row that took no sample, that is a failure too.
    pub(crate) fn written(&self, written: Written) {
        self.stored.fetch_add(written.stored, Ordering::Relaxed);
        self.refused.fetch_add(written.refused, Ordering::Relaxed);
        self.damaged(written.damaged);
        if let Some(since) = self.refusing_since(&written) {
            return self.not_stored(since, refusal(written.newest));
        }
        if let Some(failure) = self.failure.borrow().as_ref() {
            tracing::info!(since = %failure.since, "the history is stored again");
        }
        self.failing(None);
        self.status
            .send_modify(|status| status.stored_at = Some(Timestamp::now()));
    }

    /// Since when no sample was taken, when that was so in several writes; those without samples do not count.
    fn refusing_since(&self, written: &Written) -> Option<Timestamp> {
        let mut refusing = self.refusing.lock().unwrap_or_else(PoisonError::into_inner);
        if written.stored > 0 {
            *refusing = Refusing::default();
        } else if written.refused > 0 {
            refusing.since.get_or_insert_with(Timestamp::now);
            refusing.writes = refusing.writes.saturating_add(1);
        }
        refusing
            .since
            .filter(|_| refusing.writes >= REFUSING_WRITES)
    }

    fn failing(&self, failure: Option<PartFailure>) {
        self.status
            .send_modify(|status| status.failing.clone_from(&failure));
        self.failure.send_if_modified(|it| {
            let changed = *it != failure;
            *it = failure;
            changed
        });
    }

    /// So many blocks or records could not be read.
    pub(crate) fn damaged(&self, count: u64) {
        if count > 0 {
            self.status
                .send_modify(|status| status.damaged_blocks += count);
        }
    }

    /// The file was set aside.
    pub(crate) fn set_aside(&self, path: PathBuf, reason: &str) {
        tracing::error!(
            aside = %path.display(), reason,
            "the history file is damaged; it was set aside and a new one begins"
        );
        let set_aside = SetAside {
            at: Timestamp::now(),
            path,
            reason: reason.to_owned(),
        };
        self.status.send_modify(|status| {
            status.set_aside = Some(set_aside);
            status.set_aside_count += 1;
        });
    }

    /// Bytes that the file has allocated.
    pub(crate) fn allocated(&self, bytes: u64) {
        self.allocated.store(bytes, Ordering::Relaxed);
    }

    /// Bytes that are in use in the file, of each kind.
    pub(crate) fn used(&self, sizes: &[u64; SIZES]) {
        for (used, size) in self.used.iter().zip(sizes) {
            used.store(*size, Ordering::Relaxed);
        }
    }

    pub(crate) fn stats(&self) -> Vec<Stat> {
        let count = |it: &AtomicU64| it.load(Ordering::Relaxed);
        let status = self.status.borrow();
        let used = USED_BY.iter().zip(&self.used).map(|(by, bytes)| {
            Stat::gauge(
                "etcd_monitor_history_file_used_bytes",
                "Bytes in use in the history file, estimated from the sizes of its records",
                count(bytes) as f64,
            )
            .label("by", *by)
        });
        let mut all = vec![
            Stat::counter(
                "etcd_monitor_history_file_samples_total",
                "Samples written to the history file",
                count(&self.stored),
            ),
            Stat::counter(
                "etcd_monitor_history_file_refused_samples_total",
                "Samples that the history file did not take: older than the newest, not finite, or of too many series",
                count(&self.refused),
            ),
            Stat::counter(
                "etcd_monitor_history_file_failed_writes_total",
                "Attempts to write to the history file that failed",
                count(&self.failed),
            ),
            Stat::counter(
                "etcd_monitor_history_file_damaged_blocks_total",
                "Blocks of the history file that could not be read and were removed",
                status.damaged_blocks,
            ),
            Stat::counter(
                "etcd_monitor_history_file_set_aside_total",
                "History files that were damaged as a whole and set aside",
                status.set_aside_count,
            ),
            Stat::gauge(
                "etcd_monitor_history_file_failing",
                "1 while nothing is stored in the history file, since it or the disk refuses, else 0",
                f64::from(u8::from(status.failing.is_some())),
            ),
            Stat::gauge(
                "etcd_monitor_history_file_allocated_bytes",
                "Bytes allocated on the disk for the history file",
                count(&self.allocated) as f64,
            ),
        ];
        all.extend(used);
        all
    }
}

/// Why a file takes none of the samples that come.
fn refusal(newest: Option<i64>) -> String {
    let newest = newest.and_then(|it| Timestamp::from_millisecond(it).ok());
    let newest = newest.map_or_else(|| "unknown".to_owned(), |it| format!("{it:.0}"));
    format!(
        "the file took none of the samples of several flushes, since they are not later than its newest, of {newest}: \
         the clock of this machine is behind, or was ahead"
    )
}
