//! What an operation on the file came to.

use std::io::ErrorKind;

use redb::{
    CommitError, CompactionError, DatabaseError, StorageError, TableError, TransactionError,
};

/// Why an operation on the database failed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Another process has it.
    Locked,
    /// Written by a newer version, of this number.
    Newer(u64),
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
pub(super) fn guarded<T>(operation: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Trouble> {
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(operation));
    unwound.unwrap_or_else(|panic| {
        Err(Trouble::Damaged(format!(
            "the database panicked: {}",
            crate::panics::message(&*panic)
        )))
    })
}
