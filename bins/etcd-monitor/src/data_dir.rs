//! The data directory: everything that is kept lies in it, and one daemon at a time uses it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use etcd_monitor_alerting::MuteFile;
use etcd_monitor_core::StateFile;
use etcd_monitor_model::ClusterName;

/// A data directory that this process alone uses until it is dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// Locked; the operating system releases it when the process ends, however it ends.
    _lock: File,
}

impl DataDir {
    /// Makes the folder if need be, and locks it.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(path).with_context(|| {
            format!(
                "cannot make the data directory {}; choose another with --data-dir",
                path.display()
            )
        })?;
        let lock = lock(&path.join("lock"))?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// The folder of the black box.
    pub(crate) fn black_box(&self) -> PathBuf {
        self.path.join("black-box")
    }

    /// The file of the history.
    pub(crate) fn history_file(&self) -> PathBuf {
        self.path.join("history.redb")
    }

    /// The file of alerts, and of notifications that wait.
    pub(crate) fn alerts_file(&self) -> PathBuf {
        alerts_file(&self.path)
    }

    /// The log of calls that change something.
    pub(crate) fn audit_log(&self) -> PathBuf {
        self.path.join("audit.log")
    }

    /// The file of the benchmarks that were asked for by the API.
    pub(crate) fn benchmarks_file(&self) -> PathBuf {
        self.path.join("benchmarks.state")
    }

    /// The file of silences and acknowledgements, which commands beside the daemon use too.
    pub(crate) fn mutes(&self) -> MuteFile {
        MuteFile::new(&self.path)
    }

    /// The folder of what waits for the remote store.
    pub(crate) fn remote_write_queue(&self) -> PathBuf {
        self.path.join("remote-write")
    }

    /// The file that keeps what `assess` remembers of a cluster.
    pub(crate) fn state_file(&self, cluster: &ClusterName) -> StateFile {
        StateFile::new(
            self.path
                .join(format!("assess-{}.state", file_name(cluster))),
        )
    }
}

/// The file of alerts in a data directory.
pub(crate) fn alerts_file(folder: &Path) -> PathBuf {
    folder.join("alerts.redb")
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
        .with_context(|| {
            format!(
                "cannot open {}; check the permissions of --data-dir",
                path.display()
            )
        })?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = std::fs::read_to_string(path).unwrap_or_default();
            bail!(
                "the data directory is in use by another etcd-monitor (process {}, lock {}); stop it, or choose another with --data-dir",
                holder.trim(),
                path.display()
            );
        }
        Err(TryLockError::Error(source)) => {
            return Err(source).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())?;
    Ok(file)
}

/// A cluster's name as part of a file name; other characters become their code, so that no two names meet.
fn file_name(cluster: &ClusterName) -> String {
    let part = |character: char| match character {
        'a'..='z' | '0'..='9' | '-' => character.to_string(),
        other => format!("_{:x}_", u32::from(other)),
    };
    cluster.as_str().chars().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_user_of_a_folder_is_refused_and_told_who_is_first() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDir::open(folder.path()).unwrap();
        let error = DataDir::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(first);
        assert!(DataDir::open(folder.path()).is_ok());
    }

    #[test]
    fn no_cluster_name_leaves_the_folder() {
        assert_eq!(file_name(&ClusterName::new("../a")), "_2e__2e__2f_a");
    }
}
