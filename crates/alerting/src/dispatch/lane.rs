//! One channel: the task that empties its queue.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::WallClock;
use super::channel::Channel;
use super::queue::Entry;
use super::receipts::{ReceiptChanges, Receipts};
use super::view::ChannelStats;
use super::waiting::Waiting;
use crate::notifier::{Delivery, NotifyError, Receipt};
use crate::panics;
use crate::store::{DeadLetter, KeptReceipt};
use desk::{Desk, Next, Try};

mod desk;
mod rate;

/// Wait of a lane that has nothing to wait for; any long time will do.
const IDLE_WAIT: Duration = Duration::from_hours(1);

/// Why what waits for a channel that is no longer configured is given up.
pub(super) const REMOVED: &str = "channel removed";

/// What became of a notification.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) number: u64,
    /// What the channel returned, and what is forgotten for it.
    pub(super) receipts: ReceiptChanges,
    /// What is kept of it when it was not delivered.
    pub(super) dead: Option<DeadLetter>,
}

/// What a lane says.
#[derive(Debug)]
pub(super) enum LaneEvent {
    /// This one is done with.
    Settled(Box<Settled>),
    /// An attempt failed; the notification waits for the next.
    Failed,
}

impl LaneEvent {
    /// What is done with, if anything is.
    pub(super) fn settled(self) -> Option<Settled> {
        match self {
            Self::Settled(settled) => Some(*settled),
            Self::Failed => None,
        }
    }
}

/// A channel at work. Shared between its task and whoever hands it notifications.
pub(super) struct Lane {
    name: String,
    desk: Mutex<Desk>,
    changed: Notify,
    removed: CancellationToken,
    events: mpsc::UnboundedSender<LaneEvent>,
    receipts: Arc<Receipts>,
    clock: WallClock,
}

type Attempt = BoxFuture<'static, (Arc<Waiting>, Result<Option<Receipt>, NotifyError>)>;

