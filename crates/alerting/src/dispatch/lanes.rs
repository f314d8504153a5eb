//! Delivery: one bounded queue and one task per channel.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder, Retryable};
use futures_util::FutureExt;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::view::ChannelStats;
use crate::notification::Notification;
use crate::notifier::{Delivery, Notifier, NotifyError, Receipt};

/// Notifications that wait per channel: more than one fault of the largest cluster (150 members) makes.
const QUEUE_LIMIT: usize = 1_000;

/// Attempts after the first one.
const MAX_RETRIES: usize = 4;

/// Time for all attempts of one notification; an incident's news is old after it, and the next one waits.
const TOTAL_DEADLINE: Duration = Duration::from_mins(1);

/// All channels. Dropping it ends their tasks.
pub(super) struct Lanes {
    lanes: Vec<Lane>,
    tasks: JoinSet<()>,
}

struct Lane {
    name: String,
    queue: Option<mpsc::Sender<Arc<Notification>>>,
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Counters {
    accepted: AtomicU64,
    delivered: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
}

impl Lanes {
    /// Starts a task per channel; `progress` is notified after each delivery.
    pub(super) fn start(notifiers: &[Arc<dyn Notifier>], progress: &Arc<Notify>) -> Self {
        let mut tasks = JoinSet::new();
        let mut lanes = Vec::with_capacity(notifiers.len());
        for notifier in notifiers {
            let (queue, waiting) = mpsc::channel(QUEUE_LIMIT);
            let counters = Arc::new(Counters::default());
            lanes.push(Lane {
                name: notifier.name().to_owned(),
                queue: Some(queue),
                counters: Arc::clone(&counters),
            });
            let (notifier, progress) = (Arc::clone(notifier), Arc::clone(progress));
            tasks.spawn(async move { work(&*notifier, waiting, &counters, &progress).await });
        }
        Self { lanes, tasks }
    }

    /// Hands a notification to every channel; one whose queue is full loses it, which is counted.
    pub(super) fn send(&mut self, notification: &Arc<Notification>) {
        for lane in &mut self.lanes {
            lane.send(Arc::clone(notification));
        }
    }

    /// Takes no more, and waits until the queues are empty, for at most `deadline`. What is left counts as dropped.
    pub(super) async fn drain(&mut self, deadline: Duration) {
        for lane in &mut self.lanes {
            lane.queue = None;
        }
        let emptied = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(deadline, emptied).await.is_err() {
            self.tasks.shutdown().await;
        }
        for lane in &self.lanes {
            lane.give_up_rest();
        }
    }

    /// What the channels have done so far.
    pub(super) fn stats(&self) -> Vec<ChannelStats> {
        self.lanes.iter().map(Lane::stats).collect()
    }
}

impl Lane {
    fn send(&self, notification: Arc<Notification>) {
        // Counted before it is sent: the task may have delivered it before this one goes on.
        self.counters.accepted.fetch_add(1, Ordering::Relaxed);
        let sent = self
            .queue
            .as_ref()
            .map(|queue| queue.try_send(notification));
        if !matches!(sent, Some(Ok(()))) {
            self.counters.dropped.fetch_add(1, Ordering::Relaxed);
            tracing::error!(channel = %self.name, "notification dropped: the channel's queue is full");
        }
    }

    fn give_up_rest(&self) {
        let left = self.stats().queued;
        if left > 0 {
            self.counters.dropped.fetch_add(left, Ordering::Relaxed);
            tracing::error!(channel = %self.name, notifications = left, "stopped before delivery");
        }
    }

    fn stats(&self) -> ChannelStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let delivered = read(&self.counters.delivered);
        let failed = read(&self.counters.failed);
        let dropped = read(&self.counters.dropped);
        let done = delivered + failed + dropped;
        ChannelStats {
            name: self.name.clone(),
            delivered,
            failed,
            dropped,
            queued: read(&self.counters.accepted).saturating_sub(done),
        }
    }
}

/// Delivers what waits, one after the other: that keeps the notifications about an alert in order.
async fn work(
    notifier: &dyn Notifier,
    mut waiting: mpsc::Receiver<Arc<Notification>>,
    counters: &Counters,
    progress: &Notify,
) {
    while let Some(notification) = waiting.recv().await {
        // A channel of an embedder that panics must not take the others with it.
        let delivery = AssertUnwindSafe(deliver(notifier, &notification)).catch_unwind();
        match delivery.await {
            Ok(Ok(_)) => {
                counters.delivered.fetch_add(1, Ordering::Relaxed);
            }
            Ok(Err(error)) => {
                counters.failed.fetch_add(1, Ordering::Relaxed);
                tracing::error!(channel = notifier.name(), group = %notification.group.id, %error,
                    "notification not delivered");
            }
            Err(_) => {
                counters.failed.fetch_add(1, Ordering::Relaxed);
                tracing::error!(channel = notifier.name(), group = %notification.group.id,
                    "notification not delivered: the channel panicked");
            }
        }
        progress.notify_one();
    }
}

/// Tries until it is delivered, refused, or the attempts or the time are used up.
async fn deliver(
    notifier: &dyn Notifier,
    notification: &Notification,
) -> Result<Option<Receipt>, NotifyError> {
    let delivery = Delivery::default();
    let attempts = (|| notifier.notify(notification, &delivery))
        .retry(backoff())
        .when(NotifyError::is_retryable)
        .adjust(wait_as_asked);
    let late = |_| {
        Err(NotifyError::Unavailable {
            target: notifier.name().to_owned(),
            reason: format!("given up after {} s", TOTAL_DEADLINE.as_secs()),
            retry_after: None,
        })
    };
    timeout(TOTAL_DEADLINE, attempts).await.unwrap_or_else(late)
}

/// Waits of 1, 2, 4 and 8 s, each with up to as much again at random.
fn backoff() -> impl BackoffBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_factor(2.0)
        .with_max_times(MAX_RETRIES)
        .with_jitter()
}

/// The planned wait, or the one that the receiver asks for when that is longer.
fn wait_as_asked(error: &NotifyError, planned: Option<Duration>) -> Option<Duration> {
    let asked = match error {
        NotifyError::Unavailable { retry_after, .. } => retry_after.unwrap_or_default(),
        NotifyError::Rejected { .. } => Duration::ZERO,
    };
    planned.map(|planned| planned.max(asked))
}
