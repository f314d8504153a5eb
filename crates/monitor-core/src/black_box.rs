//! The black box: what was seen in the last minutes, on disk, kept when something critical begins.
//!
//! A [`Recorder`] encodes each cycle of its cluster and hands compressed blocks of some cycles to the [`BlackBoxWriter`],
//! which writes them into short segments. When a critical finding becomes true, the segments of the
//! cluster are copied into one file, to which the minutes after it are added: a frozen [`Recording`], which replays
//! through `assess`.
//!
//! Nothing here is waited for by the probing. A disk that is full or slow costs records, which are counted.

mod disk;
mod format_line;
mod frame;
mod frozen;
mod names;
mod queue;
mod record;
mod recorder;
mod recording;
mod replay;
mod ring;
mod wishes;

use std::path::PathBuf;
use std::time::Duration;

use etcd_monitor_model::ClusterName;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{mpsc, watch};

use crate::assess::Parameters;
use disk::Disk;
use queue::{LostRecords, Queue, Queued};

pub use frozen::RecordingInfo;
pub use record::{Incident, RawPage, RecordingHead};
pub use recorder::Recorder;
pub use recording::{Recording, RecordingDamage, RecordingError};
pub use replay::Episode;

/// Messages that are handled before the status is told again.
const BATCH: usize = 64;

/// Where a black box keeps its files, and how much.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BlackBoxOptions {
    /// The folder; made where there is none.
    pub folder: PathBuf,
    /// How far back the recording of each cluster reaches at least, while there is room.
    pub window: Duration,
    /// How long a frozen recording goes on after its finding.
    pub after: Duration,
    /// Bytes of all files: two fifths for the last minutes, shared equally by the clusters, three for what is frozen.
    pub bytes: u64,
}

impl BlackBoxOptions {
    /// 15 minutes, 5 more after a finding, 256 MiB.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            window: Duration::from_mins(15),
            after: Duration::from_mins(5),
            bytes: 256 << 20,
        }
    }
}

/// What a black box holds, and what it lost.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct BlackBoxStatus {
    /// Why nothing is recorded, and since when; `None` while all is well.
    pub stopped: Option<RecordingStop>,
    /// Bytes of the last minutes of all clusters.
    pub ring_bytes: u64,
    /// Bytes of the frozen recordings.
    pub frozen_bytes: u64,
    /// Blocks that the disk refused, since the start.
    pub lost_blocks: u64,
    /// Records that did not come to the disk since it was too far behind, or since they were too long, since the start.
    pub lost_records: u64,
    /// Frozen recordings that were deleted to make room, since the start.
    pub deleted_recordings: u64,
    /// The frozen recordings, oldest first.
    pub recordings: Vec<RecordingInfo>,
}

/// Why nothing is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordingStop {
    /// What was refused, and what came back.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// Makes recorders. The writer ends when this and all recorders are dropped.
#[derive(Debug)]
pub struct BlackBox {
    queue: Queue,
    recordings: Recordings,
}

/// Writes what the recorders hand over.
#[derive(Debug)]
pub struct BlackBoxWriter {
    disk: Disk,
    messages: mpsc::UnboundedReceiver<Queued>,
    status: watch::Sender<BlackBoxStatus>,
}

/// Looks at what a black box holds. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Recordings {
    folder: PathBuf,
    status: watch::Receiver<BlackBoxStatus>,
    lost: LostRecords,
}

impl BlackBox {
    /// Takes up what an earlier run left in the folder. A folder that cannot be used is no failure: the status says so, and
    /// it is tried again.
    ///
    /// Reads the folder, and of each frozen recording the beginning.
    pub fn open(options: BlackBoxOptions) -> (Self, BlackBoxWriter) {
        let folder = options.folder.clone();
        let disk = Disk::open(options);
        let (queue, messages) = queue::queue();
        let (status, published) = watch::channel(disk.status());
        let recordings = Recordings {
            folder,
            status: published,
            lost: queue.lost_records(),
        };
        let writer = BlackBoxWriter {
            disk,
            messages,
            status,
        };
        (Self { queue, recordings }, writer)
    }

    /// A recorder for the monitor of a cluster that judges by these parameters.
    pub fn recorder(&self, cluster: ClusterName, parameters: Parameters) -> Recorder {
        Recorder::new(&RecordingHead::new(cluster, parameters), self.queue.clone())
    }

    /// Looks at what the black box holds.
    pub fn recordings(&self) -> Recordings {
        self.recordings.clone()
    }
}

impl BlackBoxWriter {
    /// Writes until the black box and all recorders are dropped. A future that is dropped before loses what is queued.
    pub async fn run(mut self) {
        let mut batch = Vec::new();
        while self.messages.recv_many(&mut batch, BATCH).await > 0 {
            let taken = std::mem::take(&mut batch);
            let written = tokio::task::spawn_blocking(move || write(self.disk, taken)).await;
            self.disk = match written {
                Ok(disk) => disk,
                // The runtime is being shut down.
                Err(error) if error.is_cancelled() => return,
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            };
            self.status.send_replace(self.disk.status());
        }
    }
}

fn write(mut disk: Disk, batch: Vec<Queued>) -> Disk {
    for mut queued in batch {
        if let Some(message) = queued.take() {
            disk.handle(message);
        }
    }
    disk
}

impl Recordings {
    /// What the black box holds now.
    pub fn status(&self) -> BlackBoxStatus {
        let mut status = self.status.borrow().clone();
        status.lost_records = self.lost.count();
        status
    }

    /// The file of a frozen recording; `None` where none has this name.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let status = self.status.borrow();
        let known = status.recordings.iter().find(|info| info.name == name)?;
        Some(self.folder.join("frozen").join(&known.name))
    }

    /// Waits until a status is as wanted, and returns it. For tests and for who follows the recordings; cancel-safe.
    /// `None` when the writer has ended.
    pub async fn wait_for(
        &mut self,
        wanted: impl FnMut(&BlackBoxStatus) -> bool,
    ) -> Option<BlackBoxStatus> {
        let status = self.status.wait_for(wanted).await.ok()?;
        Some(status.clone())
    }
}

#[cfg(test)]
mod tests;
