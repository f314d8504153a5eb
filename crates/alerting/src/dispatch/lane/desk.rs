//! What a channel is to do next, and what it has done. Nothing here waits.

use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_model::plain_text;
use jiff::Timestamp;
use tokio::time::Instant;

use super::rate::Rate;
use crate::dispatch::backoff::Gate;
use crate::dispatch::channel::Channel;
use crate::dispatch::queue::{Entry, GIVEN_UP_AFTER, Queue};
use crate::dispatch::view::ChannelStats;
use crate::dispatch::waiting::Waiting;
use crate::notifier::Notifier;

/// Least time for which a notification from the store is tried, however old it is.
const TRIED_AT_LEAST: Duration = Duration::from_mins(10);

/// A channel, what waits for it, and how it does.
pub(super) struct Desk {
    channel: Channel,
    rate: Option<Rate>,
    queue: Queue,
    gate: Gate,
    stats: ChannelStats,
}

/// What the channel does next.
pub(super) enum Next {
    /// It tries this.
    Try(Try),
    /// It waits until then, or until something happens.
    Wait(Option<Instant>),
}

/// One attempt that is to be made.
pub(super) struct Try {
    pub(super) waiting: Arc<Waiting>,
    pub(super) attempt: u32,
    pub(super) notifier: Arc<dyn Notifier>,
    pub(super) timeout: Duration,
}

impl Desk {
    pub(super) fn new(channel: Channel) -> Self {
        Self {
            rate: channel.limits.rate_per_minute.map(Rate::new),
            queue: Queue::default(),
            gate: Gate::default(),
            stats: ChannelStats::of(&channel),
            channel,
        }
    }

    /// Goes on with another notifier or other limits, and gives what is beyond these. Where something differs, the
    /// channel is tried at once: that may be the cure.
    pub(super) fn replace(&mut self, channel: Channel, now: Timestamp) -> Vec<Entry> {
        let (old, new) = (&self.channel, &channel);
        if old.limits.rate_per_minute != new.limits.rate_per_minute {
            self.rate = new.limits.rate_per_minute.map(Rate::new);
        }
        if !Arc::ptr_eq(&old.notifier, &new.notifier) {
            self.gate = Gate::default();
            self.queue.hurry();
        }
        channel.notifier.kind().clone_into(&mut self.stats.kind);
        self.channel = channel;
        self.drop_surplus(now)
    }

    /// Takes these in, and gives what is dropped for them.
    pub(super) fn push(&mut self, waiting: Vec<Arc<Waiting>>, now: Timestamp) -> Vec<Entry> {
        let begun = Instant::now();
        for one in waiting {
            let age = Duration::try_from(now.duration_since(one.at)).unwrap_or_default();
            let left = GIVEN_UP_AFTER.saturating_sub(age).max(TRIED_AT_LEAST);
            self.queue.push(one, begun + left);
        }
        self.drop_surplus(now)
    }

    fn drop_surplus(&mut self, now: Timestamp) -> Vec<Entry> {
        // What groups for itself is told of each alert by itself.
        let tells_whole_groups = self.channel.notifier.pace().resend_every.is_none();
        let limit = self.channel.limits.queue.max(1);
        let dropped = self.queue.overflow(limit, tells_whole_groups);
        self.stats.dropped += self.count_losses(&dropped, now);
        dropped
    }

    /// What is given up because it waited too long.
    pub(super) fn expire(&mut self, now: Timestamp) -> Vec<Entry> {
        let expired = self.queue.expire(Instant::now());
        self.stats.dead += self.count_losses(&expired, now);
        expired
    }

    /// Counts the repetitions among these; the number of the others.
    fn count_losses(&mut self, lost: &[Entry], now: Timestamp) -> u64 {
        if !lost.is_empty() {
            self.stats.lost(now);
        }
        let repetitions = lost.iter().filter(|entry| entry.waiting.passing).count();
        self.stats.repetitions_lost += repetitions as u64;
        (lost.len() - repetitions) as u64
    }

    /// Everything that waits, taken out.
    pub(super) fn clear(&mut self) -> Vec<Entry> {
        self.queue.clear().collect()
    }

    /// What to do now. An attempt that is given is under way from then on.
    pub(super) fn next(&mut self) -> Next {
        let now = Instant::now();
        let down = self.gate.is_down();
        let allowed = if down {
            1
        } else {
            self.channel.limits.concurrency.max(1)
        };
        if self.queue.in_flight() >= allowed {
            return Next::Wait(None);
        }
        if let Some(open_at) = self.gate.closed_until(now) {
            return Next::Wait(Some(open_at));
        }
        let Some(number) = self.queue.next(now, !down) else {
            return Next::Wait(self.queue.wakes_at(now));
        };
        match self.rate.as_ref().map_or(Ok(()), Rate::take) {
            Ok(()) => self.start(number),
            Err(later) => Next::Wait(Some(later)),
        }
    }

    fn start(&mut self, number: u64) -> Next {
        let Some(entry) = self.queue.start(number) else {
            return Next::Wait(None);
        };
        Next::Try(Try {
            waiting: Arc::clone(&entry.waiting),
            attempt: entry.attempts,
            notifier: Arc::clone(&self.channel.notifier),
            timeout: self.channel.limits.timeout,
        })
    }

    /// The receiver took it.
    pub(super) fn delivered(&mut self, number: u64) {
        self.queue.remove(number);
        self.answered();
        self.stats.delivered += 1;
        if let Some(since) = self.stats.failing_since.take() {
            tracing::info!(channel = self.channel.name(), %since, "the channel delivers again");
        }
    }

    /// The receiver refused it for good.
    pub(super) fn rejected(&mut self, number: u64, error: &str, now: Timestamp) -> Option<Entry> {
        self.answered();
        self.failed(error);
        let entry = self.queue.remove(number);
        self.stats.dead += self.count_losses(entry.as_slice(), now);
        entry
    }

    /// It was not delivered, and another attempt may work.
    pub(super) fn unavailable(
        &mut self,
        number: u64,
        error: &str,
        retry_after: Option<Duration>,
        now: Timestamp,
    ) {
        if self.stats.failing_since.is_none() {
            tracing::warn!(
                channel = self.channel.name(),
                error,
                "a notification was not delivered; it is tried again"
            );
            self.stats.failing_since = Some(now);
        }
        self.failed(error);
        self.gate.failed(retry_after, Instant::now());
        self.queue.retry(number, plain_text(error), Instant::now());
    }

    fn failed(&mut self, error: &str) {
        self.stats.failed_attempts += 1;
        self.stats.last_error = Some(plain_text(error));
    }

    fn answered(&mut self) {
        if self.gate.answered() {
            self.queue.hurry();
        }
    }

    /// Whether something is under way, could be, or would be lost with the process.
    pub(super) fn is_busy(&self) -> bool {
        let now = Instant::now();
        let down = self.gate.is_down();
        let could = self.gate.closed_until(now).is_none() && self.queue.next(now, !down).is_some();
        could || self.queue.in_flight() > 0 || self.queue.has_volatile()
    }

    /// How the channel does.
    pub(super) fn stats(&self) -> ChannelStats {
        ChannelStats {
            queued: self.queue.len() as u64,
            oldest_at: self.queue.first().map(|oldest| oldest.at),
            ..self.stats.clone()
        }
    }
}