impl Lane {
    pub(super) fn new(
        channel: Channel,
        events: mpsc::UnboundedSender<LaneEvent>,
        receipts: Arc<Receipts>,
        clock: WallClock,
    ) -> Self {
        Self {
            name: channel.name().to_owned(),
            desk: Mutex::new(Desk::new(channel)),
            changed: Notify::new(),
            removed: CancellationToken::new(),
            events,
            receipts,
            clock,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Goes on with another notifier or other limits.
    pub(super) fn replace(&self, channel: Channel) {
        let surplus = self.desk().replace(channel, (self.clock)());
        self.dropped(surplus);
        self.changed.notify_one();
    }

    /// Takes notifications in; what no longer fits is dropped and counted.
    pub(super) fn send(&self, waiting: Vec<Arc<Waiting>>) {
        let surplus = self.desk().push(waiting, (self.clock)());
        self.dropped(surplus);
        self.changed.notify_one();
    }

    /// The channel is no longer configured: its task ends, and gives up what waits.
    pub(super) fn remove(&self) {
        self.removed.cancel();
    }

    fn give_up(&self, reason: &str) {
        let waiting = self.desk().clear();
        self.bury(waiting.into_iter().map(|entry| (entry, reason.to_owned())));
    }

    pub(super) fn stats(&self) -> ChannelStats {
        self.desk().stats()
    }

    pub(super) fn is_busy(&self) -> bool {
        self.desk().is_busy()
    }

    /// Delivers what is sent, until it is dropped or removed.
    pub(super) async fn run(self: Arc<Self>) {
        let delivery = self.deliver();
        self.removed.run_until_cancelled(delivery).await;
        // Only here has what was under way ended: what was taken in the last moment is not given up as well.
        self.give_up(REMOVED);
    }

    async fn deliver(&self) {
        let mut attempts: FuturesUnordered<Attempt> = FuturesUnordered::new();
        loop {
            self.give_up_expired();
            let wake = self.start_attempts(&attempts);
            tokio::select! {
                Some((waiting, outcome)) = attempts.next() => self.settle(&waiting, outcome),
                () = self.changed.notified() => {}
                () = sleep_until(wake) => {}
            }
        }
    }

    /// Starts every attempt that may be made now, and says when to look again.
    fn start_attempts(&self, attempts: &FuturesUnordered<Attempt>) -> Instant {
        loop {
            let next = self.desk().next();
            match next {
                Next::Try(next) => attempts.push(self.attempt(next)),
                Next::Wait(until) => return until.unwrap_or_else(|| Instant::now() + IDLE_WAIT),
            }
        }
    }

    fn attempt(&self, next: Try) -> Attempt {
        let delivery = Delivery {
            attempt: next.attempt,
            receipt: self
                .receipts
                .get(&next.waiting.key, next.waiting.incident_at),
            durable: next.waiting.is_durable(),
        };
        Box::pin(async move {
            let waiting = Arc::clone(&next.waiting);
            (waiting, try_once(next, &delivery).await)
        })
    }

    fn settle(&self, waiting: &Waiting, outcome: Result<Option<Receipt>, NotifyError>) {
        let now = (self.clock)();
        match outcome {
            Ok(receipt) => {
                self.desk().delivered(waiting.number);
                self.say_settled(waiting.number, self.keep(waiting, receipt), None);
            }
            Err(NotifyError::Unavailable {
                ref retry_after, ..
            }) => {
                let retry_after = *retry_after;
                let error = outcome.map_or_else(|error| error.to_string(), |_| String::new());
                self.desk()
                    .unavailable(waiting.number, &error, retry_after, now);
                self.say(LaneEvent::Failed);
            }
            Err(error) => {
                let error = error.to_string();
                let entry = self.desk().rejected(waiting.number, &error, now);
                self.bury(entry.map(|entry| (entry, error)));
            }
        }
    }

    /// Keeps what the channel returned for the later messages of the incident.
    fn keep(&self, waiting: &Waiting, receipt: Option<Receipt>) -> ReceiptChanges {
        let Some(receipt) = receipt else {
            return Vec::new();
        };
        let kept = KeptReceipt {
            incident_at: waiting.incident_at,
            at: waiting.at,
            receipt,
        };
        self.receipts.keep(&waiting.key, kept)
    }

    fn give_up_expired(&self) {
        let expired = self.desk().expire((self.clock)());
        self.bury(expired.into_iter().map(|entry| {
            let last = entry.last_error.as_deref().unwrap_or("it was never tried");
            let reason = format!("not delivered for a day; the last attempt: {last}");
            (entry, reason)
        }));
    }

    fn dropped(&self, entries: Vec<Entry>) {
        let full = |entry| (entry, "the channel's queue was full".to_owned());
        self.bury(entries.into_iter().map(full));
    }

    /// Makes dead letters of what was taken out of the queue, with the reasons. The log has one line for them all: a
    /// full queue drops thousands at once.
    fn bury(&self, entries: impl IntoIterator<Item = (Entry, String)>) {
        let (now, mut given_up) = ((self.clock)(), GivenUp::default());
        for (entry, reason) in entries {
            given_up.add(&entry.waiting, &reason);
            let dead = entry.waiting.dead_letter(now, entry.attempts, reason);
            self.say_settled(entry.waiting.number, Vec::new(), dead);
        }
        given_up.log(&self.name);
    }

    fn say_settled(&self, number: u64, receipts: ReceiptChanges, dead: Option<DeadLetter>) {
        self.say(LaneEvent::Settled(Box::new(Settled {
            number,
            receipts,
            dead,
        })));
    }

    fn say(&self, event: LaneEvent) {
        // Nobody listens any more once alerting has ended.
        let _ = self.events.send(event);
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is given up at once, for the log: how many, and the first with its reason.
#[derive(Debug, Default)]
pub(super) struct GivenUp {
    count: u64,
    /// Of those, the repetitions: the next follows.
    repetitions: u64,
    first: Option<(String, String)>,
}

impl GivenUp {
    /// One more.
    pub(super) fn add(&mut self, waiting: &Waiting, reason: &str) {
        self.count += 1;
        self.repetitions += u64::from(waiting.passing);
        let first = || (waiting.id.clone(), reason.to_owned());
        self.first.get_or_insert_with(first);
    }

    /// Says so, if there is any.
    pub(super) fn log(self, channel: &str) {
        let Some((id, reason)) = self.first else {
            return;
        };
        let (count, repetitions) = (self.count, self.repetitions);
        if count == repetitions {
            tracing::warn!(channel, count, id, reason, "repetitions are lost");
        } else {
            tracing::error!(
                channel,
                count,
                repetitions,
                id,
                reason,
                "notifications are given up"
            );
        }
    }
}

/// One attempt, within its time. A channel of an embedder that panics must not take the others with it.
async fn try_once(next: Try, delivery: &Delivery) -> Result<Option<Receipt>, NotifyError> {
    let name = next.notifier.name();
    let unavailable = |reason: String| NotifyError::Unavailable {
        target: name.to_owned(),
        reason,
        retry_after: None,
    };
    let notification = next
        .waiting
        .notification()
        .map_err(|error| NotifyError::Rejected {
            target: name.to_owned(),
            reason: format!("the stored text cannot be read: {error}"),
        })?;
    let attempt = AssertUnwindSafe(next.notifier.notify(&notification, delivery)).catch_unwind();
    match timeout(next.timeout, attempt).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => Err(unavailable(format!(
            "the channel panicked: {}",
            panics::message(&*panic)
        ))),
        Err(_) => Err(unavailable(format!(
            "no end after {} s",
            next.timeout.as_secs()
        ))),
    }
}
