//! Between the probing and the disk: bounded in bytes, and never waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use etcd_monitor_model::ClusterName;
use tokio::sync::mpsc;

use super::frozen::Freeze;
use super::ring::Block;

/// Bytes that may wait for the disk, of all clusters together.
const QUEUE_BYTES_MAX: usize = 4 << 20;

/// What the disk is asked to do.
#[derive(Debug)]
pub(super) enum Message {
    Block(Records),
    Freeze(Freeze),
}

/// Some records of one cluster.
#[derive(Debug)]
pub(super) struct Records {
    pub(super) cluster: ClusterName,
    pub(super) block: Block,
    pub(super) count: u64,
}

#[derive(Debug, Default)]
struct Counters {
    queued_bytes: AtomicUsize,
    lost_records: AtomicU64,
}

/// The end of the queue that is written to.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    messages: mpsc::UnboundedSender<Queued>,
    counters: Arc<Counters>,
}

/// A message, which gives its bytes back when it is dropped.
#[derive(Debug)]
pub(super) struct Queued {
    message: Option<Message>,
    bytes: usize,
    counters: Arc<Counters>,
}

pub(super) fn queue() -> (Queue, mpsc::UnboundedReceiver<Queued>) {
    // Bounded by bytes: blocks are of very different size.
    let (messages, receiver) = mpsc::unbounded_channel();
    let counters = Arc::default();
    (Queue { messages, counters }, receiver)
}

impl Queue {
    /// Hands a block over; where the disk is too far behind, its records are lost and counted.
    pub(super) fn block(&self, records: Records) {
        let bytes = records.block.frame.len();
        let count = records.count;
        let queued = self.counters.queued_bytes.load(Ordering::Relaxed);
        if queued + bytes > QUEUE_BYTES_MAX || !self.send(Message::Block(records), bytes) {
            self.lost(count);
        }
    }

    pub(super) fn freeze(&self, freeze: Freeze) {
        self.send(Message::Freeze(freeze), 0);
    }

    /// Counts records that were not recorded.
    pub(super) fn lost(&self, records: u64) {
        self.counters
            .lost_records
            .fetch_add(records, Ordering::Relaxed);
    }

    fn send(&self, message: Message, bytes: usize) -> bool {
        self.counters
            .queued_bytes
            .fetch_add(bytes, Ordering::Relaxed);
        let queued = Queued {
            message: Some(message),
            bytes,
            counters: self.counters.clone(),
        };
        self.messages.send(queued).is_ok()
    }

    /// Reads how many records were lost so far.
    pub(super) fn lost_records(&self) -> LostRecords {
        LostRecords(self.counters.clone())
    }
}

/// How many records were lost before they came to the disk.
#[derive(Debug, Clone)]
pub(super) struct LostRecords(Arc<Counters>);

impl LostRecords {
    pub(super) fn count(&self) -> u64 {
        self.0.lost_records.load(Ordering::Relaxed)
    }
}

impl Queued {
    pub(super) fn take(&mut self) -> Option<Message> {
        self.message.take()
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.counters
            .queued_bytes
            .fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn block(bytes: usize) -> Records {
        let block = Block {
            head: Arc::from([]),
            frame: vec![0; bytes],
            began_at: Timestamp::UNIX_EPOCH,
            ended_at: Timestamp::UNIX_EPOCH,
        };
        Records {
            cluster: ClusterName::new("test"),
            block,
            count: 2,
        }
    }

    #[test]
    fn what_a_slow_disk_cannot_take_is_lost_and_counted() {
        let (queue, mut receiver) = queue();
        let lost = queue.lost_records();
        queue.block(block(QUEUE_BYTES_MAX));
        queue.block(block(1));
        assert_eq!(lost.count(), 2);
        drop(receiver.try_recv().unwrap());
        queue.block(block(1));
        assert_eq!(lost.count(), 2, "there is room again");
        drop(receiver);
        queue.block(block(1));
        assert_eq!(lost.count(), 4, "nobody writes any more");
    }
}
