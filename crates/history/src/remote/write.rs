//! Remote write: takes batches at once, keeps them on disk, and sends them in their order.

mod counters;
mod intake;
mod options;
mod sending;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use etcd_monitor_model::{SampleBatch, Stat, StatSource};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

pub use options::RemoteWriteOptions;

use super::RemoteError;
use super::door::Door;
use super::names;
use super::queue::Queue;
use super::wire::Label;
use counters::Counters;
use intake::Intake;
use sending::Sender;

/// Sends samples to a Prometheus-compatible store (`VictoriaMetrics`, Mimir, Thanos, Prometheus) by remote write 1.0.
///
/// What it takes waits in a queue on disk until the store has it: an outage of the store and a restart of the process lose nothing while
/// the queue has room. Then the oldest is dropped, and counted. Nothing here waits for the store but [`Self::run`].
///
/// A series is named [`SERIES_PREFIX`](super::SERIES_PREFIX) and the metric, with the labels `cluster`, for a member's value `member` (its name) and
/// `member_id`, for a link's `peer_id`, ids in hexadecimal, and those of [`RemoteWriteOptions::external_labels`].
#[derive(Debug)]
pub struct RemoteWrite {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: RemoteWriteOptions,
    external: Vec<Label>,
    door: Door,
    intake: Mutex<Intake>,
    /// Locked while its files are read and written: only where blocking is allowed.
    queue: Mutex<Queue>,
    counters: Counters,
    steady: Steady,
    /// The queue has something new, or the intake is filling.
    flushed: Notify,
    filling: Notify,
}

impl RemoteWrite {
    /// Opens the queue, with what an earlier run left in it, and prepares the client. It does I/O in the folder of the queue, and none on the network.
    /// The process must have installed a `rustls` provider before, also when the URL is plain `http`.
    pub fn open(options: RemoteWriteOptions) -> Result<Self, RemoteError> {
        let external = names::external(&options.external_labels)?;
        let door = Door::new(&options.http)?;
        let queue = Queue::open(&options.folder, options.limits())?;
        let inner = Inner {
            external,
            door,
            intake: Mutex::new(Intake::new(options.memory_bytes_max)),
            counters: Counters::default(),
            steady: Steady::default(),
            queue: Mutex::new(queue),
            options,
            flushed: Notify::new(),
            filling: Notify::new(),
        };
        inner.counters.publish(&inner.queue());
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Takes the samples of a batch. Never waits, and does no I/O: [`Self::run`] writes them to disk at the next flush.
    ///
    /// Dropped, and counted: a batch that is not later than the one before of its member, samples that are not finite, metrics with other
    /// characters than letters, digits and `_`, and the oldest where the memory for what is not yet on disk is full.
    pub fn append(&self, batch: &SampleBatch) {
        let sealed = self.inner.intake().take(batch, &self.inner.counters);
        if sealed {
            self.inner.filling.notify_one();
        }
    }

    /// Writes to disk and sends until `stop`, then tries for [`RemoteWriteOptions::stop_timeout`] to deliver the rest; what is left stays on
    /// disk for the next start. Run it once.
    pub async fn run(&self, stop: CancellationToken) {
        let mut sender = Sender::new(Arc::clone(&self.inner));
        let work = async {
            tokio::join!(self.flush_until(&stop), sender.send_until(&stop));
            self.inner.flush().await;
            sender.send_rest().await;
        };
        let limit = async {
            stop.cancelled().await;
            sleep(self.inner.options.stop_timeout).await;
        };
        tokio::select! {
            () = work => {}
            () = limit => tracing::info!(
                target = self.inner.door.target(),
                "The remote store did not take all samples before the stop; the rest stays in the queue"
            ),
        }
        // What came in the meantime, and what was in hand; a disk that hangs does not hold the stop.
        let rest = async {
            self.inner.with_queue(Queue::put_back).await;
            self.inner.flush().await;
        };
        if timeout(self.inner.options.stop_timeout, rest)
            .await
            .is_err()
        {
            tracing::warn!(
                "The queue of remote write cannot be written in time; its newest samples are lost"
            );
        }
    }

    async fn flush_until(&self, stop: &CancellationToken) {
        // A timer of no length panics.
        let period = self.inner.options.flush_interval;
        let mut ticks = interval(period.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
                () = self.inner.filling.notified() => {}
            }
            self.inner.flush().await;
        }
    }
}

impl StatSource for RemoteWrite {
    fn stats(&self) -> Vec<Stat> {
        self.inner.counters.stats()
    }
}

impl Inner {
    fn intake(&self) -> MutexGuard<'_, Intake> {
        // Nothing panics while the lock is held; were it so, a record would be missing, no more.
        self.intake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes to disk what the intake holds.
    async fn flush(self: &Arc<Self>) {
        let taken = self.intake().drain(&self.counters);
        let flushed = self.with_queue(move |queue| {
            for record in taken {
                queue.push(record);
            }
            queue.flush()
        });
        if let Some(Err(error)) = flushed.await {
            self.complain(&format!("The queue of remote write cannot be written, its newest samples are in memory: {error}"));
        }
        self.flushed.notify_one();
    }

    /// Does something with the queue where blocking is allowed; `None` when the runtime is going away.
    async fn with_queue<T: Send + 'static>(
        self: &Arc<Self>,
        act: impl FnOnce(&mut Queue) -> T + Send + 'static,
    ) -> Option<T> {
        let inner = Arc::clone(self);
        let acting = tokio::task::spawn_blocking(move || {
            let mut queue = inner.queue();
            let done = act(&mut queue);
            inner.counters.publish(&queue);
            done
        });
        acting.await.ok()
    }

    /// Logs, but not what was logged within the last minute.
    fn complain(&self, message: &str) {
        if let Some(unsaid) = self.counters.may_complain() {
            tracing::warn!(unsaid, "{message}");
        }
    }
}

/// The clock's time, less what it was set ahead since: what waits is not too old because of that.
#[derive(Debug)]
struct Steady {
    since: Instant,
    /// Unix milliseconds.
    was: i64,
}

impl Default for Steady {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            was: now_milliseconds(),
        }
    }
}

impl Steady {
    fn milliseconds(&self) -> i64 {
        self.at_most(now_milliseconds())
    }

    fn at_most(&self, now: i64) -> i64 {
        now.min(self.was.saturating_add(milliseconds(self.since.elapsed())))
    }
}

fn now_milliseconds() -> i64 {
    Timestamp::now().as_millisecond()
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_does_not_age_by_a_step_of_the_clock() {
        let steady = Steady::default();
        let year = 365 * 24 * 3_600_000;
        let ahead = steady.at_most(steady.was + year);
        assert!(ahead < steady.was + year / 2, "{ahead}");
        assert_eq!(steady.at_most(steady.was - year), steady.was - year);
    }
}
