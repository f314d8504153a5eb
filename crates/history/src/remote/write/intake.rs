//! What was taken since the last flush.

use std::collections::{HashMap, VecDeque};

use etcd_monitor_model::{ClusterName, MemberId, Sample, SampleBatch};

use super::counters::{Counters, Drop};
use crate::remote::names;
use crate::remote::record::{Packer, Record};

/// Samples of a record: 15 KB or so, small against a request and large against its names.
const RECORD_SAMPLES: u32 = 2_000;

/// Members, and clusters as a whole, whose last time is known: ten times the largest fleet that is planned for.
const GROUPS_MAX: usize = 4096;

/// A group that is silent for so long, in milliseconds, is forgotten.
const IDLE_MAX: i64 = 3600 * 1000;

#[derive(Debug)]
pub(super) struct Intake {
    open: Packer,
    sealed: VecDeque<Record>,
    bytes: usize,
    bytes_max: usize,
    /// Time of the last batch in Unix milliseconds.
    last: HashMap<(ClusterName, Option<MemberId>), i64>,
}

impl Intake {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            open: Packer::default(),
            sealed: VecDeque::new(),
            bytes: 0,
            bytes_max,
            last: HashMap::new(),
        }
    }

    /// Takes a batch; true where a record became full.
    pub(super) fn take(&mut self, batch: &SampleBatch, counters: &Counters) -> bool {
        let count = batch.samples.len() as u64;
        if !names::is_cluster(&batch.cluster) {
            counters.dropped(Drop::Unnameable, count);
        } else if !self.is_later(batch) {
            counters.dropped(Drop::OutOfOrder, count);
        } else if batch.samples.iter().any(is_sendable) {
            let taken = self.open.push(batch, is_sendable);
            counters.dropped(Drop::Unnameable, count.saturating_sub(u64::from(taken)));
            if self.open.samples() >= RECORD_SAMPLES {
                self.seal(counters);
                return true;
            }
        } else {
            counters.dropped(Drop::Unnameable, count);
        }
        false
    }

    /// Everything that was taken, in order.
    pub(super) fn drain(&mut self, counters: &Counters) -> VecDeque<Record> {
        self.seal(counters);
        self.bytes = 0;
        std::mem::take(&mut self.sealed)
    }

    fn seal(&mut self, counters: &Counters) {
        let Some(record) = std::mem::take(&mut self.open).finish() else {
            return;
        };
        self.bytes += record.payload.len();
        self.sealed.push_back(record);
        while self.bytes > self.bytes_max
            && let Some(oldest) = self.sealed.pop_front()
        {
            self.bytes -= oldest.payload.len();
            counters.dropped(Drop::MemoryFull, u64::from(oldest.samples));
        }
    }

    /// Notes the time of a batch, where it is later than the one before of its group.
    fn is_later(&mut self, batch: &SampleBatch) -> bool {
        let at = batch.at.as_millisecond();
        let group = (batch.cluster.clone(), batch.member.as_ref().map(|it| it.id));
        if let Some(last) = self.last.get_mut(&group) {
            let later = at > *last;
            *last = at.max(*last);
            return later;
        }
        if self.last.len() >= GROUPS_MAX {
            self.last
                .retain(|_, last| *last >= at.saturating_sub(IDLE_MAX));
        }
        // With more groups than that the order is left to whoever appends.
        if self.last.len() < GROUPS_MAX {
            self.last.insert(group, at);
        }
        true
    }
}

fn is_sendable(sample: &Sample) -> bool {
    sample.value.is_finite() && names::is_metric(&sample.metric)
}
