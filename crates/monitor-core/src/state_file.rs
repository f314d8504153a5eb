//! State on disk that survives a restart: that of `assess`, so that "since" and rates go on, and what others keep alike.
//!
//! Two lines: a header with format, version and SHA-256 of the second line; and the state as JSON. Written aside and
//! renamed, so that a crash leaves either the old file or the new one.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::assess::AssessState;

/// Largest file that is read: the state of a cluster of a hundred members is below 1 MiB, and so are a hundred benchmarks.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A file that holds one state of this type; without one, that of `assess` for one cluster.
#[derive(Debug)]
pub struct StateFile<T = AssessState> {
    path: PathBuf,
    format: &'static str,
    version: u32,
    holds: PhantomData<fn(T) -> T>,
}

impl<T> Clone for StateFile<T> {
    fn clone(&self) -> Self {
        Self {
            path: self.path.clone(),
            ..*self
        }
    }
}

/// Why a state file could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateFileError {
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
        source: io::Error,
    },
    /// A newer etcd-monitor wrote the file; it is left as it is.
    #[error(
        "{path} was written by a newer etcd-monitor (format version {found}, this one knows up to {known}); use that version, or another --data-dir"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// The file's checksum does not fit: it was set aside.
    #[error("{path} is corrupt; it was set aside as {aside} and the state begins anew")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Its new name.
        aside: PathBuf,
    },
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    sha256: String,
}

impl StateFile {
    /// The file of the state of `assess` at `path`; its folder must exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::of_format(path, "etcd-monitor-assess-state", 1)
    }
}

impl<T> StateFile<T> {
    /// A file at `path`, whose folder must exist. The format's name and its version, from 1, stand in its first line.
    pub fn of_format(path: impl Into<PathBuf>, format: &'static str, version: u32) -> Self {
        Self {
            path: path.into(),
            format,
            version,
            holds: PhantomData,
        }
    }

    fn with_suffix(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".");
        name.push(suffix);
        name.into()
    }

    fn io(&self, operation: &'static str, source: io::Error) -> StateFileError {
        StateFileError::Io {
            operation,
            path: self.path.clone(),
            source,
        }
    }
}

impl<T: Serialize + DeserializeOwned + Send + 'static> StateFile<T> {
    /// Reads the state; `None` when there is no file yet.
    ///
    /// A corrupt file is set aside under a name ending in `.corrupt` and reported as such; the next call finds none.
    pub async fn load(&self) -> Result<Option<T>, StateFileError> {
        let file = self.clone();
        self.beside("read", move || file.load_blocking()).await
    }

    /// The same, for whoever may block.
    pub fn load_blocking(&self) -> Result<Option<T>, StateFileError> {
        let text = match self.read() {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.io("read", source)),
        };
        match self.parse(&text) {
            Parsed::State(state) => Ok(Some(state)),
            Parsed::Newer(found) => Err(StateFileError::Newer {
                path: self.path.clone(),
                found,
                known: self.version,
            }),
            Parsed::Corrupt => Err(self.set_aside()),
        }
    }

    /// Writes the state. Cancel-safe: the file is either the old one or the new one.
    pub async fn save(&self, state: &T) -> Result<(), StateFileError> {
        let (file, text) = (self.clone(), self.render(state));
        self.beside("write", move || file.replace(&text)).await
    }

    /// The same, for whoever may block.
    pub fn save_blocking(&self, state: &T) -> Result<(), StateFileError> {
        self.replace(&self.render(state))
    }

    /// Does it on a thread that may block.
    async fn beside<R: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce() -> Result<R, StateFileError> + Send + 'static,
    ) -> Result<R, StateFileError> {
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|error| Err(self.io(operation, io::Error::other(error))))
    }

    fn replace(&self, text: &str) -> Result<(), StateFileError> {
        let aside = self.with_suffix("new");
        write_synced(&aside, text).map_err(|source| self.io("write", source))?;
        std::fs::rename(&aside, &self.path).map_err(|source| self.io("rename into", source))
    }

    fn read(&self) -> io::Result<String> {
        let bytes = std::fs::metadata(&self.path)?.len();
        if bytes > FILE_BYTES_MAX {
            let reason = format!("{bytes} bytes are more than a state file has");
            return Err(io::Error::other(reason));
        }
        let content = std::fs::read(&self.path)?;
        Ok(String::from_utf8_lossy(&content).into_owned())
    }

    fn set_aside(&self) -> StateFileError {
        let aside = self.with_suffix("corrupt");
        match std::fs::rename(&self.path, &aside) {
            Ok(()) => StateFileError::Corrupt {
                path: self.path.clone(),
                aside,
            },
            Err(source) => self.io("set aside", source),
        }
    }

    fn parse(&self, text: &str) -> Parsed<T> {
        let Some((header, body)) = text.split_once('\n') else {
            return Parsed::Corrupt;
        };
        let body = body.trim_end_matches('\n');
        let header = serde_json::from_str::<Header>(header).ok();
        match header.filter(|header| header.format == self.format) {
            Some(header) if header.version > self.version => Parsed::Newer(header.version),
            Some(header) if header.version == self.version && header.sha256 == digest(body) => {
                serde_json::from_str(body).map_or(Parsed::Corrupt, Parsed::State)
            }
            _ => Parsed::Corrupt,
        }
    }

    fn render(&self, state: &T) -> String {
        let body =
            serde_json::to_string(state).expect("states have string keys and finite numbers only");
        let header = Header {
            format: self.format.to_owned(),
            version: self.version,
            sha256: digest(&body),
        };
        let header = serde_json::to_string(&header).expect("the header is plain text and a number");
        format!("{header}\n{body}\n")
    }
}

enum Parsed<T> {
    State(T),
    Newer(u32),
    Corrupt,
}

fn write_synced(path: &Path, text: &str) -> io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn digest(text: &str) -> String {
    let bytes = Sha256::digest(text.as_bytes());
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::new(folder.path().join("state"));
        assert!(file.load().await.unwrap().is_none());
        file.save(&AssessState::default()).await.unwrap();
        assert_eq!(file.load().await.unwrap(), Some(AssessState::default()));
    }

    #[tokio::test]
    async fn a_flipped_byte_anywhere_is_corrupt_or_newer_never_another_state() {
        let file = StateFile::new("unused");
        let text = file.render(&AssessState::default()).into_bytes();
        for position in 0..text.len() {
            let mut flipped = text.clone();
            flipped[position] ^= 1;
            let parsed = file.parse(&String::from_utf8_lossy(&flipped));
            let same = matches!(&parsed, Parsed::State(state) if *state == AssessState::default());
            let trailing = position == text.len() - 1;
            assert!(
                !matches!(parsed, Parsed::State(_)) || (same && trailing),
                "byte {position}"
            );
        }
    }

    #[tokio::test]
    async fn a_corrupt_file_is_set_aside_and_a_newer_one_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let file = StateFile::new(&path);
        tokio::fs::write(&path, "garbage").await.unwrap();
        assert!(matches!(
            file.load().await,
            Err(StateFileError::Corrupt { .. })
        ));
        assert!(file.load().await.unwrap().is_none());
        let newer = file
            .render(&AssessState::default())
            .replace("\"version\":1", "\"version\":2");
        tokio::fs::write(&path, &newer).await.unwrap();
        assert!(matches!(
            file.load().await,
            Err(StateFileError::Newer { found: 2, .. })
        ));
        assert_eq!(tokio::fs::read_to_string(&path).await.unwrap(), newer);
    }
}
