//! One file of the queue.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::position::Position;
use super::{failed, format_line, frame};
use crate::remote::RemoteError;

const KIND: &str = "queue";
const SUFFIX: &str = "segment";

/// Most bytes of a segment that are read: eight times what we write into one.
const READ_BYTES_MAX: u64 = 64 << 20;

/// Records in the order of their arrival.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    path: PathBuf,
    /// Its length.
    pub(super) bytes: u64,
    /// Samples in it that are neither delivered nor dropped.
    pub(super) pending: u64,
}

/// What was read of a segment, from an offset to its end at that time.
#[derive(Debug, Default)]
pub(super) struct Window {
    pub(super) segment: u64,
    pub(super) offset: u64,
    /// Length of the segment at that time.
    length: u64,
    pub(super) bytes: Vec<u8>,
}

impl Window {
    /// True where it was read from this position, or before it, to the segment's present end.
    pub(super) fn holds(&self, position: Position, length: u64) -> bool {
        self.segment == position.segment && self.offset <= position.offset && self.length == length
    }
}

impl Segment {
    /// Begins a new one.
    pub(super) fn create(folder: &Path, number: u64) -> io::Result<(Self, File)> {
        let path = folder.join(format!("{number:016x}.{SUFFIX}"));
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)?;
        let line = format_line::line(KIND);
        if let Err(error) = io::Write::write_all(&mut &file, line.as_bytes()) {
            // What is left of it would be taken for a damaged one.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        let segment = Self {
            number,
            path,
            bytes: line.len() as u64,
            pending: 0,
        };
        Ok((segment, file))
    }

    /// The segments in a folder, oldest first.
    pub(super) fn all(folder: &Path) -> Result<Vec<Self>, RemoteError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| failed(folder, &error))? {
            let path = entry.map_err(|error| failed(folder, &error))?.path();
            let Some(number) = number(&path) else {
                continue;
            };
            let metadata = fs::metadata(&path).map_err(|error| failed(&path, &error))?;
            found.push(Self {
                number,
                bytes: metadata.len(),
                path,
                pending: 0,
            });
        }
        found.sort_by_key(|segment| segment.number);
        Ok(found)
    }

    /// Counts the samples from an offset on, and refuses a newer format.
    pub(super) fn look_through(&mut self, from: u64) -> Result<(), RemoteError> {
        let content = self.read(0).map_err(|error| failed(&self.path, &error))?;
        format_line::after(&self.path, KIND, &content)?;
        let mut at = usize::try_from(from).unwrap_or(usize::MAX);
        while let Some(frame) = frame::find(&content, at) {
            self.pending += u64::from(frame.samples);
            at = frame.end;
        }
        Ok(())
    }

    /// Where its first record begins.
    pub(super) fn begin() -> u64 {
        format_line::line(KIND).len() as u64
    }

    /// The bytes from an offset to the end.
    pub(super) fn window(&self, offset: u64) -> io::Result<Window> {
        Ok(Window {
            segment: self.number,
            offset,
            length: self.bytes,
            bytes: self.read(offset)?,
        })
    }

    fn read(&self, offset: u64) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        let length = self.bytes.saturating_sub(offset).min(READ_BYTES_MAX);
        file.take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Deletes it. Where that fails it is told, and the queue goes on without it.
    pub(super) fn delete(&self) {
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path.display(), %error, "A file of the remote-write queue cannot be deleted");
        }
    }
}

fn number(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?.strip_suffix(SUFFIX)?;
    u64::from_str_radix(name.strip_suffix('.')?, 16).ok()
}
