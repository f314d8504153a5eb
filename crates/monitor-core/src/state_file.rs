//! The state of `assess` on disk, so that "since" and rates survive a restart.
//!
//! Two lines: a header with format, version and SHA-256 of the second line; and the state as JSON. Written aside and
//! renamed, so that a crash leaves either the old file or the new one.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::assess::AssessState;

const FORMAT: &str = "etcd-monitor-assess-state";
const VERSION: u32 = 1;

/// Largest file that is read: the state of a cluster of a hundred members is below 1 MiB.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A file that holds the state of one cluster.
#[derive(Debug, Clone)]
pub struct StateFile {
    path: PathBuf,
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

impl Header {
    fn is_ours(&self) -> bool {
        self.format == FORMAT && self.version == VERSION
    }
}

impl StateFile {
    /// The file at `path`; its folder must exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Reads the state; `None` when there is no file yet.
    ///
    /// A corrupt file is set aside under a name ending in `.corrupt` and reported as such; the next call finds none.
    pub async fn load(&self) -> Result<Option<AssessState>, StateFileError> {
        let text = match self.read().await {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.io("read", source)),
        };
        match parse(&text) {
            Parsed::State(state) => Ok(Some(*state)),
            Parsed::Newer(found) => Err(StateFileError::Newer {
                path: self.path.clone(),
                found,
            }),
            Parsed::Corrupt => Err(self.set_aside().await),
        }
    }

    /// Writes the state. Cancel-safe: the file is either the old one or the new one.
    pub async fn save(&self, state: &AssessState) -> Result<(), StateFileError> {
        let text = render(state);
        let aside = self.with_suffix("new");
        write_synced(&aside, text)
            .await
            .map_err(|source| self.io("write", source))?;
        tokio::fs::rename(&aside, &self.path)
            .await
            .map_err(|source| self.io("rename into", source))
    }

    async fn read(&self) -> std::io::Result<String> {
        let bytes = tokio::fs::metadata(&self.path).await?.len();
        if bytes > FILE_BYTES_MAX {
            return Err(std::io::Error::other(format!(
                "{bytes} bytes are more than a state file has"
            )));
        }
        let content = tokio::fs::read(&self.path).await?;
        Ok(String::from_utf8_lossy(&content).into_owned())
    }

    async fn set_aside(&self) -> StateFileError {
        let aside = self.with_suffix("corrupt");
        match tokio::fs::rename(&self.path, &aside).await {
            Ok(()) => StateFileError::Corrupt {
                path: self.path.clone(),
                aside,
            },
            Err(source) => self.io("set aside", source),
        }
    }

    fn with_suffix(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".");
        name.push(suffix);
        name.into()
    }

    fn io(&self, operation: &'static str, source: std::io::Error) -> StateFileError {
        StateFileError::Io {
            operation,
            path: self.path.clone(),
            source,
        }
    }
}

async fn write_synced(path: &Path, text: String) -> std::io::Result<()> {
    use tokio::io::AsyncWriteExt;
    let mut file = tokio::fs::File::create(path).await?;
    file.write_all(text.as_bytes()).await?;
    file.sync_all().await
}

enum Parsed {
    State(Box<AssessState>),
    Newer(u32),
    Corrupt,
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
        Ok(header) if header.is_ours() && header.sha256 == digest(body) => {
            serde_json::from_str(body)
                .map_or(Parsed::Corrupt, |state| Parsed::State(Box::new(state)))
        }
        _ => Parsed::Corrupt,
    }
}

fn render(state: &AssessState) -> String {
    let body =
        serde_json::to_string(state).expect("the state has string keys and finite numbers only");
    let header = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        sha256: digest(&body),
    };
    let header = serde_json::to_string(&header).expect("the header is plain text and a number");
    format!("{header}\n{body}\n")
}

fn digest(text: &str) -> String {
    use std::fmt::Write;
    Sha256::digest(text.as_bytes())
        .iter()
        .fold(String::new(), |mut hex, byte| {
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
        let text = render(&AssessState::default()).into_bytes();
        for position in 0..text.len() {
            let mut flipped = text.clone();
            flipped[position] ^= 1;
            let parsed = parse(&String::from_utf8_lossy(&flipped));
            let same = matches!(&parsed, Parsed::State(state) if **state == AssessState::default());
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
        let newer = render(&AssessState::default()).replace("\"version\":1", "\"version\":2");
        tokio::fs::write(&path, &newer).await.unwrap();
        assert!(matches!(
            file.load().await,
            Err(StateFileError::Newer { found: 2, .. })
        ));
        assert_eq!(tokio::fs::read_to_string(&path).await.unwrap(), newer);
    }
}
