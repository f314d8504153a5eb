//! The driver: live snapshots into the engine, and what it says over the store out through the channels.
//!
//! One loop owns the engine and the outbox. A notification is accepted when it is on disk; then the lane of its channel
//! delivers it, and what became of it goes back into the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_model::{ClusterName, Snapshot};
use futures_util::stream::{SelectAll, StreamExt, select_all};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_stream::wrappers::WatchStream;
use tokio_util::sync::CancellationToken;

use crate::engine::{AlertEngine, RestoreError, StateRow};
use crate::notification::Notification;
use crate::policy::AlertPolicy;
use crate::silence::Mutes;
use crate::store::AlertStore;
use crate::store::memory::MemoryAlertStore;
use channel::Channel;
use handle::{AlertsHandle, FollowedCluster, Orders};
use lane::LaneEvent;
use lanes::Lanes;
use outbox::{Outbox, Wish};
use receipts::Receipts;
use view::{AlertsView, Sights, StoreStatus};

mod backoff;
pub(crate) mod channel;
pub(crate) mod handle;
mod lane;
mod lanes;
pub(crate) mod mute_watch;
mod outbox;
mod queue;
mod receipts;
pub(crate) mod view;
mod waiting;

/// Time that the lanes get to empty after the stop: the daemon as a whole has 4.5 s.
const DRAIN_DEADLINE: Duration = Duration::from_secs(3);

/// Time for the last commit, of what the lanes did in the end.
const LAST_COMMIT_DEADLINE: Duration = Duration::from_millis(500);

/// A look at all alerts for the view that takes longer is dear: with 10,000 alerts one takes some 20 ms, and 50 clusters
/// would ask for ten a second.
const LOOK_IS_DEAR: Duration = Duration::from_millis(2);

/// After a dear look, so many times as long passes before the next.
const LOOKS_APART: u32 = 20;

/// Wait of the timer when nothing depends on time; any long time will do.
const IDLE_WAIT: Duration = Duration::from_hours(1);

/// Wait of the timer while anything depends on time, however far the wall clock is from it: it may have been set back.
const STEP_MAX: Duration = Duration::from_secs(30);

/// Says what time it is.
type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What an [`Alerting`] works with.
#[derive(derive_more::Debug)]
#[non_exhaustive]
pub struct AlertingOptions {
    /// What becomes an alert, and who is told.
    pub policy: AlertPolicy,
    /// The clusters with their snapshots. Stored alerts of others end with reason `removed`.
    #[debug(skip)]
    pub snapshots: Vec<FollowedCluster>,
    /// The channels, each name once.
    pub channels: Vec<Channel>,
    /// What survives the process; by default nothing does.
    #[debug(skip)]
    pub store: Arc<dyn AlertStore>,
    /// What people decided before the start.
    pub mutes: Mutes,
}

/// Runs an [`AlertEngine`] on live snapshots, and delivers what it says.
///
/// What the engine decides is written in one transaction with the state that it decided by; then each channel is told,
/// one message after the other within a group of alerts. What a channel does not take is tried again, with jittered
/// back-off, for a day; what it refuses for good, or does not take within the day, becomes a dead letter. While the store
/// refuses, everything is sent from memory.
#[derive(derive_more::Debug)]
pub struct Alerting {
    #[debug(skip)]
    store: Arc<dyn AlertStore>,
    #[debug(skip)]
    cancel: CancellationToken,
    #[debug(skip)]
    clock: WallClock,
    view: watch::Sender<Arc<AlertsView>>,
    #[debug(skip)]
    orders: Orders,
}

impl AlertingOptions {
    /// A policy and channels, with no clusters yet and nothing that survives the process.
    pub fn new(policy: AlertPolicy, channels: Vec<Channel>) -> Self {
        Self {
            policy,
            snapshots: Vec::new(),
            channels,
            store: Arc::new(MemoryAlertStore::default()),
            mutes: Mutes::default(),
        }
    }
}

impl Alerting {
    /// A driver that works until `cancel`. The handle gives what it knows, also after it ended; what is told to it before
    /// [`run`](Self::run) stands in the place of the options.
    pub fn new(options: AlertingOptions, cancel: CancellationToken) -> (Self, AlertsHandle) {
        let store = Arc::clone(&options.store);
        let (view, orders, handle) = AlertsHandle::new(options);
        let alerting = Self {
            store,
            cancel,
            clock: Arc::new(Timestamp::now),
            view,
            orders,
        };
        (alerting, handle)
    }

