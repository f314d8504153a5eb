//! The file of the benchmarks that are kept.
//!
//! Two lines: a header with format, version and SHA-256 of the second line; and the benchmarks as JSON. Written aside and
//! renamed, so that a crash leaves either the old file or the new one.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::BenchmarkJob;

const FORMAT: &str = "etcd-monitor-benchmarks";
const VERSION: u32 = 1;

/// Largest file that is read: a hundred benchmarks have about 1 MiB.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// The file.
#[derive(Debug, Clone)]
pub(super) struct KeptFile(PathBuf);

/// Why the file of the benchmarks cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeptFileError {
    /// The file system refused.
    #[error(
        "cannot {operation} {path}; check the permissions of the data directory and the space left on it"
    )]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// What came back.
        source: std::io::Error,
    },
    /// A newer etcd-monitor wrote the file; it is left as it is.
    #[error(
        "{path} was written by a newer etcd-monitor (format version {found}, this one knows up to {VERSION}); use that version, or another --data-dir"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u32,
    },
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    sha256: String,
}

enum Parsed {
    Jobs(Vec<BenchmarkJob>),
    Newer(u32),
    Corrupt,
}

impl KeptFile {
    /// The file at `path`, whose folder must exist.
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Reads it; nothing where there is none yet. A corrupt one is set aside under a name that ends in `.corrupt`, and the
    /// log says so.
    pub(super) fn load(&self) -> Result<Vec<BenchmarkJob>, KeptFileError> {
        let text = match self.read() {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(self.io("read", source)),
        };
        match parse(&text) {
            Parsed::Jobs(jobs) => Ok(jobs),
            Parsed::Newer(found) => Err(KeptFileError::Newer {
                path: self.0.clone(),
                found,
            }),
            Parsed::Corrupt => self.set_aside(),
        }
    }

    /// Writes it.
    pub(super) fn save(&self, jobs: &[Arc<BenchmarkJob>]) -> Result<(), KeptFileError> {
        let aside = self.with_suffix("new");
        write_synced(&aside, &render(jobs)).map_err(|source| self.io("write", source))?;
        std::fs::rename(&aside, &self.0).map_err(|source| self.io("rename into", source))
    }

    fn read(&self) -> std::io::Result<String> {
        let bytes = std::fs::metadata(&self.0)?.len();
        if bytes > FILE_BYTES_MAX {
            let reason = format!("{bytes} bytes are more than a file of benchmarks has");
            return Err(std::io::Error::other(reason));
        }
        let content = std::fs::read(&self.0)?;
        Ok(String::from_utf8_lossy(&content).into_owned())
    }

    fn set_aside(&self) -> Result<Vec<BenchmarkJob>, KeptFileError> {
        let aside = self.with_suffix("corrupt");
        std::fs::rename(&self.0, &aside).map_err(|source| self.io("set aside", source))?;
        tracing::warn!(
            "{} is corrupt; it was set aside as {}, and no benchmark is kept of the time before",
            self.0.display(),
            aside.display()
        );
        Ok(Vec::new())
    }

    fn with_suffix(&self, suffix: &str) -> PathBuf {
        let mut name = self.0.clone().into_os_string();
        name.push(".");
        name.push(suffix);
        name.into()
    }

    fn io(&self, operation: &'static str, source: std::io::Error) -> KeptFileError {
        KeptFileError::Io {
            operation,
            path: self.0.clone(),
            source,
        }
    }
}

fn write_synced(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn parse(text: &str) -> Parsed {
    let Some((header, body)) = text.split_once('\n') else {
        return Parsed::Corrupt;
    };
    let body = body.trim_end_matches('\n');
    match serde_json::from_str::<Header>(header) {
        Ok(header) if header.format == FORMAT && header.version > VERSION => {
            Parsed::Newer(header.version)
        }
        Ok(header) if header.format == FORMAT && header.sha256 == digest(body) => {
            serde_json::from_str(body).map_or(Parsed::Corrupt, Parsed::Jobs)
        }
        _ => Parsed::Corrupt,
    }
}

fn render(jobs: &[Arc<BenchmarkJob>]) -> String {
    let jobs: Vec<&BenchmarkJob> = jobs.iter().map(Arc::as_ref).collect();
    let body =
        serde_json::to_string(&jobs).expect("benchmarks have string keys and finite numbers only");
    let header = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        sha256: digest(&body),
    };
    let header = serde_json::to_string(&header).expect("the header is plain text and a number");
    format!("{header}\n{body}\n")
}

fn digest(text: &str) -> String {
    let bytes = Sha256::digest(text.as_bytes());
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a text does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmarks::{JobState, NewBenchmark};
    use etcd_monitor_model::ClusterName;

    fn job() -> BenchmarkJob {
        let asked: NewBenchmark = serde_json::from_str(r#"{"benchmark_type": "write"}"#).unwrap();
        let cluster = ClusterName::new("c");
        BenchmarkJob::new("abc".to_owned(), &cluster, asked.checked().unwrap(), None)
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeptFile::new(folder.path().join("benchmarks.state"));
        assert!(file.load().unwrap().is_empty());
        file.save(&[Arc::new(job())]).unwrap();
        let loaded = file.load().unwrap();
        assert_eq!((loaded.len(), loaded[0].state), (1, JobState::Queued));
        assert_eq!(loaded[0].prefix, "/etcd-bench/abc/");
    }

    #[test]
    fn a_corrupt_file_is_set_aside_and_a_newer_one_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("benchmarks.state");
        let file = KeptFile::new(path.clone());
        let whole = render(&[Arc::new(job())]);
        std::fs::write(&path, whole.replacen("queued", "failed", 1)).unwrap();
        assert!(file.load().unwrap().is_empty());
        assert!(folder.path().join("benchmarks.state.corrupt").exists());
        let newer = whole.replacen("\"version\":1", "\"version\":2", 1);
        std::fs::write(&path, &newer).unwrap();
        assert!(matches!(
            file.load(),
            Err(KeptFileError::Newer { found: 2, .. })
        ));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), newer);
    }
}
