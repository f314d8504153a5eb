//! What was taken since the last flush.

use std::collections::{HashMap, VecDeque};

use etcd_monitor_model::{ClusterName, MemberId, Sample, SampleBatch};

use super::counters::{Counters, Drop};
use crate::clock::Setback;
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
    last: HashMap<(ClusterName, Option<MemberId>), Last>,
}

/// The last batch of a group.
#[derive(Debug)]
struct Last {
    /// Its time in Unix milliseconds.
    at: i64,
    setback: Setback,
}

impl Last {
    /// Notes the time of a batch, where it is later than the one before, or where the clock was set back: then the order
    /// begins anew, and the receiver may refuse what overlaps.
    fn is_later(&mut self, at: i64) -> bool {
        let is_taken = self.setback.note(at, self.at) || at > self.at;
        if is_taken {
            self.at = at;
        }
        is_taken
    }
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

    /// True for a batch that is later than the one before of its group.
    fn is_later(&mut self, batch: &SampleBatch) -> bool {
        let at = batch.at.as_millisecond();
        let group = (batch.cluster.clone(), batch.member.as_ref().map(|it| it.id));
        if let Some(last) = self.last.get_mut(&group) {
            return last.is_later(at);
        }
        if self.last.len() >= GROUPS_MAX {
            self.last
                .retain(|_, last| last.at >= at.saturating_sub(IDLE_MAX));
        }
        // With more groups than that the order is left to whoever appends.
        if self.last.len() < GROUPS_MAX {
            let setback = Setback::default();
            self.last.insert(group, Last { at, setback });
        }
        true
    }
}

fn is_sendable(sample: &Sample) -> bool {
    sample.value.is_finite() && names::is_metric(&sample.metric)
}

#[cfg(test)]
mod tests {
    use etcd_monitor_model::Stat;

    use super::*;
    use crate::fixture::batch;

    fn out_of_order(counters: &Counters) -> f64 {
        let of_order = |it: &&Stat| it.labels.iter().any(|label| label.1 == "out_of_order");
        counters.stats().iter().find(of_order).unwrap().value
    }

    #[test]
    fn after_a_clock_that_was_ahead_samples_are_taken_again() {
        let counters = Counters::default();
        let mut intake = Intake::new(1 << 20);
        for second in [10, 20, 1_000_000, 30, 40, 50, 60, 55] {
            intake.take(&batch(second, &[("term", 7.0)]), &counters);
        }
        assert_eq!(out_of_order(&counters), 3.0, "30, 40 and 55");
        let samples: u32 = intake.drain(&counters).iter().map(|it| it.samples).sum();
        assert_eq!(samples, 5);
    }
}