    /// The same driver with another wall clock.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Reads the store, and works until the token is cancelled; then delivers what can be delivered within 3 s, and
    /// returns. What is left is in the store, and goes out at the next start.
    ///
    /// It goes on when the senders of the snapshots are gone: what fires stays known and is delivered. Dropping the
    /// future stops at once; what was accepted is in the store then too, and may be delivered twice.
    ///
    /// # Errors
    ///
    /// At once, when a newer release kept the alerts. Alerts that were kept and make no sense are set aside instead, and the
    /// log says so.
    pub async fn run(self) -> Result<(), RestoreError> {
        let cancel = self.cancel.clone();
        let mut driver = Driver::start(self).await?;
        driver.work(&cancel).await;
        driver.stop().await;
        Ok(())
    }
}

/// A driver at work.
struct Driver {
    engine: AlertEngine,
    snapshots: SelectAll<WatchStream<Option<Arc<Snapshot>>>>,
    outbox: Outbox,
    lanes: Lanes,
    orders: Orders,
    clock: WallClock,
    view: watch::Sender<Arc<AlertsView>>,
    /// Whether the view may differ from the engine.
    is_unseen: bool,
    /// When the engine may be looked at again.
    next_look: Instant,
}

impl Driver {
    async fn start(alerting: Alerting) -> Result<Self, RestoreError> {
        let Alerting {
            store,
            clock,
            view,
            mut orders,
            ..
        } = alerting;
        let receipts = Arc::new(Receipts::default());
        let opened = Outbox::open(store, Arc::clone(&receipts), Arc::clone(&clock));
        let (mut outbox, rows, waiting) = opened.await;
        let configuration = orders.configuration.borrow_and_update().clone();
        let engine = restored(configuration.policy, rows, clock(), &mut outbox).await?;
        let mut driver = Self {
            engine,
            snapshots: SelectAll::new(),
            outbox,
            lanes: Lanes::start(configuration.channels, receipts, Arc::clone(&clock)),
            orders,
            clock,
            view,
            is_unseen: false,
            next_look: Instant::now(),
        };
        driver.lanes.send(waiting);
        driver.obey();
        Ok(driver)
    }

    /// Follows the first orders. What was muted before the process ended stays so until somebody says otherwise.
    fn obey(&mut self) {
        let is_said = self.orders.mutes.has_changed().unwrap_or(false);
        let mutes = self.orders.mutes.borrow_and_update().clone();
        let mutes = Some(mutes).filter(|mutes| is_said || *mutes != Mutes::default());
        let names = self.take_followed();
        let names: Vec<_> = names.iter().collect();
        let told = self.engine.go_on(mutes, &names, self.now());
        self.tell(&told);
    }

