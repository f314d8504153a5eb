//! What waits to be written.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use etcd_monitor_model::{SampleBatch, Stat};

/// Batches in the order in which they came, at most so many samples of them; the oldest go first.
#[derive(Debug)]
pub(crate) struct Queue {
    samples_max: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    batches: VecDeque<SampleBatch>,
    samples: usize,
    dropped: u64,
}

impl Queue {
    pub(crate) fn new(samples_max: usize) -> Self {
        Self {
            samples_max,
            waiting: Mutex::default(),
        }
    }

    pub(crate) fn push(&self, batch: SampleBatch) {
        let mut waiting = self.lock();
        waiting.samples += batch.samples.len();
        waiting.batches.push_back(batch);
        waiting.drop_oldest(self.samples_max);
    }

    /// Everything that waits.
    pub(crate) fn take(&self) -> Vec<SampleBatch> {
        let mut waiting = self.lock();
        waiting.samples = 0;
        std::mem::take(&mut waiting.batches).into()
    }

    /// Puts back what could not be written, before what came since.
    pub(crate) fn put_back(&self, batches: Vec<SampleBatch>) {
        let mut waiting = self.lock();
        waiting.samples += batches.iter().map(|it| it.samples.len()).sum::<usize>();
        let since = std::mem::replace(&mut waiting.batches, batches.into());
        waiting.batches.extend(since);
        waiting.drop_oldest(self.samples_max);
    }

    pub(crate) fn stats(&self) -> [Stat; 2] {
        let waiting = self.lock();
        [
            Stat::gauge(
                "etcd_monitor_history_file_queued_samples",
                "Samples that wait to be written to the history file",
                waiting.samples as f64,
            ),
            Stat::counter(
                "etcd_monitor_history_file_dropped_samples_total",
                "Samples that were dropped before they could be written to the history file, since its queue was full",
                waiting.dropped,
            ),
        ]
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics while the lock is held.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn drop_oldest(&mut self, samples_max: usize) {
        while self.samples > samples_max
            && let Some(oldest) = self.batches.pop_front()
        {
            self.samples -= oldest.samples.len();
            self.dropped += oldest.samples.len() as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use etcd_monitor_model::{ClusterName, Sample};
    use jiff::Timestamp;

    use super::*;

    fn batch(second: i64, samples: usize) -> SampleBatch {
        let sample = Sample {
            metric: "term".into(),
            peer: None,
            value: 1.0,
        };
        SampleBatch {
            cluster: ClusterName::new("a"),
            member: None,
            at: Timestamp::from_second(second).unwrap(),
            samples: vec![sample; samples],
        }
    }

    #[test]
    fn the_oldest_are_dropped_and_counted_and_what_is_put_back_comes_first() {
        let queue = Queue::new(10);
        queue.push(batch(1, 4));
        queue.push(batch(2, 4));
        let taken = queue.take();
        queue.push(batch(3, 4));
        queue.put_back(taken);
        let seconds: Vec<_> = queue.take().iter().map(|it| it.at.as_second()).collect();
        assert_eq!(seconds, [2, 3]);
        let stats = queue.stats();
        assert_eq!((stats[0].value, stats[1].value), (0.0, 4.0));
    }
}
