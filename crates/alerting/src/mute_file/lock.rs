//! The lock that who changes the file holds.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{MuteFileError, with_suffix};

/// How long another process is waited for: a change takes milliseconds.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Time between two attempts.
const WAIT_STEP: Duration = Duration::from_millis(10);

/// A lock that is held until it is dropped, or the process ends.
///
/// It is on a file of its own, which is never replaced.
pub(super) struct Locked {
    _file: File,
}

impl Locked {
    /// Waits for the lock of a file, up to 5 s.
    pub(super) fn beside(path: &Path) -> Result<Self, MuteFileError> {
        Self::within(path, WAIT_MAX)
    }

    pub(super) fn within(path: &Path, wait: Duration) -> Result<Self, MuteFileError> {
        let path = with_suffix(path, "lock");
        let file = opened(&path)?;
        let until = Instant::now() + wait;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if Instant::now() < until => {
                    // The operating system's own wait has no end when the holder has none.
                    std::thread::park_timeout(WAIT_STEP);
                }
                Err(TryLockError::WouldBlock) => return Err(MuteFileError::Busy { path }),
                Err(TryLockError::Error(source)) => return Err(refused("lock", path, source)),
            }
        }
    }
}

fn opened(path: &PathBuf) -> Result<File, MuteFileError> {
    let mut options = OpenOptions::new();
    let opened = options.create(true).truncate(false).write(true).open(path);
    opened.map_err(|source| refused("open", path.clone(), source))
}

fn refused(operation: &'static str, path: PathBuf, source: std::io::Error) -> MuteFileError {
    MuteFileError::Io {
        operation,
        path,
        source,
    }
}
