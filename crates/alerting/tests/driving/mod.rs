//! A driver at work in a test: its channels, its store, and the snapshots that it is fed.

#![allow(
    dead_code,
    reason = "each test binary that includes the module uses a part of it"
)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use etcd_monitor_alerting::{
    AlertPolicy, AlertStore, Alerting, AlertingOptions, AlertsHandle, AlertsView, Changes, Channel,
    ChannelLimits, ChannelPace, Delivery, MemoryAlertStore, Notification, NotificationKind,
    Notifier, NotifyError, Receipt, RestoreError, StoreError, Stored,
};
use etcd_monitor_model::{Severity, Snapshot};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::scenario::{Says, cluster, empty_snapshot, finding_of, start};

pub(crate) const DOWN: Says = Says::True(Severity::Warning);
pub(crate) const CRITICAL: Says = Says::True(Severity::Critical);

/// What a channel of the test does with each notification.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Does {
    Take,
    TakeWithReceipt(&'static str),
    Hang,
    FailTimes(usize),
    FailFor(Duration),
    AskToWait(Duration),
    PanicTimes(usize),
    Refuse,
}

/// One attempt that a channel saw.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) second: u64,
    pub(crate) id: String,
    pub(crate) kind: NotificationKind,
    pub(crate) count: u32,
    pub(crate) durable: bool,
    pub(crate) receipt: Option<String>,
}

pub(crate) struct TestChannel {
    name: &'static str,
    does: Does,
    pace: ChannelPace,
    began: Instant,
    attempts: Mutex<Vec<Attempt>>,
}

impl TestChannel {
    pub(crate) fn new(name: &'static str, does: Does) -> Arc<Self> {
        Self::paced(name, does, ChannelPace::default())
    }

    /// One that hears everything again each minute.
    pub(crate) fn grouping_itself(name: &'static str, does: Does) -> Arc<Self> {
        let mut pace = ChannelPace::default();
        pace.resend_every = Some(Duration::from_mins(1));
        Self::paced(name, does, pace)
    }

    fn paced(name: &'static str, does: Does, pace: ChannelPace) -> Arc<Self> {
        Arc::new(Self {
            name,
            does,
            pace,
            began: Instant::now(),
            attempts: Mutex::default(),
        })
    }

    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        self.attempts.lock().unwrap().clone()
    }

    /// Second and kind of each attempt.
    pub(crate) fn told(&self) -> Vec<(u64, NotificationKind)> {
        let attempts = self.attempts();
        attempts.iter().map(|it| (it.second, it.kind)).collect()
    }

    pub(crate) fn with(self: &Arc<Self>, limits: ChannelLimits) -> Channel {
        Channel::new(Arc::clone(self) as Arc<dyn Notifier>).with_limits(limits)
    }

    fn note(&self, notification: &Notification, delivery: &Delivery) -> usize {
        let mut attempts = self.attempts.lock().unwrap();
        attempts.push(Attempt {
            second: self.began.elapsed().as_secs(),
            id: notification.id.clone(),
            kind: notification.kind,
            count: delivery.attempt,
            durable: delivery.durable,
            receipt: delivery.receipt.clone().map(|it| it.0),
        });
        attempts.len()
    }
}

#[async_trait]
impl Notifier for TestChannel {
    fn name(&self) -> &str {
        self.name
    }

    fn pace(&self) -> ChannelPace {
        self.pace
    }

    async fn notify(
        &self,
        notification: &Notification,
        delivery: &Delivery,
    ) -> Result<Option<Receipt>, NotifyError> {
        let attempt = self.note(notification, delivery);
        match self.does {
            Does::Take => Ok(None),
            Does::TakeWithReceipt(receipt) => Ok(Some(Receipt(receipt.to_owned()))),
            Does::Hang => std::future::pending().await,
            Does::FailTimes(times) if attempt <= times => Err(unavailable(None)),
            Does::FailFor(time) if self.began.elapsed() < time => Err(unavailable(None)),
            Does::AskToWait(time) if attempt == 1 => Err(unavailable(Some(time))),
            Does::PanicTimes(times) if attempt <= times => panic!("the channel of a test panics"),
            Does::Refuse => Err(NotifyError::Rejected {
                target: "test".to_owned(),
                reason: "no such page".to_owned(),
            }),
            Does::FailTimes(_) | Does::FailFor(_) | Does::AskToWait(_) | Does::PanicTimes(_) => {
                Ok(None)
            }
        }
    }
}

fn unavailable(retry_after: Option<Duration>) -> NotifyError {
    NotifyError::Unavailable {
        target: "test".to_owned(),
        reason: "busy".to_owned(),
        retry_after,
    }
}

/// A store in memory that can be made to refuse.
#[derive(Default)]
pub(crate) struct TestStore {
    inner: MemoryAlertStore,
    refuses: AtomicBool,
    /// Held while it is to hang.
    pub(crate) busy: Mutex<()>,
}

impl TestStore {
    pub(crate) fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::Relaxed);
    }

    /// What it keeps, also while it refuses.
    pub(crate) fn kept(&self) -> Stored {
        self.inner.load().unwrap()
    }

    fn check(&self) -> Result<(), StoreError> {
        if !self.refuses.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(StoreError::Unavailable {
            operation: "write to",
            place: "the test".to_owned(),
            reason: "no space left".to_owned(),
        })
    }
}

