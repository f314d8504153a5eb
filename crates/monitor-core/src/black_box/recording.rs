//! A recording as a whole: read from a file or written to one.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use etcd_monitor_model::{ClusterName, Observation};
use serde::Serialize;

use super::record::{self, Incident, RawPage, Record, RecordingHead};
use super::{format_line, frame};

/// Largest file that is read: twice what a black box may have in all.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// A block is closed at this size: with the cycle that takes it there it is about what LZ4 can look back on, 64 KiB.
pub(super) const BLOCK_BYTES: usize = 48 << 10;

/// What was seen of a cluster over some minutes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recording {
    records: Vec<Record<'static>>,
    damage: RecordingDamage,
}

/// What is missing in a recording that was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RecordingDamage {
    /// Blocks that failed their checksum.
    pub blocks: u64,
    /// Records that this release cannot read.
    pub records: u64,
    /// True when the end was cut off: the monitor ended while it wrote.
    pub torn: bool,
}

/// Why a recording cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The file system refused.
    #[error("cannot {operation} {path}: {source}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// What came back.
        source: std::io::Error,
    },
    /// The file is something else.
    #[error("{path} is no recording of etcd-monitor")]
    NotARecording {
        /// The file.
        path: PathBuf,
    },
    /// A newer etcd-monitor wrote the file.
    #[error(
        "{path} was recorded by a newer etcd-monitor (format version {found}, this one knows up to {known}); use that version", known = format_line::VERSION
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u32,
    },
}

impl Recording {
    /// A recording of these observations, for tests.
    pub fn of(head: RecordingHead, observations: impl IntoIterator<Item = Observation>) -> Self {
        let observations = observations
            .into_iter()
            .map(|observation| Record::Observation(Cow::Owned(observation)));
        Self {
            records: std::iter::once(Record::Head(Cow::Owned(head)))
                .chain(observations)
                .collect(),
            damage: RecordingDamage::default(),
        }
    }

    /// Reads a file. What is damaged in it is left out and counted: see [`Recording::damage`].
    pub fn load(path: &Path) -> Result<Self, RecordingError> {
        let bytes = read_file(path).map_err(|source| io("read", path, source))?;
        match format_line::version(&bytes) {
            Some((format_line::VERSION, content)) => Ok(Self::parse(content)),
            Some((found, _)) if found > format_line::VERSION => Err(RecordingError::Newer {
                path: path.to_owned(),
                found,
            }),
            _ => Err(RecordingError::NotARecording {
                path: path.to_owned(),
            }),
        }
    }

    /// Writes a file that [`Recording::load`] reads; an existing one is replaced.
    pub fn save(&self, path: &Path) -> Result<(), RecordingError> {
        let mut bytes = format_line::line().into_bytes();
        bytes.extend(self.frames());
        std::fs::write(path, bytes).map_err(|source| io("write", path, source))
    }

    fn frames(&self) -> Vec<u8> {
        let mut frames = Vec::new();
        let mut block = Vec::new();
        for record in &self.records {
            // One that is too long to be recorded was never recorded.
            record::append(&mut block, record);
            if block.len() >= BLOCK_BYTES {
                frames.extend(frame::encode(&block));
                block.clear();
            }
        }
        if !block.is_empty() {
            frames.extend(frame::encode(&block));
        }
        frames
    }

    /// What the bytes after the first line hold.
    pub(super) fn parse(content: &[u8]) -> Self {
        let mut records = Vec::new();
        let mut unread = 0;
        let read = frame::decode(content, |block| {
            unread += record::read(block, |record| records.push(record));
        });
        Self {
            records,
            damage: RecordingDamage {
                blocks: read.damaged,
                records: unread,
                torn: read.torn,
            },
        }
    }

    /// What is missing.
    pub fn damage(&self) -> RecordingDamage {
        self.damage
    }

    /// The cluster that was recorded; `None` where neither head nor observation is left.
    pub fn cluster(&self) -> Option<&ClusterName> {
        self.records.iter().find_map(|record| match record {
            Record::Head(head) => Some(&head.cluster),
            Record::Observation(observation) => Some(&observation.cluster),
            _ => None,
        })
    }

    /// Who recorded, and by which thresholds, at the beginning; `None` where it is damaged.
    pub fn head(&self) -> Option<&RecordingHead> {
        self.records.iter().find_map(|record| match record {
            Record::Head(head) => Some(head.as_ref()),
            _ => None,
        })
    }

    /// What was seen, in the order of the cycles.
    pub fn observations(&self) -> impl Iterator<Item = &Observation> {
        self.records.iter().filter_map(|record| match record {
            Record::Observation(observation) => Some(observation.as_ref()),
            _ => None,
        })
    }

    /// The pages that were kept of members with an open finding.
    pub fn pages(&self) -> impl Iterator<Item = &RawPage> {
        self.records.iter().filter_map(|record| match record {
            Record::Page(page) => Some(page.as_ref()),
            _ => None,
        })
    }

    /// Why it was frozen; none in a recording that is not frozen.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.records.iter().filter_map(|record| match record {
            Record::Incident(incident) => Some(incident.as_ref()),
            _ => None,
        })
    }

    pub(super) fn records(&self) -> &[Record<'static>] {
        &self.records
    }
}

fn io(operation: &'static str, path: &Path, source: std::io::Error) -> RecordingError {
    RecordingError::Io {
        operation,
        path: path.to_owned(),
        source,
    }
}

fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = File::open(path)?.take(FILE_BYTES_MAX + 1);
    if file.read_to_end(&mut bytes)? as u64 > FILE_BYTES_MAX {
        let reason = format!("it has more than the {FILE_BYTES_MAX} bytes of any recording");
        return Err(std::io::Error::other(reason));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
