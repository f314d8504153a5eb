//! The driver: live snapshots into the engine, and what it says out through the channels.
//!
//! One loop owns the engine. Each channel has a lane of its own with a bounded queue, so that a channel that hangs
//! delays no other.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_model::Snapshot;
use futures_util::stream::{SelectAll, StreamExt, select_all};
use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};
use tokio_stream::wrappers::WatchStream;
use tokio_util::sync::CancellationToken;

use crate::engine::AlertEngine;
use crate::notification::Notification;
use crate::notifier::Notifier;
use crate::rule::Rule;
use lanes::Lanes;
use view::Followed;
pub use view::{AlertsHandle, AlertsView, ChannelStats};

mod lanes;
mod view;

/// Time that the queues get to empty after the stop: the daemon as a whole has 5 s.
const DRAIN_DEADLINE: Duration = Duration::from_secs(3);

/// Wait of the timer when nothing depends on time; any long time will do.
const IDLE_WAIT: Duration = Duration::from_hours(1);

/// Runs an [`AlertEngine`] on live snapshots, and delivers what it says.
///
/// A notification gets up to 5 attempts within 60 s, with jittered back-off, where the error allows another one.
/// Per channel 1,000 notifications wait at most; what comes beyond is dropped and counted. Notifications about one
/// alert stay in order. Nothing survives the process.
pub struct Alerting {
    engine: AlertEngine,
    snapshots: SelectAll<WatchStream<Option<Arc<Snapshot>>>>,
    notifiers: Vec<Arc<dyn Notifier>>,
    cancel: CancellationToken,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    view: watch::Sender<Arc<AlertsView>>,
    followed: watch::Receiver<Vec<Followed>>,
}

impl Alerting {
    /// A driver that takes each cluster's snapshots from its own receiver (`None` until there is one), applies the
    /// rules to them until `cancel`, and tells every notification to every notifier. The handle gives what it knows, also after it ended.
    pub fn new(
        rules: Vec<Rule>,
        snapshots: impl IntoIterator<Item = watch::Receiver<Option<Arc<Snapshot>>>>,
        notifiers: Vec<Arc<dyn Notifier>>,
        cancel: CancellationToken,
    ) -> (Self, AlertsHandle) {
        let (view, followed, handle) = view::channel(&notifiers);
        let alerting = Self {
            engine: AlertEngine::new(rules),
            snapshots: select_all(snapshots.into_iter().map(WatchStream::new)),
            notifiers,
            cancel,
            clock: Box::new(Timestamp::now),
            view,
            followed,
        };
        (alerting, handle)
    }

    /// The same driver with another wall clock.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Runs until the token is cancelled, then lets the queues empty for at most 3 s and returns.
    ///
    /// It goes on when the senders of the snapshots are gone: what fires stays known and is delivered. Dropping the
    /// future stops at once; what waits in the queues is lost then.
    pub async fn run(mut self) {
        let progress = Arc::new(Notify::new());
        let mut lanes = Lanes::start(&self.notifiers, &progress);
        loop {
            let notifications = tokio::select! {
                biased;
                () = self.cancel.cancelled() => break,
                () = sleep_until(self.wake_at()) => self.engine.tick((self.clock)()),
                Ok(()) = self.followed.changed() => self.follow(),
                Some(snapshot) = self.snapshots.next() => self.take_over(snapshot.as_deref()),
                () = progress.notified() => Vec::new(),
            };
            self.send(notifications, &mut lanes);
        }
        lanes.drain(DRAIN_DEADLINE).await;
        view::publish(&self.view, &self.engine, lanes.stats());
    }

    fn take_over(&mut self, snapshot: Option<&Snapshot>) -> Vec<Notification> {
        let now = (self.clock)();
        match snapshot {
            Some(snapshot) => self.engine.observe(snapshot, now),
            None => self.engine.tick(now),
        }
    }

    /// Takes the snapshots of the clusters that are wanted now, and ends the alerts of those that are gone. A snapshot
    /// that was taken before comes again and changes nothing.
    fn follow(&mut self) -> Vec<Notification> {
        let followed = self.followed.borrow_and_update().clone();
        let streams = followed
            .iter()
            .map(|(_, snapshots)| WatchStream::new(snapshots.clone()));
        self.snapshots = select_all(streams);
        let names: Vec<_> = followed.iter().map(|(name, _)| name).collect();
        self.engine.keep_clusters(&names, (self.clock)())
    }

    fn send(&self, notifications: Vec<Notification>, lanes: &mut Lanes) {
        for notification in notifications {
            lanes.send(&Arc::new(notification));
        }
        view::publish(&self.view, &self.engine, lanes.stats());
    }

    /// The engine's next deadline on the runtime's clock, which does not jump.
    fn wake_at(&self) -> Instant {
        let wait = self.engine.next_deadline().map_or(IDLE_WAIT, |deadline| {
            Duration::try_from(deadline.duration_since((self.clock)())).unwrap_or_default()
        });
        Instant::now() + wait.min(IDLE_WAIT)
    }
}

impl fmt::Debug for Alerting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alerting")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}
