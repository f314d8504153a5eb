//! The store in one file, by redb: one transaction, one flush to the disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use etcd_monitor_model::Stat;
use jiff::Timestamp;
use redb::{Builder, Database};

use crate::alert::Fingerprint;
use crate::engine::active_alerts;

use super::{AlertStore, Changes, SetAside, StoreError, Stored};
use trouble::{Trouble, guarded};

mod aside;
mod peek;
mod schema;
mod trouble;

/// Memory for pages of the file.
const CACHE_BYTES: usize = 4 << 20;

/// Keeps the state of alerts and the notifications that wait in a file, which only one process at a time can have open.
///
/// What is committed is there after `kill -9` and after a loss of power. A file that is damaged is renamed to a name
/// with the time in it (the newest of those is kept), what can be read of it goes on in a new one, and the log says so.
#[derive(derive_more::Debug)]
pub struct FileAlertStore {
    path: PathBuf,
    /// `None` while it cannot be opened; the next use tries again.
    #[debug(skip)]
    opened: Mutex<Option<Database>>,
    latest_aside: Mutex<Option<SetAside>>,
    asides: AtomicU64,
    lost: AtomicU64,
    length: AtomicU64,
}

impl FileAlertStore {
    /// Opens the file, or makes it. Blocks.
    ///
    /// Fails where another process has it open, or a newer version wrote it. A disk that refuses is no failure: the
    /// store then says so at each use, and tries again.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let file = Self {
            path: path.into(),
            opened: Mutex::new(None),
            latest_aside: Mutex::new(None),
            asides: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            length: AtomicU64::new(0),
        };
        let mut opened = file.opened();
        match file.ensure_open(&mut opened).map(drop) {
            Err(error) if error.is_permanent() => return Err(error),
            Err(error) => tracing::error!(%error, "the alerts' file cannot be opened"),
            Ok(()) => {}
        }
        drop(opened);
        Ok(file)
    }

    /// The file that was set aside last, since this store was opened.
    pub fn latest_aside(&self) -> Option<SetAside> {
        let latest = self.latest_aside.lock();
        latest.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The alerts that are pending or firing by what the file has, also while another process has it open. `None` where
    /// that cannot be said: it is not there, is being written, or makes no sense. Nothing is changed. Blocks.
    pub fn peek_active(path: &Path) -> Option<BTreeSet<Fingerprint>> {
        active_alerts(peek::read(path)?.rows)
    }

    fn opened(&self) -> MutexGuard<'_, Option<Database>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The open database; one that is damaged as a whole is set aside first.
    fn ensure_open<'a>(
        &self,
        opened: &'a mut Option<Database>,
    ) -> Result<&'a mut Database, StoreError> {
        if opened.is_none() {
            *opened = Some(
                match self.try_open() {
                    Err(Trouble::Damaged(reason)) => {
                        self.put_aside(opened, &reason)?;
                        self.try_open()
                    }
                    other => other,
                }
                .map_err(|trouble| self.explain("open", trouble))?,
            );
        }
        opened
            .as_mut()
            .ok_or_else(|| self.explain("open", Trouble::Io("it is not open".to_owned())))
    }

    fn try_open(&self) -> Result<Database, Trouble> {
        guarded(|| {
            let db = Builder::new()
                .set_cache_size(CACHE_BYTES)
                .create(&self.path)?;
            schema::prepare(&db)?;
            Ok(db)
        })
    }

    /// What is in the file. One that cannot be read in full is set aside, and what could be read goes on in a new one.
    fn read(&self, opened: &mut Option<Database>) -> Result<Stored, StoreError> {
        let db = self.ensure_open(opened)?;
        let mut stored = Stored::default();
        let read = guarded(|| schema::read(db, &mut stored));
        let reason = match read {
            Ok(()) if stored.damaged == 0 => return Ok(stored),
            Ok(()) => format!("{} records are not as they were written", stored.damaged),
            Err(Trouble::Damaged(reason)) => reason,
            Err(trouble) => return Err(self.explain("read", trouble)),
        };
        self.lost.fetch_add(stored.damaged, Ordering::Relaxed);
        self.put_aside(opened, &reason)?;
        self.write(opened, &stored.as_changes())?;
        Ok(stored)
    }

    fn write(&self, opened: &mut Option<Database>, changes: &Changes) -> Result<(), StoreError> {
        let db = self.ensure_open(opened)?;
        let written = guarded(|| schema::write(db, changes));
        let Err(trouble) = written else {
            self.measure();
            return Ok(());
        };
        // After a failure redb wants to be opened again.
        close(opened);
        if let Trouble::Damaged(reason) = &trouble {
            self.put_aside(opened, reason)?;
        }
        Err(self.explain("write to", trouble))
    }

    fn measure(&self) {
        let length = std::fs::metadata(&self.path).map_or(0, |it| it.len());
        self.length.store(length, Ordering::Relaxed);
    }

    fn put_aside(&self, opened: &mut Option<Database>, reason: &str) -> Result<(), StoreError> {
        close(opened);
        let path = aside::set_aside(&self.path)
            .map_err(|error| self.explain("set aside", Trouble::Io(error.to_string())))?;
        tracing::error!(
            aside = %path.display(), reason,
            "the alerts' file is damaged; it was set aside and a new one begins"
        );
        self.asides.fetch_add(1, Ordering::Relaxed);
        let mut latest = self
            .latest_aside
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *latest = Some(SetAside {
            at: Timestamp::now(),
            path,
            reason: reason.to_owned(),
        });
        Ok(())
    }

    fn explain(&self, operation: &'static str, trouble: Trouble) -> StoreError {
        let path = self.path.clone();
        match trouble {
            Trouble::Locked => StoreError::Locked { path },
            Trouble::Newer(found) => StoreError::Newer {
                path,
                found,
                known: schema::VERSION,
            },
            Trouble::Damaged(reason) | Trouble::Io(reason) => StoreError::Unavailable {
                operation,
                place: path.display().to_string(),
                reason,
            },
        }
    }
}