    async fn work(&mut self, cancel: &CancellationToken) {
        loop {
            let wake_at = self.wake_at();
            let told = tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                // Clusters that are gone end before other rules could make them fire, and both before time does anything.
                Ok(()) = self.orders.followed.changed() => self.follow(),
                Ok(()) = self.orders.configuration.changed() => self.configure(),
                Ok(()) = self.orders.mutes.changed() => self.mute(),
                () = sleep_until(wake_at) => self.engine.tick(self.now()),
                wish = self.outbox.next() => { self.grant(wish); continue }
                event = self.lanes.next() => { self.note(Some(event)); continue }
                () = sleep_until(self.next_look), if self.is_unseen => { self.publish(); continue }
                Some(snapshot) = self.snapshots.next() => self.take_over(snapshot.as_deref()),
            };
            self.tell(&told);
        }
    }

    fn take_over(&mut self, snapshot: Option<&Snapshot>) -> Vec<Notification> {
        let now = self.now();
        match snapshot {
            Some(snapshot) => self.engine.observe(snapshot, now),
            None => self.engine.tick(now),
        }
    }

    /// Takes the snapshots of the clusters that are wanted now, and ends the alerts of those that are gone. A snapshot
    /// that was taken before comes again and changes nothing.
    fn follow(&mut self) -> Vec<Notification> {
        let names = self.take_followed();
        let names: Vec<_> = names.iter().collect();
        self.engine.keep_clusters(&names, self.now())
    }

    fn take_followed(&mut self) -> Vec<ClusterName> {
        let followed = self.orders.followed.borrow_and_update().clone();
        let streams = followed
            .iter()
            .map(|(_, snapshots)| WatchStream::new(snapshots.clone()));
        self.snapshots = select_all(streams);
        followed.into_iter().map(|(name, _)| name).collect()
    }

    fn configure(&mut self) -> Vec<Notification> {
        let configuration = self.orders.configuration.borrow_and_update().clone();
        self.lanes.configure(configuration.channels);
        self.engine.set_policy(configuration.policy, self.now())
    }

    fn mute(&mut self) -> Vec<Notification> {
        let mutes = self.orders.mutes.borrow_and_update().clone();
        self.engine.set_mutes(mutes, self.now())
    }

    /// Hands what the engine decided, and what it decided by, to the store.
    fn tell(&mut self, notifications: &[Notification]) {
        let rows = self.engine.take_changes();
        let at_once = self.outbox.accept(rows, notifications);
        self.lanes.send(at_once);
        self.is_unseen = true;
        self.publish();
    }

    fn grant(&mut self, wish: Wish) {
        match wish {
            Wish::Send(waiting) => self.lanes.send(waiting),
            Wish::AllRows => {
                // What changed is among them.
                self.engine.take_changes();
                let rows = self.engine.rows();
                self.outbox.rewrite(rows);
            }
        }
        self.publish();
    }

    /// Takes note of what the lanes said, all of it at once: a queue that overflows says thousands of things.
    fn note(&mut self, event: Option<LaneEvent>) {
        let events = event.into_iter().chain(self.lanes.said());
        self.outbox.settle(events.filter_map(LaneEvent::settled));
        self.publish();
    }

    /// Shows how things are; the engine's alerts as soon as they may be looked at again.
    fn publish(&mut self) {
        let begun = std::time::Instant::now();
        let looks = self.is_unseen && Instant::now() >= self.next_look;
        let sights = Sights {
            engine: looks.then_some(&self.engine),
            channels: self.lanes.stats(),
            dead_letters: self.outbox.dead(),
            store: StoreStatus {
                failing: self.outbox.failure().cloned(),
                stored_at: self.outbox.stored_at(),
            },
        };
        view::publish(&self.view, sights);
        if looks {
            self.is_unseen = false;
            self.next_look = Instant::now() + rest_after(begun.elapsed());
        }
    }

    /// Lets the lanes deliver what they can within their time, and writes what became of it.
    async fn stop(&mut self) {
        self.outbox.hurry();
        let deadline = Instant::now() + DRAIN_DEADLINE;
        while self.lanes.is_busy() || !self.outbox.is_idle() {
            if timeout_at(deadline, self.step()).await.is_err() {
                break;
            }
        }
        self.lanes.shutdown().await;
        self.note(None);
        let deadline = Instant::now() + LAST_COMMIT_DEADLINE;
        while !self.outbox.is_idle() {
            let Ok(wish) = timeout_at(deadline, self.outbox.next()).await else {
                break;
            };
            self.grant(wish);
        }
        self.is_unseen = true;
        self.next_look = Instant::now();
        self.publish();
    }

    /// One thing that happens without the engine.
    async fn step(&mut self) {
        tokio::select! {
            wish = self.outbox.next() => self.grant(wish),
            event = self.lanes.next() => self.note(Some(event)),
        }
    }

    /// The engine's next deadline on the runtime's clock, which does not jump.
    fn wake_at(&self) -> Instant {
        let wait = self.engine.next_deadline().map_or(IDLE_WAIT, |deadline| {
            Duration::try_from(deadline.duration_since(self.now())).unwrap_or_default()
        });
        let longest = if self.engine.next_deadline().is_some() {
            STEP_MAX
        } else {
            IDLE_WAIT
        };
        Instant::now() + wait.min(longest)
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

/// How long no look is taken after one that took so long.
fn rest_after(look: Duration) -> Duration {
    if look < LOOK_IS_DEAR {
        Duration::ZERO
    } else {
        look * LOOKS_APART
    }
}

/// The engine as it was left; one without alerts where what was kept makes no sense.
async fn restored(
    policy: AlertPolicy,
    rows: BTreeMap<String, Vec<u8>>,
    now: Timestamp,
    outbox: &mut Outbox,
) -> Result<AlertEngine, RestoreError> {
    let rows = rows.into_iter().map(|(key, value)| StateRow {
        key,
        value: Some(value),
    });
    match AlertEngine::restore(policy.clone(), rows, now) {
        Err(error @ RestoreError::NewerFormat { .. }) => Err(error),
        Err(error) => {
            tracing::error!(%error, "the alerts begin anew");
            outbox.distrust(error.to_string()).await;
            Ok(AlertEngine::new(policy))
        }
        restored => restored,
    }
}
