//! The last minutes of each cluster on disk: short segments, of which the oldest is deleted.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{format_line, frame};

/// A ring holds at most a fifth more than its window, since only whole segments are deleted.
const SEGMENTS_PER_WINDOW: u32 = 5;

/// Parts of a ring's bytes that one segment may have.
const SEGMENTS_PER_SHARE: u64 = 8;

const SUFFIX: &str = "segment";

/// A block that is ready to be written.
#[derive(Debug)]
pub(super) struct Block {
    /// The frame at the beginning of each file that it is written to.
    pub(super) head: Arc<[u8]>,
    pub(super) frame: Vec<u8>,
    pub(super) began_at: Timestamp,
    pub(super) ended_at: Timestamp,
}

/// The rings of all clusters, by the clusters' names as parts of file names.
#[derive(Debug)]
pub(super) struct Rings {
    folder: PathBuf,
    window: Duration,
    bytes_max: u64,
    by_cluster: BTreeMap<String, Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    /// Oldest first.
    segments: VecDeque<Segment>,
    /// The last of them, while it is written to.
    open: Option<File>,
}

#[derive(Debug)]
struct Segment {
    path: PathBuf,
    began_at: Timestamp,
    ended_at: Timestamp,
    bytes: u64,
}

impl Rings {
    /// Takes up what an earlier run left, with the tail cut off that it may not have finished.
    pub(super) fn open(folder: PathBuf, window: Duration, bytes_max: u64) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let mut rings = Self {
            folder,
            window,
            bytes_max,
            by_cluster: BTreeMap::new(),
        };
        let mut found: Vec<(String, Segment)> = Vec::new();
        for entry in fs::read_dir(&rings.folder)? {
            let path = entry?.path();
            found.extend(Segment::found(&path)?);
        }
        found.sort_by_key(|(_, segment)| segment.began_at);
        for (cluster, segment) in found {
            let ring = rings.by_cluster.entry(cluster).or_default();
            ring.segments.push_back(segment);
        }
        for ring in rings.by_cluster.values_mut() {
            if let Err(error) = ring.cut_tail() {
                // What is frozen from it then lacks a block; that is no reason not to record.
                tracing::warn!(%error, "The last segment of a black box cannot be read");
            }
        }
        Ok(rings)
    }

    /// Appends a block to the ring of a cluster. Where that fails, the ring is as it was.
    pub(super) fn append(&mut self, cluster: &str, block: &Block) -> io::Result<()> {
        let span = self.window / SEGMENTS_PER_WINDOW;
        let segment_bytes = self.share() / SEGMENTS_PER_SHARE;
        let ring = self.by_cluster.entry(cluster.to_owned()).or_default();
        if ring.is_full(block, span, segment_bytes) {
            ring.open = None;
        }
        if ring.open.is_none() {
            ring.begin(&self.folder, cluster, block)?;
        }
        ring.write(block)
    }

    /// Deletes what is older than the window before `now`, and the oldest of each ring that has more than its share.
    pub(super) fn expire(&mut self, now: Timestamp) {
        let share = self.share();
        for ring in self.by_cluster.values_mut() {
            while ring.is_first_over(now, self.window, share) {
                ring.delete_first();
            }
        }
        self.by_cluster.retain(|_, ring| !ring.segments.is_empty());
    }

    fn share(&self) -> u64 {
        self.bytes_max / (self.by_cluster.len() as u64).max(1)
    }

    /// The segments of a cluster, oldest first.
    pub(super) fn segments(&self, cluster: &str) -> Vec<&Path> {
        let ring = self.by_cluster.get(cluster).into_iter();
        ring.flat_map(|ring| &ring.segments)
            .map(|segment| segment.path.as_path())
            .collect()
    }

    /// Bytes of a cluster's segments.
    pub(super) fn bytes_of(&self, cluster: &str) -> u64 {
        self.by_cluster.get(cluster).map_or(0, Ring::bytes)
    }

    /// Bytes of all segments.
    pub(super) fn bytes(&self) -> u64 {
        self.by_cluster.values().map(Ring::bytes).sum()
    }
}

