//! Why the file does not take or give samples.

use std::io::ErrorKind;
use std::path::PathBuf;

use etcd_monitor_model::HistoryError;
use redb::{
    CommitError, CompactionError, DatabaseError, StorageError, TableError, TransactionError,
};

/// Why a history file could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileStoreError {
    /// Another store has the file open: use another data directory, or stop the other.
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
        found: u32,
        /// The newest that this version reads.
        known: u32,
    },
    /// The file system refused, a full disk for one: it may work later.
    #[error(
        "cannot {operation} {path}: {reason}; check the space left and the permissions of the data directory"
    )]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// What came back.
        reason: String,
    },
}

impl From<FileStoreError> for HistoryError {
    fn from(error: FileStoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// What one operation on the database came to.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Another process has it.
    Locked,
    /// Written by a newer version, of this number.
    Newer(u32),
    /// The file's structure is not what was written.
    Damaged(String),
    /// The file system refused.
    Io(String),
}

impl From<redb::Error> for Trouble {
    fn from(error: redb::Error) -> Self {
        let text = error.to_string();
        match error {
            redb::Error::DatabaseAlreadyOpen => Self::Locked,
            redb::Error::Io(source) if is_of_content(source.kind()) => Self::Damaged(text),
            redb::Error::Io(_)
            | redb::Error::PreviousIo
            | redb::Error::DatabaseClosed
            | redb::Error::TransactionInProgress => Self::Io(text),
            // A structure that is not ours, or not as it was, or a lock that a panic left behind.
            _ => Self::Damaged(text),
        }
    }
}

/// True for an error that a file gives for what is in it: no file of redb's, or one that points beyond its end.
fn is_of_content(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::InvalidInput
    )
}

macro_rules! from_redb {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Trouble {
            fn from(error: $kind) -> Self {
                redb::Error::from(error).into()
            }
        }
    )*};
}

from_redb!(
    CommitError,
    CompactionError,
    DatabaseError,
    StorageError,
    TableError,
    TransactionError
);

/// Runs an operation on the database, and takes a panic of redb, which may come from a damaged file, as damage.
pub(crate) fn guarded<T>(operation: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Trouble> {
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(operation));
    unwound.unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Trouble::Damaged(format!(
            "the database panicked: {}",
            text.unwrap_or("without a message")
        )))
    })
}