impl AlertStore for FileAlertStore {
    fn load(&self) -> Result<Stored, StoreError> {
        self.read(&mut self.opened())
    }

    fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        self.write(&mut self.opened(), changes)
    }

    fn set_aside(&self, reason: &str) -> Result<(), StoreError> {
        self.put_aside(&mut self.opened(), reason)
    }

    fn stats(&self) -> Vec<Stat> {
        let count = |it: &AtomicU64| it.load(Ordering::Relaxed);
        vec![
            Stat::gauge(
                "etcd_monitor_alerts_file_bytes",
                "Length of the file that keeps alerts and notifications",
                count(&self.length) as f64,
            ),
            Stat::counter(
                "etcd_monitor_alerts_file_set_aside_total",
                "Files of alerts and notifications that were damaged and set aside",
                count(&self.asides),
            ),
            Stat::counter(
                "etcd_monitor_alerts_file_lost_records_total",
                "Records of the alerts' file that could not be read and are lost",
                count(&self.lost),
            ),
        ]
    }
}

impl Stored {
    /// What writes all of it anew.
    fn as_changes(&self) -> Changes {
        let rows = self.rows.iter();
        let waiting = self.waiting.iter();
        let receipts = self.receipts.iter();
        Changes {
            anew: true,
            rows: rows
                .map(|(key, value)| crate::engine::StateRow {
                    key: key.clone(),
                    value: Some(value.clone()),
                })
                .collect(),
            waiting: waiting
                .map(|(number, json)| (*number, Some(json.clone())))
                .collect(),
            receipts: receipts
                .map(|(key, receipt)| (key.clone(), Some(receipt.clone())))
                .collect(),
            dead: self.dead.clone(),
        }
    }
}

/// Lets go of the file; a panic of redb on the way changes nothing.
fn close(opened: &mut Option<Database>) {
    let database = opened.take();
    let closed = guarded(|| {
        drop(database);
        Ok(())
    });
    if let Err(trouble) = closed {
        tracing::debug!(?trouble, "closing the alerts' file");
    }
}

#[cfg(test)]
mod tests;
