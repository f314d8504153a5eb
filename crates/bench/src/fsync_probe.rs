//! How long a disk takes to sync: the writes of a write-ahead log, as `fio` makes them for the check that etcd's manual asks for
//! (`--rw=write --ioengine=sync --fdatasync=1 --bs=2300`).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::BenchError;
use crate::histogram::Latencies;
use crate::report::LatencyFigures;

/// Bytes of one write, as etcd's manual has them.
const WRITE_BYTES: usize = 2_300;

/// Syncs at most: those of `fio --size=22m`.
const SYNCS_MAX: u64 = 10_000;

/// Time at most.
const SPAN_MAX: Duration = Duration::from_secs(5);

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkFsyncProbe))]
#[non_exhaustive]
pub struct FsyncProbe {
    /// Where the file was.
    pub directory: String,
    /// From each write to the end of its sync. etcd asks for a p99 below 10 ms.
    pub syncs: LatencyFigures,
}

/// Removes the file of a probe, however it ends.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing is left to do where it cannot be removed.
        let _ = fs::remove_file(&self.0);
    }
}

impl FsyncProbe {
    /// Writes 2,300 bytes and syncs them, up to 10,000 times within 5 s, to a file in this directory that is removed then.
    /// Blocks.
    pub fn run(directory: &Path) -> Result<Self, BenchError> {
        Self::of(directory, SYNCS_MAX, SPAN_MAX).map_err(|error| BenchError::FsyncProbe {
            directory: directory.display().to_string(),
            error,
        })
    }

    fn of(directory: &Path, syncs: u64, span: Duration) -> io::Result<Self> {
        let (scratch, mut file) = create(directory)?;
        let mut latencies = Latencies::default();
        let began = Instant::now();
        let block = [0xa5; WRITE_BYTES];
        while latencies.count() < syncs && began.elapsed() < span {
            let at = Instant::now();
            file.write_all(&block)?;
            file.sync_data()?;
            latencies.record(at.elapsed());
        }
        drop(scratch);
        Ok(Self {
            directory: directory.display().to_string(),
            syncs: LatencyFigures::of(&latencies),
        })
    }
}

/// A file that nobody else has.
fn create(directory: &Path) -> io::Result<(Scratch, File)> {
    let path = directory.join(format!(".etcd-bench-fsync-probe-{}", std::process::id()));
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)?;
    Ok((Scratch(path), file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_its_syncs_and_leaves_nothing() {
        let folder = std::env::temp_dir().join(format!("fsync-probe-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let probe = FsyncProbe::of(&folder, 20, SPAN_MAX).unwrap();
        assert_eq!(probe.syncs.count, 20);
        assert!(probe.syncs.p50_seconds.unwrap() > 0.0);
        let none = FsyncProbe::of(&folder, 20, Duration::ZERO).unwrap();
        assert_eq!((none.syncs.count, none.syncs.p99_seconds), (0, None));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        fs::remove_dir(&folder).unwrap();
        let error = FsyncProbe::run(&folder).unwrap_err().to_string();
        assert!(error.contains("fsync-probe-"), "{error}");
    }
}