impl AlertStore for TestStore {
    fn load(&self) -> Result<Stored, StoreError> {
        self.check()?;
        self.inner.load()
    }

    fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        let _busy = self.busy.lock();
        self.check()?;
        self.inner.commit(changes)
    }

    fn set_aside(&self, reason: &str) -> Result<(), StoreError> {
        self.check()?;
        self.inner.set_aside(reason)
    }
}

/// The default rules to these channels.
pub(crate) fn policy(channels: &[&str]) -> AlertPolicy {
    let mut policy = AlertPolicy::to_channels(channels.iter().copied());
    // Every alert is a message of its own, at once and once: what is held to here is the delivery.
    policy.route.group_by = Some(vec!["...".to_owned()]);
    policy.route.timing.group_wait = Some(Duration::ZERO);
    policy.route.timing.repeat_interval = Some(Duration::from_hours(1_000));
    policy
}

/// A running driver, and the sender of one cluster's snapshots.
pub(crate) struct Running {
    snapshots: watch::Sender<Option<Arc<Snapshot>>>,
    pub(crate) handle: AlertsHandle,
    cancel: CancellationToken,
    task: JoinHandle<Result<(), RestoreError>>,
    pub(crate) began: Instant,
    /// By how many seconds the wall clock was set back.
    set_back: Arc<AtomicU64>,
    cycle: u64,
}

impl Running {
    pub(crate) fn start(channels: &[&Arc<TestChannel>]) -> Self {
        Self::start_on(channels, Arc::new(MemoryAlertStore::default()))
    }

    pub(crate) fn start_on(channels: &[&Arc<TestChannel>], store: Arc<dyn AlertStore>) -> Self {
        let began = Instant::now();
        let cancel = CancellationToken::new();
        let (snapshots, receiver) = watch::channel(None);
        let names: Vec<_> = channels.iter().map(|channel| channel.name).collect();
        let mut policy = policy(&names);
        for channel in channels {
            let name = channel.name.to_owned();
            policy.channels.insert(name, channel.pace);
        }
        let channels = channels
            .iter()
            .map(|channel| channel.with(ChannelLimits::default()));
        let mut options = AlertingOptions::new(policy, channels.collect());
        options.snapshots = vec![(cluster(), receiver)];
        options.store = store;
        let (alerting, handle) = Alerting::new(options, cancel.clone());
        let set_back = Arc::new(AtomicU64::new(0));
        let by = Arc::clone(&set_back);
        let clock = move || wall(began) - Duration::from_secs(by.load(Ordering::Relaxed));
        let task = tokio::spawn(alerting.with_clock(clock).run());
        Self {
            snapshots,
            handle,
            cancel,
            task,
            began,
            set_back,
            cycle: 0,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        wall(self.began)
    }

    pub(crate) fn set_clock_back(&self, by: Duration) {
        self.set_back.store(by.as_secs(), Ordering::Relaxed);
    }

    /// Whole seconds since the driver began.
    pub(crate) fn seconds(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    /// Tells these channels alone from now on.
    pub(crate) fn configure(&mut self, channels: Vec<Channel>) {
        let names: Vec<String> = channels.iter().map(|it| it.name().to_owned()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.handle.configure(policy(&names), channels);
    }

    pub(crate) fn publish(&mut self, members: &[&str], says: Says) {
        self.publish_of("MemberDown", members, says);
    }

    /// A fault of these members that its rule does not hold.
    pub(crate) fn publish_at_once(&mut self, members: &[&str]) {
        self.publish_of("MemberNotStarted", members, DOWN);
    }

    fn publish_of(&mut self, rule: &str, members: &[&str], says: Says) {
        self.cycle += 1;
        let mut snapshot = empty_snapshot(self.cycle, self.now());
        let findings = members
            .iter()
            .filter_map(|name| finding_of(rule, name, says, snapshot.at));
        snapshot.findings = findings.collect();
        self.snapshots.send_replace(Some(Arc::new(snapshot)));
    }

    pub(crate) fn end_snapshots(&mut self) {
        self.snapshots = watch::channel(None).0;
    }

    pub(crate) async fn until(
        &self,
        what: impl FnMut(&Arc<AlertsView>) -> bool,
    ) -> Arc<AlertsView> {
        self.until_within(Duration::from_hours(2), what).await
    }

    pub(crate) async fn until_within(
        &self,
        time: Duration,
        what: impl FnMut(&Arc<AlertsView>) -> bool,
    ) -> Arc<AlertsView> {
        let mut views = self.handle.subscribe();
        let seen = tokio::time::timeout(time, views.wait_for(what)).await;
        let Ok(seen) = seen else {
            panic!("the view never said so: {:?}", self.handle.latest());
        };
        Arc::clone(&seen.unwrap())
    }

    pub(crate) async fn stop(self) -> Arc<AlertsView> {
        self.cancel.cancel();
        self.task.await.unwrap().unwrap();
        self.handle.latest()
    }
}

fn wall(began: Instant) -> Timestamp {
    start() + began.elapsed()
}
