//! What remote write counts.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use etcd_monitor_model::{Stat, StatKind};

use super::milliseconds;
use super::now_milliseconds;
use crate::remote::queue::{Losses, Queue};

/// Time between two complaints in the log.
const COMPLAINT_PERIOD: Duration = Duration::from_mins(1);

/// Why samples were dropped, apart from the reasons of the queue.
#[derive(Debug, Clone, Copy)]
pub(super) enum Drop {
    /// The receiver refused them.
    Refused,
    /// Not later than the batch before.
    OutOfOrder,
    /// Not finite, or with a name that Prometheus does not allow.
    Unnameable,
    /// No room before they were on disk.
    MemoryFull,
}

const DROPS: [Drop; 4] = [
    Drop::Refused,
    Drop::OutOfOrder,
    Drop::Unnameable,
    Drop::MemoryFull,
];

impl Drop {
    fn reason(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::OutOfOrder => "out_of_order",
            Self::Unnameable => "unusable",
            Self::MemoryFull => "memory_full",
        }
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    Accepted,
    Refused,
    Unavailable,
}

const OUTCOMES: [Outcome; 3] = [Outcome::Accepted, Outcome::Refused, Outcome::Unavailable];

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
        }
    }
}

#[derive(Debug)]
pub(super) struct Counters {
    sent: AtomicU64,
    dropped: [AtomicU64; DROPS.len()],
    requests: [AtomicU64; OUTCOMES.len()],
    queue: QueueNumbers,
    /// Unix milliseconds of the newest sample that was delivered; `i64::MIN` before the first.
    delivered: AtomicI64,
    /// Unix milliseconds.
    complained: AtomicI64,
    unsaid: AtomicU64,
}

/// The queue's numbers as of its last use: reading them never waits for its disk.
#[derive(Debug, Default)]
struct QueueNumbers {
    samples: AtomicU64,
    disk_bytes: AtomicU64,
    memory_bytes: AtomicU64,
    full: AtomicU64,
    memory_full: AtomicU64,
    too_old: AtomicU64,
    damaged: AtomicU64,
    disk_errors: AtomicU64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            sent: AtomicU64::default(),
            dropped: Default::default(),
            requests: Default::default(),
            queue: QueueNumbers::default(),
            delivered: AtomicI64::new(i64::MIN),
            complained: AtomicI64::new(i64::MIN),
            unsaid: AtomicU64::default(),
        }
    }
}

impl Counters {
    pub(super) fn dropped(&self, why: Drop, samples: u64) {
        self.dropped[why as usize].fetch_add(samples, Relaxed);
    }

    pub(super) fn delivered(&self, samples: u64, newest: i64) {
        self.sent.fetch_add(samples, Relaxed);
        self.delivered.fetch_max(newest, Relaxed);
    }

    pub(super) fn requested(&self, outcome: Outcome) {
        self.requests[outcome as usize].fetch_add(1, Relaxed);
    }

    /// Takes over the numbers of the queue.
    pub(super) fn publish(&self, queue: &Queue) {
        let numbers = &self.queue;
        let Losses {
            full,
            memory_full,
            too_old,
            damaged,
            disk_errors,
        } = queue.losses();
        numbers.samples.store(queue.samples(), Relaxed);
        numbers.disk_bytes.store(queue.disk_bytes(), Relaxed);
        let memory_bytes = queue.memory_bytes() as u64;
        numbers.memory_bytes.store(memory_bytes, Relaxed);
        numbers.full.store(full, Relaxed);
        numbers.memory_full.store(memory_full, Relaxed);
        numbers.too_old.store(too_old, Relaxed);
        numbers.damaged.store(damaged, Relaxed);
        numbers.disk_errors.store(disk_errors, Relaxed);
    }

    /// How many complaints were not logged since the last one, when one may be logged again.
    pub(super) fn may_complain(&self) -> Option<u64> {
        let now = now_milliseconds();
        let last = self.complained.load(Relaxed);
        if now.saturating_sub(last) < milliseconds(COMPLAINT_PERIOD) {
            self.unsaid.fetch_add(1, Relaxed);
            return None;
        }
        self.complained.store(now, Relaxed);
        Some(self.unsaid.swap(0, Relaxed))
    }

    pub(super) fn stats(&self) -> Vec<Stat> {
        let mut stats = self.of_queue();
        stats.push(Stat::counter(
            "etcd_monitor_remote_write_sent_samples_total",
            "Samples that the remote store accepted",
            self.sent.load(Relaxed),
        ));
        stats.extend(self.drops());
        stats.extend(OUTCOMES.map(|outcome| {
            let count = self.requests[outcome as usize].load(Relaxed);
            let help = "Requests to the remote store, by how they ended";
            Stat::counter("etcd_monitor_remote_write_requests_total", help, count)
                .label("outcome", outcome.name())
        }));
        let delivered = self.delivered.load(Relaxed);
        if delivered != i64::MIN {
            stats.push(Stat::gauge(
                "etcd_monitor_remote_write_delivered_until_timestamp_seconds",
                "Time of the newest sample that the remote store accepted, since the start",
                delivered as f64 / 1000.0,
            ));
        }
        stats
    }

    fn drops(&self) -> Vec<Stat> {
        let numbers = &self.queue;
        let stat = |reason: &'static str, count: u64| {
            let help = "Samples that will not reach the remote store, by the reason";
            let name = "etcd_monitor_remote_write_dropped_samples_total";
            Stat::counter(name, help, count).label("reason", reason)
        };
        let of_queue = [("queue_full", &numbers.full), ("too_old", &numbers.too_old)];
        let mut stats: Vec<_> = of_queue
            .map(|(reason, count)| stat(reason, count.load(Relaxed)))
            .into();
        stats.extend(DROPS.map(|why| {
            let own = self.dropped[why as usize].load(Relaxed);
            let of_queue = match why {
                Drop::MemoryFull => numbers.memory_full.load(Relaxed),
                _ => 0,
            };
            stat(why.reason(), own + of_queue)
        }));
        stats
    }

    fn of_queue(&self) -> Vec<Stat> {
        let numbers = &self.queue;
        let stats = [
            (
                "etcd_monitor_remote_write_queue_samples",
                "Samples that wait for the remote store",
                StatKind::Gauge,
                &numbers.samples,
            ),
            (
                "etcd_monitor_remote_write_queue_bytes",
                "Size of the files in which samples wait for the remote store",
                StatKind::Gauge,
                &numbers.disk_bytes,
            ),
            (
                "etcd_monitor_remote_write_queue_memory_bytes",
                "Samples for the remote store that the disk did not take yet",
                StatKind::Gauge,
                &numbers.memory_bytes,
            ),
            (
                "etcd_monitor_remote_write_damaged_records_total",
                "Damaged places in the queue of remote write: what was in them is lost",
                StatKind::Counter,
                &numbers.damaged,
            ),
            (
                "etcd_monitor_remote_write_queue_errors_total",
                "Reads and writes of the queue of remote write that failed",
                StatKind::Counter,
                &numbers.disk_errors,
            ),
        ];
        let stat = |(name, help, kind, value): (&'static str, &'static str, _, &AtomicU64)| {
            let value = value.load(Relaxed);
            match kind {
                StatKind::Counter => Stat::counter(name, help, value),
                StatKind::Gauge => Stat::gauge(name, help, value as f64),
            }
        };
        stats.map(stat).into()
    }
}