impl Ring {
    fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    fn is_full(&self, block: &Block, span: Duration, bytes_max: u64) -> bool {
        self.segments.back().is_none_or(|segment| {
            let seconds = block
                .ended_at
                .duration_since(segment.began_at)
                .as_secs_f64();
            // A clock that went back begins a new one, too.
            !(0.0..=span.as_secs_f64()).contains(&seconds)
                || segment.bytes + block.frame.len() as u64 > bytes_max
        })
    }

    fn begin(&mut self, folder: &Path, cluster: &str, block: &Block) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let (path, mut file) = create(folder, cluster, block.began_at)?;
        let line = format_line::line();
        let begun = file
            .write_all(line.as_bytes())
            .and_then(|()| file.write_all(&block.head));
        if let Err(error) = begun {
            remove(&path);
            return Err(error);
        }
        self.segments.push_back(Segment {
            path,
            began_at: block.began_at,
            ended_at: block.began_at,
            bytes: (line.len() + block.head.len()) as u64,
        });
        self.open = Some(file);
        Ok(())
    }

    fn write(&mut self, block: &Block) -> io::Result<()> {
        let Some((file, segment)) = self.open.as_mut().zip(self.segments.back_mut()) else {
            return Ok(());
        };
        if let Err(error) = file.write_all(&block.frame) {
            // Half a frame would cost the next one; a reader that finds it leaves it out.
            let _ = file.set_len(segment.bytes);
            self.open = None;
            return Err(error);
        }
        segment.bytes += block.frame.len() as u64;
        segment.ended_at = block.ended_at;
        Ok(())
    }

    fn is_first_over(&self, now: Timestamp, window: Duration, share: u64) -> bool {
        self.segments.front().is_some_and(|first| {
            let age_seconds = now.duration_since(first.ended_at).as_secs_f64();
            // The last one may be written to still; it is at most an eighth of the share.
            let over_share = self.segments.len() > 1 && self.bytes() > share;
            age_seconds > window.as_secs_f64() || over_share
        })
    }

    fn delete_first(&mut self) {
        if let Some(segment) = self.segments.pop_front() {
            remove(&segment.path);
        }
        if self.segments.is_empty() {
            self.open = None;
        }
    }

    /// A process that was killed may have left half a frame at the end of its last segment.
    fn cut_tail(&mut self) -> io::Result<()> {
        let Some(last) = self.segments.back_mut() else {
            return Ok(());
        };
        let content = fs::read(&last.path)?;
        let Some((format_line::VERSION, frames)) = format_line::version(&content) else {
            return Ok(());
        };
        let whole = content.len() - frames.len() + frame::whole(frames);
        last.bytes = whole as u64;
        OpenOptions::new()
            .write(true)
            .open(&last.path)?
            .set_len(last.bytes)
    }
}

impl Segment {
    /// A segment in the folder, with its cluster; `None` for any other file.
    fn found(path: &Path) -> io::Result<Option<(String, Self)>> {
        let Some((cluster, began_at)) = path.file_name().and_then(|name| parts(name.to_str()?))
        else {
            return Ok(None);
        };
        let metadata = fs::metadata(path)?;
        let ended_at = Timestamp::try_from(metadata.modified()?).unwrap_or(began_at);
        let segment = Self {
            path: path.to_owned(),
            began_at,
            ended_at: ended_at.max(began_at),
            bytes: metadata.len(),
        };
        Ok(Some((cluster, segment)))
    }
}

/// Cluster and beginning in the name of a segment.
fn parts(name: &str) -> Option<(String, Timestamp)> {
    let (name, suffix) = name.rsplit_once('.')?;
    let (cluster, began) = name.rsplit_once('.')?;
    let began_at = Timestamp::from_millisecond(began.parse().ok()?).ok()?;
    (suffix == SUFFIX).then(|| (cluster.to_owned(), began_at))
}

/// A new file; after a clock that went back, its name may be taken, and the next millisecond is not.
fn create(folder: &Path, cluster: &str, at: Timestamp) -> io::Result<(PathBuf, File)> {
    let mut millisecond = at.as_millisecond();
    loop {
        let path = folder.join(format!("{cluster}.{millisecond}.{SUFFIX}"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => millisecond += 1,
            Err(error) => return Err(error),
        }
    }
}

pub(super) fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "A file of the black box cannot be deleted");
    }
}
