//! What alerting shows to others: active alerts, history, channels, what was given up, the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_model::PartFailure;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

use super::channel::Channel;
use crate::alert::{Alert, AlertEvent};
use crate::engine::AlertEngine;
use crate::store::DeadLetter;

/// A channel that has failed for longer is a failure of the monitor: one lost attempt is not.
const FAILING_AFTER: Duration = Duration::from_mins(2);

/// How long a notification that was given up or dropped counts as a failure of its channel.
const LOSS_COUNTS_FOR: Duration = Duration::from_mins(15);

/// What alerting knows at one moment.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct AlertsView {
    /// Pending and firing alerts, worst first.
    pub active: Arc<Vec<Alert>>,
    /// The latest events, at most [`HISTORY_LIMIT`](crate::HISTORY_LIMIT), newest last.
    pub history: Arc<Vec<AlertEvent>>,
    /// Events recorded since the start, those that left the history included.
    pub events_recorded: u64,
    /// How many times a finding made no alert because too many were followed already.
    pub refused_alerts: u64,
    /// The channels, in the order in which they were given.
    pub channels: Vec<ChannelStats>,
    /// Notifications that were given up, at most [`MAX_DEAD_LETTERS`](crate::MAX_DEAD_LETTERS), by their number: the
    /// newest last. They outlive the process.
    pub dead_letters: Arc<BTreeMap<u64, DeadLetter>>,
    /// The store.
    pub store: StoreStatus,
}

/// How the store is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StoreStatus {
    /// Since when nothing is stored, and why; `None` while it is. Meanwhile notifications are sent from memory.
    pub failing: Option<PartFailure>,
    /// When something was stored last, since the start.
    pub stored_at: Option<Timestamp>,
}

/// How a channel does, and what it has done since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChannelStats {
    /// The channel's name.
    pub name: String,
    /// What kind of channel it is: `console`, `email`, `slack`, `pagerduty`, `webhook`, `alertmanager`, or what an
    /// embedder's own says.
    pub kind: String,
    /// Notifications that it took.
    pub delivered: u64,
    /// Attempts that failed; most are made again.
    pub failed_attempts: u64,
    /// Notifications that were given up: it refused them for good, or did not take them for a day.
    pub dead: u64,
    /// Notifications that were dropped because its queue was full.
    pub dropped: u64,
    /// Repetitions, for a receiver that forgets what it hears no more of, that it refused or that found no room. None is
    /// kept, since the next follows; while they are refused the channel does not do what it is there for.
    pub repetitions_lost: u64,
    /// Notifications that wait in its queue or are being tried.
    pub queued: u64,
    /// When the one was decided that waits longest; `None` while none does.
    pub oldest_at: Option<Timestamp>,
    /// Since when every attempt has failed; `None` while the latest did not.
    pub failing_since: Option<Timestamp>,
    /// Why an attempt failed last, possibly long ago. Untrusted text without control characters.
    pub last_error: Option<String>,
    /// When a notification was given up or dropped first, of those that still count as a failure.
    pub losing_since: Option<Timestamp>,
    /// When a notification was given up or dropped last.
    pub lost_at: Option<Timestamp>,
}

impl ChannelStats {
    /// A channel that has done nothing yet.
    pub(super) fn of(channel: &Channel) -> Self {
        Self {
            name: channel.name().to_owned(),
            kind: channel.notifier.kind().to_owned(),
            ..Self::default()
        }
    }

    /// A notification was given up or dropped.
    pub(super) fn lost(&mut self, now: Timestamp) {
        let goes_on = self
            .lost_at
            .is_some_and(|at| is_within(at, LOSS_COUNTS_FOR, now));
        if !goes_on {
            self.losing_since = Some(now);
        }
        self.lost_at = Some(now);
    }

    /// Since when the channel does not do what it is there for, and why: it has failed for more than 2 minutes, or a
    /// notification was given up or dropped within the last 15. `None` while it does.
    pub fn failure(&self, now: Timestamp) -> Option<PartFailure> {
        let error = self.last_error.as_deref().unwrap_or("unknown");
        let failing = self
            .failing_since
            .filter(|since| !is_within(*since, FAILING_AFTER, now));
        if let Some(since) = failing {
            return Some(PartFailure {
                since,
                reason: format!("{}: {error} ({} wait)", self.name, self.queued),
            });
        }
        self.lost_at
            .filter(|at| is_within(*at, LOSS_COUNTS_FOR, now))?;
        Some(PartFailure {
            since: self.losing_since?,
            reason: format!(
                "{}: {} given up, {} dropped, {} repetitions refused since the start; last error: {error}",
                self.name, self.dead, self.dropped, self.repetitions_lost
            ),
        })
    }
}

fn is_within(at: Timestamp, time: Duration, now: Timestamp) -> bool {
    // A clock that was set back makes nothing older.
    Duration::try_from(now.duration_since(at)).unwrap_or_default() <= time
}

/// What the driver puts together for a view.
pub(super) struct Sights<'a> {
    /// `None` where the engine has not changed.
    pub(super) engine: Option<&'a AlertEngine>,
    pub(super) channels: Vec<ChannelStats>,
    pub(super) dead_letters: &'a Arc<BTreeMap<u64, DeadLetter>>,
    pub(super) store: StoreStatus,
}

/// Publishes what differs from what was published.
pub(super) fn publish(view: &watch::Sender<Arc<AlertsView>>, sights: Sights<'_>) {
    view.send_if_modified(|published| {
        let next = next(published, sights);
        let same = Arc::ptr_eq(&next.active, &published.active)
            && next.events_recorded == published.events_recorded
            && next.refused_alerts == published.refused_alerts
            && next.channels == published.channels
            && Arc::ptr_eq(&next.dead_letters, &published.dead_letters)
            && next.store == published.store;
        if !same {
            *published = Arc::new(next);
        }
        !same
    });
}

/// The state to show; parts that did not change are shared with the state before.
fn next(before: &AlertsView, sights: Sights<'_>) -> AlertsView {
    let mut next = AlertsView {
        channels: sights.channels,
        dead_letters: Arc::clone(sights.dead_letters),
        store: sights.store,
        ..before.clone()
    };
    if let Some(engine) = sights.engine {
        look_at(engine, &mut next);
    }
    next
}

fn look_at(engine: &AlertEngine, view: &mut AlertsView) {
    let active = engine.alerts();
    if active != *view.active {
        view.active = Arc::new(active);
    }
    if view.events_recorded != engine.events_recorded() || view.history.is_empty() {
        view.history = Arc::new(engine.history().cloned().collect());
    }
    view.events_recorded = engine.events_recorded();
    view.refused_alerts = engine.refused();
}
