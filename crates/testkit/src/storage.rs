//! Where the data of test clusters lies.

use std::env;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::Error;
use crate::report;

/// A fresh member takes 123 MB (preallocated WAL); below this a cluster could fill the file system.
const FREE_BYTES_NEEDED: u64 = 2 << 30;

/// A folder of one cluster, removed on drop unless kept.
#[derive(Debug)]
pub(crate) struct Storage {
    folder: TempDir,
}

impl Storage {
    /// Creates the folder on memory (`/dev/shm`) where there is room, so that the disk of the test
    /// machine is not what is judged; else in the temporary folder, which is said in the test
    /// output.
    pub(crate) fn create() -> Result<Self, Error> {
        let root = memory_root().unwrap_or_else(|reason| {
            let root = env::temp_dir();
            report::say(format_args!(
                "data of etcd goes to {} on disk: {reason}",
                root.display()
            ));
            root
        });
        let folder = tempfile::Builder::new()
            .prefix("etcd-monitor-test-")
            .tempdir_in(&root)
            .map_err(Error::io(format!("create a folder in {}", root.display())))?;
        Ok(Self { folder })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Lets the folder outlive this value.
    pub(crate) fn keep(&mut self) {
        self.folder.disable_cleanup(true);
    }
}

fn memory_root() -> Result<PathBuf, String> {
    let root = Path::new("/dev/shm");
    let facts = rustix::fs::statvfs(root).map_err(|error| format!("/dev/shm: {error}"))?;
    let free = facts.f_bavail.saturating_mul(facts.f_frsize);
    if free < FREE_BYTES_NEEDED {
        return Err(format!(
            "/dev/shm has {} MB free, 2048 are needed",
            free >> 20
        ));
    }
    Ok(root.to_owned())
}
