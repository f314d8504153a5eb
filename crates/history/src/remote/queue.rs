//! The queue of remote write: on disk, bounded, read in the order of arrival.
//!
//! All of it does blocking I/O. What cannot be written waits in memory, within a bound of its own; it is younger than what is on
//! disk, so the disk is read first.

mod format_line;
mod frame;
mod position;
mod segment;

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use etcd_monitor_model::SampleBatch;

use super::RemoteError;
use super::record::{Record, unpack};
use position::{Position, PositionFile};
use segment::{Segment, Window};

/// Parts of the bytes that one segment may have: what is dropped at once where the queue is full.
const SEGMENTS_PER_QUEUE: u64 = 16;

/// Largest segment: one is read into memory at a time.
const SEGMENT_BYTES_MAX: u64 = 8 << 20;

/// What the queue may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// On disk.
    pub(super) disk_bytes: u64,
    pub(super) memory_bytes: usize,
    /// How long a sample may wait, in milliseconds.
    pub(super) age: i64,
}

/// What was lost since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Losses {
    /// Samples dropped for want of room on disk.
    pub(super) full: u64,
    /// Samples dropped for want of room in memory while the disk did not take them.
    pub(super) memory_full: u64,
    /// Samples that had waited too long.
    pub(super) too_old: u64,
    /// Damaged places: one may be a record, or many that follow each other.
    pub(super) damaged: u64,
    /// Reads and writes that failed.
    pub(super) disk_errors: u64,
}

#[derive(Debug)]
pub(super) struct Queue {
    folder: PathBuf,
    limits: Limits,
    /// Locked as long as it is open.
    _lock: File,
    position_file: PositionFile,
    segments: VecDeque<Segment>,
    /// The last of them, while it is written to.
    open: Option<File>,
    next_number: u64,
    delivered: Position,
    /// Up to where records were taken, delivered or not.
    reading: Position,
    /// Up to where damage was counted.
    damage_seen: Position,
    window: Window,
    memory: VecDeque<Record>,
    taken: Vec<Taken>,
    losses: Losses,
}

/// A record that was handed out, until it is settled.
#[derive(Debug)]
enum Taken {
    Disk { segment: u64, samples: u64 },
    Memory(Record),
}

impl Queue {
    /// Opens or begins a queue in a folder that is its own.
    pub(super) fn open(folder: &Path, limits: Limits) -> Result<Self, RemoteError> {
        fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
        let lock = lock(folder)?;
        let (position_file, delivered) = PositionFile::open(&folder.join("position"))?;
        let delivered = delivered.unwrap_or_default();
        let mut segments = VecDeque::new();
        let mut next_number = delivered.segment + 1;
        for mut segment in Segment::all(folder)? {
            next_number = next_number.max(segment.number.saturating_add(1));
            if segment.number < delivered.segment {
                segment.delete();
                continue;
            }
            let is_begun = segment.number == delivered.segment;
            segment.look_through(if is_begun { delivered.offset } else { 0 })?;
            segments.push_back(segment);
        }
        Ok(Self {
            folder: folder.to_owned(),
            limits,
            _lock: lock,
            position_file,
            segments,
            open: None,
            next_number,
            delivered,
            reading: delivered,
            damage_seen: delivered,
            window: Window::default(),
            memory: VecDeque::new(),
            taken: Vec::new(),
            losses: Losses::default(),
        })
    }

    /// Adds a record, in memory until the next flush.
    pub(super) fn push(&mut self, record: Record) {
        self.memory.push_back(record);
        while self.memory_bytes() > self.limits.memory_bytes
            && let Some(oldest) = self.memory.pop_front()
        {
            self.losses.memory_full += u64::from(oldest.samples);
        }
    }

