//! Up to where the queue is delivered, in a file of its own that is overwritten in place: it needs no room on a full disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::format_line;
use crate::remote::RemoteError;

const KIND: &str = "queue-position";

/// A place in a segment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// The segment's number.
    pub(super) segment: u64,
    /// Bytes from its beginning.
    pub(super) offset: u64,
}

/// The file.
#[derive(Debug)]
pub(super) struct PositionFile(File);

impl PositionFile {
    /// Opens it; `None` for the position where there is none, or it is damaged: everything is sent again then.
    pub(super) fn open(path: &Path) -> Result<(Self, Option<Position>), RemoteError> {
        let failed = |error: io::Error| super::failed(path, &error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(failed)?;
        let mut content = Vec::new();
        let read = (&mut file).take(200).read_to_end(&mut content);
        read.map_err(failed)?;
        let position = format_line::after(path, KIND, &content)?.and_then(parse);
        Ok((Self(file), position))
    }

    /// Overwrites it.
    pub(super) fn write(&mut self, position: Position) -> io::Result<()> {
        let numbers = format!("{:016x} {:016x}", position.segment, position.offset);
        let sum = crc32fast::hash(numbers.as_bytes());
        let content = format!("{}{numbers} {sum:08x}\n", format_line::line(KIND));
        self.0.seek(SeekFrom::Start(0))?;
        self.0.write_all(content.as_bytes())
    }
}

fn parse(line: &[u8]) -> Option<Position> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (numbers, sum) = line.rsplit_once(' ')?;
    let (segment, offset) = numbers.split_once(' ')?;
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    (hex(sum)? == u64::from(crc32fast::hash(numbers.as_bytes()))).then_some(Position {
        segment: hex(segment)?,
        offset: hex(offset)?,
    })
}
