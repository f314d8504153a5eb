//! Frozen recordings: what a ring held when a critical finding became true, and the minutes after.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_model::ClusterName;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::record::{self, Incident, Record};
use super::recording::Recording;
use super::ring::{Block, remove};
use super::{format_line, frame, names};

/// Frozen recordings of one cluster; one more deletes its oldest, so that a cluster whose findings come and go does not
/// push out those of others.
const PER_CLUSTER_MAX: usize = 16;

/// How long findings that follow on each other may stretch one recording.
const STRETCH_MAX: Duration = Duration::from_mins(30);

/// Enough of a file's beginning to say whose it is: its first two frames, of which neither has more than a few kilobytes.
const BEGINNING_BYTES: u64 = 16 << 10;

/// What is known of a frozen recording.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct RecordingInfo {
    /// Its name, in which there is nothing but ASCII letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// The cluster; `None` where the file cannot be read.
    pub cluster: Option<ClusterName>,
    /// The finding that froze it; `None` where the file cannot be read.
    pub incident: Option<Incident>,
    /// Its size in bytes.
    pub bytes: u64,
    /// False while the minutes after the finding are being added.
    pub complete: bool,
}

/// What asks to freeze the ring of a cluster.
#[derive(Debug, Clone)]
pub(super) struct Freeze {
    pub(super) cluster: ClusterName,
    pub(super) head: Arc<[u8]>,
    pub(super) incident: Incident,
}

/// The frozen recordings in a folder.
#[derive(Debug)]
pub(super) struct Frozen {
    folder: PathBuf,
    after: Duration,
    bytes_max: u64,
    /// Oldest first: names begin with the time.
    kept: Vec<RecordingInfo>,
    open: BTreeMap<ClusterName, Open>,
    deleted: u64,
}

#[derive(Debug)]
struct Open {
    name: String,
    file: File,
    until: Timestamp,
    until_at_most: Timestamp,
}

impl Frozen {
    /// Takes up what an earlier run left; `after` is how long after its finding a recording goes on.
    pub(super) fn open(folder: PathBuf, after: Duration, bytes_max: u64) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let mut kept = Vec::new();
        for entry in fs::read_dir(&folder)? {
            kept.extend(found(&entry?.path()));
        }
        kept.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(Self {
            folder,
            after,
            bytes_max,
            kept,
            open: BTreeMap::new(),
            deleted: 0,
        })
    }

    /// Freezes these segments, which have so many bytes. Where the cluster has a recording that still goes on, that one goes
    /// on longer instead.
    pub(super) fn freeze(
        &mut self,
        freeze: &Freeze,
        segments: &[&Path],
        bytes: u64,
    ) -> io::Result<()> {
        let until = later(freeze.incident.at, self.after);
        if let Some(open) = self.open.get_mut(&freeze.cluster) {
            open.until = until.min(open.until_at_most);
            return self.write(&freeze.cluster, &incident_frame(&freeze.incident));
        }
        self.make_room_for_one(&freeze.cluster);
        self.make_room(bytes);
        let (info, file) = self.copy(freeze, segments)?;
        let open = Open {
            name: info.name.clone(),
            file,
            until,
            until_at_most: later(freeze.incident.at, STRETCH_MAX),
        };
        self.kept.push(info);
        self.kept.sort_by(|left, right| left.name.cmp(&right.name));
        self.open.insert(freeze.cluster.clone(), open);
        Ok(())
    }

    fn copy(&self, freeze: &Freeze, segments: &[&Path]) -> io::Result<(RecordingInfo, File)> {
        let taken = |name: &str| self.kept.iter().any(|info| info.name == name);
        let name = names::recording(&freeze.cluster, &freeze.incident, taken);
        let beginning = [&freeze.head, &*incident_frame(&freeze.incident)];
        let file = copy(&self.folder.join(&name), &beginning, segments)?;
        let info = RecordingInfo {
            name,
            cluster: Some(freeze.cluster.clone()),
            incident: Some(freeze.incident.clone()),
            bytes: file.metadata()?.len(),
            complete: false,
        };
        Ok((info, file))
    }

    /// Adds a block to the recording of a cluster that still goes on, if there is one, and ends it when it is time, or when
    /// there is no room for more.
    pub(super) fn append(&mut self, cluster: &ClusterName, block: &Block) -> io::Result<()> {
        let Some(open) = self.open.get(cluster) else {
            return Ok(());
        };
        let is_last = block.ended_at >= open.until;
        let fits = self.make_room(block.frame.len() as u64);
        if fits {
            self.write(cluster, &block.frame)?;
        }
        if is_last || !fits {
            self.complete(cluster);
        }
        Ok(())
    }

    fn write(&mut self, cluster: &ClusterName, frame: &[u8]) -> io::Result<()> {
        let Some(open) = self.open.get_mut(cluster) else {
            return Ok(());
        };
        let Some(info) = self.kept.iter_mut().find(|info| info.name == open.name) else {
            return Ok(());
        };
        if let Err(error) = open.file.write_all(frame) {
            // Half a frame would cost the next one; a reader that finds it leaves it out.
            let _ = open.file.set_len(info.bytes);
            return Err(error);
        }
        info.bytes += frame.len() as u64;
        Ok(())
    }

    fn complete(&mut self, cluster: &ClusterName) {
        if let Some(open) = self.open.remove(cluster)
            && let Some(info) = self.kept.iter_mut().find(|info| info.name == open.name)
        {
            info.complete = true;
        }
    }

    /// Deletes the oldest until so many bytes more fit; false when they do not fit even so.
    fn make_room(&mut self, bytes: u64) -> bool {
        while self.bytes() + bytes > self.bytes_max {
            if !self.delete_oldest(None) {
                return false;
            }
        }
        true
    }

    fn make_room_for_one(&mut self, cluster: &ClusterName) {
        let of = |info: &&RecordingInfo| info.cluster.as_ref() == Some(cluster);
        while self.kept.iter().filter(of).count() >= PER_CLUSTER_MAX {
            if !self.delete_oldest(Some(cluster)) {
                return;
            }
        }
    }

    /// False when there is none that could be deleted.
    fn delete_oldest(&mut self, cluster: Option<&ClusterName>) -> bool {
        let oldest = self.kept.iter().position(|info| {
            info.complete && (cluster.is_none() || info.cluster.as_ref() == cluster)
        });
        let Some(index) = oldest else { return false };
        let info = self.kept.remove(index);
        tracing::info!(name = %info.name, "A frozen recording is deleted to make room for newer ones");
        remove(&self.folder.join(info.name));
        self.deleted += 1;
        true
    }

    pub(super) fn kept(&self) -> &[RecordingInfo] {
        &self.kept
    }

    pub(super) fn deleted(&self) -> u64 {
        self.deleted
    }

    pub(super) fn bytes(&self) -> u64 {
        self.kept.iter().map(|info| info.bytes).sum()
    }
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn incident_frame(incident: &Incident) -> Vec<u8> {
    let mut block = Vec::new();
    record::append(
        &mut block,
        &Record::Incident(std::borrow::Cow::Borrowed(incident)),
    );
    frame::encode(&block)
}