    /// Writes what is in memory. Where that fails it stays there.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.has_taken_from_memory() {
            // Older ones may come back: nothing that is younger gets before them.
            return Ok(());
        }
        while let Some(record) = self.memory.pop_front() {
            if let Err(error) = self.write(&record) {
                self.memory.push_front(record);
                self.losses.disk_errors += 1;
                return Err(error);
            }
        }
        Ok(())
    }

    /// The batches of the next record, unless it has more samples than `room`. They are in hand until [`Self::settle`] or
    /// [`Self::put_back`]. `now` is in Unix milliseconds.
    pub(super) fn take(&mut self, now: i64, room: u32) -> io::Result<Option<Vec<SampleBatch>>> {
        while let Some((record, taken)) = self.next(room)? {
            self.taken.push(taken);
            if record.newest < now.saturating_sub(self.limits.age) && self.taken.len() == 1 {
                self.losses.too_old += u64::from(record.samples);
                self.settle();
            } else if let Ok(batches) = unpack(&record.payload) {
                return Ok(Some(batches));
            } else {
                self.losses.damaged += 1;
            }
        }
        Ok(None)
    }

    /// What was taken is dealt with.
    pub(super) fn settle(&mut self) {
        for taken in std::mem::take(&mut self.taken) {
            if let Taken::Disk { segment, samples } = taken
                && let Some(segment) = self.segments.iter_mut().find(|it| it.number == segment)
            {
                segment.pending = segment.pending.saturating_sub(samples);
            }
        }
        self.delivered = self.reading;
        if self.position_file.write(self.delivered).is_err() {
            // After a restart some would be sent again, no more.
            self.losses.disk_errors += 1;
        }
        while let Some(first) = self.segments.front()
            && first.number < self.delivered.segment
        {
            first.delete();
            self.segments.pop_front();
        }
    }

    /// What was taken is not delivered: it comes again.
    pub(super) fn put_back(&mut self) {
        self.reading = self.delivered;
        for taken in std::mem::take(&mut self.taken).into_iter().rev() {
            match taken {
                Taken::Memory(record) => self.memory.push_front(record),
                Taken::Disk { segment, samples } => {
                    if !self.segments.iter().any(|it| it.number == segment) {
                        self.losses.full += samples;
                    }
                }
            }
        }
    }

    /// Samples that are neither delivered nor dropped.
    pub(super) fn samples(&self) -> u64 {
        let in_hand = self.taken.iter().map(|taken| match taken {
            Taken::Memory(record) => u64::from(record.samples),
            Taken::Disk { .. } => 0,
        });
        let memory = self.memory.iter().map(|it| u64::from(it.samples));
        let disk = self.segments.iter().map(|it| it.pending);
        disk.chain(memory).chain(in_hand).sum()
    }

    /// Bytes of its files.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.segments.iter().map(|it| it.bytes).sum()
    }

    /// Bytes of the records in memory.
    pub(super) fn memory_bytes(&self) -> usize {
        let in_hand = self.taken.iter().filter_map(|taken| match taken {
            Taken::Memory(record) => Some(record),
            Taken::Disk { .. } => None,
        });
        let records = self.memory.iter().chain(in_hand);
        records.map(frame::bytes).sum()
    }

    pub(super) fn losses(&self) -> Losses {
        self.losses
    }

    fn has_taken_from_memory(&self) -> bool {
        let from_memory = |taken: &Taken| matches!(taken, Taken::Memory(_));
        self.taken.iter().any(from_memory)
    }

    fn write(&mut self, record: &Record) -> io::Result<()> {
        let Some(frame) = frame::encode(record) else {
            return Err(io::ErrorKind::FileTooLarge.into());
        };
        self.make_room(frame.len() as u64);
        let full = |segment: &Segment| segment.bytes + frame.len() as u64 > self.segment_bytes();
        if self.segments.back().is_none_or(full) {
            self.open = None;
        }
        if self.open.is_none() {
            fs::create_dir_all(&self.folder)?;
            let (segment, file) = Segment::create(&self.folder, self.next_number)?;
            self.next_number = self.next_number.saturating_add(1);
            self.segments.push_back(segment);
            self.open = Some(file);
        }
        let Some((file, segment)) = self.open.as_mut().zip(self.segments.back_mut()) else {
            return Ok(());
        };
        if let Err(error) = file.write_all(&frame) {
            // Half a frame would be counted as damage.
            let _ = file.set_len(segment.bytes);
            self.open = None;
            return Err(error);
        }
        segment.bytes += frame.len() as u64;
        segment.pending += u64::from(record.samples);
        Ok(())
    }

    fn segment_bytes(&self) -> u64 {
        (self.limits.disk_bytes / SEGMENTS_PER_QUEUE).min(SEGMENT_BYTES_MAX)
    }

    fn make_room(&mut self, bytes: u64) {
        while self.disk_bytes() + bytes > self.limits.disk_bytes
            && let Some(oldest) = self.segments.pop_front()
        {
            self.drop_segment(&oldest);
        }
    }

    /// Drops a segment that was the first. Of what is in hand it is not known yet whether it is lost.
    fn drop_segment(&mut self, oldest: &Segment) {
        let in_hand: u64 = self
            .taken
            .iter()
            .map(|taken| match taken {
                Taken::Disk { segment, samples } if *segment == oldest.number => *samples,
                _ => 0,
            })
            .sum();
        self.losses.full += oldest.pending.saturating_sub(in_hand);
        oldest.delete();
        let after = Position {
            segment: oldest.number.saturating_add(1),
            offset: 0,
        };
        self.delivered = self.delivered.max(after);
        self.reading = self.reading.max(after);
        if self.segments.is_empty() {
            self.open = None;
        }
    }

    fn next(&mut self, room: u32) -> io::Result<Option<(Record, Taken)>> {
        match self.next_on_disk(room) {
            Ok(None) if self.is_read() => {}
            Ok(found) => return Ok(found),
            Err(error) => {
                self.losses.disk_errors += 1;
                return Err(error);
            }
        }
        if self.memory.front().is_none_or(|first| first.samples > room) {
            return Ok(None);
        }
        let record = self.memory.pop_front();
        Ok(record.map(|record| (record.clone(), Taken::Memory(record))))
    }

    /// True where everything on disk was taken.
    fn is_read(&self) -> bool {
        self.segments.back().is_none_or(|last| {
            let end = Position {
                segment: last.number,
                offset: last.bytes,
            };
            self.reading >= end
        })
    }

    fn next_on_disk(&mut self, room: u32) -> io::Result<Option<(Record, Taken)>> {
        while let Some((segment, length)) = self.unread()? {
            let at = usize::try_from(self.reading.offset - self.window.offset);
            let at = at.unwrap_or(usize::MAX);
            let Some(frame) = frame::find(&self.window.bytes, at) else {
                self.saw_damage();
                self.reading.offset = length;
                continue;
            };
            let (begin, end, samples) = (frame.begin, frame.end, frame.samples);
            let record = Record {
                samples,
                newest: frame.newest,
                payload: frame.payload.to_vec(),
            };
            if begin > at {
                self.saw_damage();
            }
            if samples > room {
                return Ok(None);
            }
            self.reading.offset = self.window.offset + end as u64;
            let samples = u64::from(samples);
            return Ok(Some((record, Taken::Disk { segment, samples })));
        }
        Ok(None)
    }

    /// Makes the window hold what is to be read next, and tells number and length of its segment; `None` where all is read.
    fn unread(&mut self) -> io::Result<Option<(u64, u64)>> {
        while let Some(index) = self.first_unread() {
            let segment = &self.segments[index];
            if segment.number > self.reading.segment {
                self.reading = Position {
                    segment: segment.number,
                    offset: 0,
                };
            }
            self.reading.offset = self.reading.offset.max(Segment::begin());
            let found = Some((segment.number, segment.bytes));
            if self.window.holds(self.reading, segment.bytes) {
                return Ok(found);
            }
            match segment.window(self.reading.offset) {
                Ok(window) => {
                    self.window = window;
                    return Ok(found);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.forget(index),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn first_unread(&self) -> Option<usize> {
        self.segments.iter().position(|it| {
            let in_it = it.number == self.reading.segment;
            let begin = if in_it { self.reading.offset } else { 0 };
            it.number >= self.reading.segment && begin.max(Segment::begin()) < it.bytes
        })
    }

    /// Somebody deleted the file of a segment: what was in it is gone.
    fn forget(&mut self, index: usize) {
        self.losses.damaged += 1;
        self.segments.remove(index);
        if index == self.segments.len() {
            self.open = None;
        }
    }

    fn saw_damage(&mut self) {
        if self.reading >= self.damage_seen {
            self.losses.damaged += 1;
            self.damage_seen = Position {
                offset: self.reading.offset + 1,
                ..self.reading
            };
        }
    }
}

fn lock(folder: &Path) -> Result<File, RemoteError> {
    let path = folder.join("lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = options.open(&path).map_err(|error| failed(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RemoteError::QueueInUse {
            path: folder.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(failed(&path, &error)),
    }
}

fn failed(path: &Path, error: &io::Error) -> RemoteError {
    RemoteError::Queue {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
