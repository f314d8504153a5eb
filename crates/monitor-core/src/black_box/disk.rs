//! The files of the black box, and what became of writing them.

use std::io;
use std::time::Duration;

use etcd_monitor_model::ClusterName;
use jiff::Timestamp;

use super::frozen::{Freeze, Frozen};
use super::queue::{Message, Records};
use super::ring::Rings;
use super::{BlackBoxOptions, BlackBoxStatus, RecordingStop, names};

/// Freezes that wait for the disk to take them: one for each cluster of a large fleet.
const WAITING_MAX: usize = 256;

/// Everything on disk. Used by one thread at a time.
#[derive(Debug)]
pub(super) struct Disk {
    options: BlackBoxOptions,
    /// `None` until the folders could be read.
    files: Option<(Rings, Frozen)>,
    /// What could not be frozen yet.
    waiting: Vec<Freeze>,
    stopped: Option<RecordingStop>,
    lost_blocks: u64,
}

impl Disk {
    /// Takes up what an earlier run left. A folder that cannot be used is tried again with each block.
    pub(super) fn open(options: BlackBoxOptions) -> Self {
        let mut disk = Self {
            options,
            files: None,
            waiting: Vec::new(),
            stopped: None,
            lost_blocks: 0,
        };
        let opened = disk.files().map(|_| ());
        disk.note(opened);
        disk
    }

    pub(super) fn handle(&mut self, message: Message) {
        match message {
            Message::Block(records) => {
                let written = self.write(&records);
                self.lost_blocks += u64::from(written.is_err());
                self.note(written);
            }
            Message::Freeze(freeze) => self.freeze(freeze),
        }
    }

    /// Two fifths of the bytes for the rings, so that a copy of all of them and the minutes after fit into the rest.
    fn files(&mut self) -> io::Result<&mut (Rings, Frozen)> {
        if self.files.is_none() {
            let folder = &self.options.folder;
            let ring_bytes = self.options.bytes / 5 * 2;
            let frozen_bytes = self.options.bytes - ring_bytes;
            let rings = Rings::open(folder.join("ring"), self.options.window, ring_bytes)?;
            let frozen = Frozen::open(folder.join("frozen"), self.options.after, frozen_bytes)?;
            self.files = Some((rings, frozen));
        }
        self.files
            .as_mut()
            .ok_or_else(|| io::Error::other("the folders are not open"))
    }

    fn write(&mut self, records: &Records) -> io::Result<()> {
        let Records { cluster, block, .. } = records;
        let (rings, frozen) = self.files()?;
        rings.expire(block.ended_at);
        rings.append(&names::part(cluster.as_str()), block)?;
        frozen.append(cluster, block)?;
        self.freeze_waiting(cluster, block.ended_at)
    }

    fn freeze(&mut self, freeze: Freeze) {
        let frozen = self.try_freeze(&freeze);
        if frozen.is_err() && self.waiting.len() < WAITING_MAX {
            self.waiting.push(freeze);
        }
        self.note(frozen);
    }

    fn try_freeze(&mut self, freeze: &Freeze) -> io::Result<()> {
        let (rings, frozen) = self.files()?;
        let part = names::part(freeze.cluster.as_str());
        frozen.freeze(freeze, &rings.segments(&part), rings.bytes_of(&part))
    }

    /// Freezes what waits for it, while the ring still holds the minutes before it.
    fn freeze_waiting(&mut self, cluster: &ClusterName, now: Timestamp) -> io::Result<()> {
        let window = self.options.window;
        self.waiting.retain(|freeze| is_within(freeze, now, window));
        while let Some(index) = self
            .waiting
            .iter()
            .position(|freeze| freeze.cluster == *cluster)
        {
            let freeze = self.waiting[index].clone();
            self.try_freeze(&freeze)?;
            self.waiting.remove(index);
        }
        Ok(())
    }

    /// Tells once when recording stops, and once when it goes on.
    fn note(&mut self, outcome: io::Result<()>) {
        match outcome {
            Ok(()) => {
                if self.stopped.take().is_some() {
                    tracing::info!("The black box records again");
                }
            }
            Err(error) if self.stopped.is_none() => {
                let folder = self.options.folder.display();
                let reason = format!("{folder} cannot be written: {error}");
                tracing::warn!(
                    reason,
                    "The black box does not record; everything else goes on"
                );
                self.stopped = Some(RecordingStop {
                    reason,
                    since: Timestamp::now(),
                });
            }
            Err(_) => {}
        }
    }

    pub(super) fn status(&self) -> BlackBoxStatus {
        let files = self.files.as_ref();
        BlackBoxStatus {
            stopped: self.stopped.clone(),
            ring_bytes: files.map_or(0, |(rings, _)| rings.bytes()),
            frozen_bytes: files.map_or(0, |(_, frozen)| frozen.bytes()),
            lost_blocks: self.lost_blocks,
            lost_records: 0,
            deleted_recordings: files.map_or(0, |(_, frozen)| frozen.deleted()),
            recordings: files.map_or(Vec::new(), |(_, frozen)| frozen.kept().to_vec()),
        }
    }
}

fn is_within(freeze: &Freeze, now: Timestamp, window: Duration) -> bool {
    let age_seconds = now.duration_since(freeze.incident.at).as_secs_f64();
    age_seconds <= window.as_secs_f64()
}