/// Writes the frames and what the segments hold, first under another name: a file with its own name is whole.
fn copy(path: &Path, frames: &[&[u8]], segments: &[&Path]) -> io::Result<File> {
    let aside = path.with_extension(names::UNFINISHED);
    let copied = fill(&aside, frames, segments).and_then(|file| {
        fs::rename(&aside, path)?;
        Ok(file)
    });
    if copied.is_err() {
        remove(&aside);
    }
    copied
}

fn fill(path: &Path, frames: &[&[u8]], segments: &[&Path]) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .open(path)?;
    file.write_all(format_line::line().as_bytes())?;
    for frame in frames {
        file.write_all(frame)?;
    }
    for segment in segments {
        append_segment(&mut file, segment)?;
    }
    Ok(file)
}

/// Appends the frames of a segment; one of another format is left out.
fn append_segment(file: &mut File, segment: &Path) -> io::Result<()> {
    let mut reader = BufReader::new(File::open(segment)?);
    let mut line = Vec::new();
    reader
        .by_ref()
        .take(BEGINNING_BYTES)
        .read_until(b'\n', &mut line)?;
    if line == format_line::line().as_bytes() {
        io::copy(&mut reader, file)?;
    }
    Ok(())
}

/// A recording in the folder. What an earlier run did not finish is deleted; one that cannot be read is kept all the same.
fn found(path: &Path) -> Option<RecordingInfo> {
    let name = path.file_name()?.to_str()?;
    if names::is_unfinished(name) {
        remove(path);
    }
    if !names::is_recording(name) {
        return None;
    }
    let beginning = beginning(path).unwrap_or_default();
    let recording = match format_line::version(&beginning) {
        Some((format_line::VERSION, content)) => Recording::parse(content),
        _ => Recording::default(),
    };
    Some(RecordingInfo {
        name: name.to_owned(),
        cluster: recording.cluster().cloned(),
        incident: recording.incidents().next().cloned(),
        bytes: fs::metadata(path).map_or(0, |metadata| metadata.len()),
        complete: true,
    })
}

fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let mut beginning = Vec::new();
    let file = File::open(path)?;
    file.take(BEGINNING_BYTES).read_to_end(&mut beginning)?;
    Ok(beginning)
}
