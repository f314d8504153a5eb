//! The store: the state of alerts and the notifications that wait, so that neither is lost with the process.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use etcd_monitor_model::{Severity, Stat};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::engine::StateRow;
use crate::notification::{Group, NotificationKind};
use crate::notifier::Receipt;

pub(crate) mod file;
pub(crate) mod memory;

/// Dead letters that are kept, the newest.
pub const MAX_DEAD_LETTERS: usize = 1_000;

/// Keeps what alerting must not forget: [`FileAlertStore`](crate::FileAlertStore), or
/// [`MemoryAlertStore`](crate::MemoryAlertStore) where a restart may forget.
///
/// `load`, `commit`, `probe` and `set_aside` block and are called on a thread that may, one after the other, never at once.
pub trait AlertStore: Send + Sync {
    /// Everything that is kept.
    ///
    /// What cannot be read is left out, is counted in [`Stored::damaged`], and is no error.
    fn load(&self) -> Result<Stored, StoreError>;

    /// Keeps all of it, durably, or, with an error, as much as nothing of it: then the next call carries everything
    /// anew ([`Changes::anew`]).
    fn commit(&self, changes: &Changes) -> Result<(), StoreError>;

    /// Puts what is kept where somebody may look at it, since it makes no sense; the next [`commit`](Self::commit) begins
    /// anew. Blocks.
    fn set_aside(&self, reason: &str) -> Result<(), StoreError>;

    /// Whether it may take a commit again after it refused one, found out at little cost. By default it commits nothing.
    fn probe(&self) -> Result<(), StoreError> {
        self.commit(&Changes::default())
    }

    /// Numbers about the store itself, for the exporter. Does not wait.
    fn stats(&self) -> Vec<Stat> {
        Vec::new()
    }
}

/// What one transaction changes.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Changes {
    /// Forget everything that was kept before; the rest of this is all there is.
    pub anew: bool,
    /// Rows of the engine's state; one without a value is removed.
    pub rows: Vec<StateRow>,
    /// Notifications that wait from now on (`Some`, as JSON), or no more (`None`), by their number.
    pub waiting: BTreeMap<u64, Option<Arc<[u8]>>>,
    /// What channels returned; `None` forgets it.
    pub receipts: BTreeMap<ReceiptKey, Option<KeptReceipt>>,
    /// Notifications that were given up, by their number. Of all that are kept, only the [`MAX_DEAD_LETTERS`] with the
    /// highest numbers stay.
    pub dead: BTreeMap<u64, DeadLetter>,
}

impl Changes {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        !self.anew
            && self.rows.is_empty()
            && self.waiting.is_empty()
            && self.receipts.is_empty()
            && self.dead.is_empty()
    }
}

/// Everything that a store keeps.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Stored {
    /// Rows of the engine's state, by key.
    pub rows: BTreeMap<String, Vec<u8>>,
    /// Notifications that wait, as JSON, by their number.
    pub waiting: BTreeMap<u64, Arc<[u8]>>,
    /// What channels returned.
    pub receipts: BTreeMap<ReceiptKey, KeptReceipt>,
    /// Notifications that were given up, by their number.
    pub dead: BTreeMap<u64, DeadLetter>,
    /// Records that could not be read and are lost.
    pub damaged: u64,
}

/// What a receipt belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReceiptKey {
    /// The channel that returned it.
    pub channel: String,
    /// The [`dedup_key`](crate::Notification::dedup_key) of the message that it was returned for.
    pub dedup_key: String,
}

/// What a channel returned last for an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptReceipt {
    /// The incident: a later one of the same group has no receipt yet.
    pub incident_at: Timestamp,
    /// When the message was decided that it was returned for.
    pub at: Timestamp,
    /// What was returned.
    pub receipt: Receipt,
}

/// A notification that was given up, and why. It is told no more by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct DeadLetter {
    /// The notification's [`id`](crate::Notification::id).
    pub id: String,
    /// The channel that it was for.
    pub channel: String,
    /// What it told.
    pub kind: NotificationKind,
    /// What its alerts have in common.
    pub group: Group,
    /// The worst severity of what it told.
    pub severity: Severity,
    /// The cause of its worst alert, cut after some hundred characters. Untrusted text.
    pub summary: String,
    /// How many alerts it told of as firing.
    pub firing_count: usize,
    /// How many it told of as over.
    pub resolved_count: usize,
    /// When it was decided to tell it.
    pub at: Timestamp,
    /// When it was given up.
    pub given_up_at: Timestamp,
    /// Attempts to deliver it since the process started.
    pub attempts: u32,
    /// Why it was given up.
    pub reason: String,
}

/// A file that was damaged, and put where somebody may look at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SetAside {
    /// When.
    pub at: Timestamp,
    /// Where it is now.
    pub path: PathBuf,
    /// What was wrong with it.
    pub reason: String,
}

/// Why a store could not be used. A variant is what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has the file open: use another data directory, or stop the other.
    #[error("{path} is in use by another process; stop it, or choose another data directory")]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// A newer etcd-monitor wrote the file; it is left as it is.
    #[error(
        "{path} was written by a newer etcd-monitor (format version {found}, this one knows up to {known}); use that version, or another data directory"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u64,
        /// The newest that this version reads.
        known: u64,
    },
    /// The store refuses, because of a full disk for one: it may work later.
    #[error(
        "cannot {operation} {place}: {reason}; check the space left and the permissions of the data directory"
    )]
    Unavailable {
        /// What was tried.
        operation: &'static str,
        /// On what.
        place: String,
        /// What came back.
        reason: String,
    },
}

impl StoreError {
    /// Whether only somebody who acts can change it.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Locked { .. } | Self::Newer { .. })
    }
}

impl fmt::Display for ReceiptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.dedup_key, self.channel)
    }
}
