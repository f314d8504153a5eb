//! The driver on paused time: snapshots in through `watch`, deliveries out through channels of the test.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use etcd_monitor_alerting::{
    AlertState, Alerting, AlertsHandle, AlertsView, Notification, NotificationKind, Notifier,
    NotifyError, default_rules,
};
use etcd_monitor_model::{Severity, Snapshot};
use jiff::Timestamp;
use scenario::{Says, empty_snapshot, finding, start};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

mod scenario;

/// What a channel of the test does with each notification.
#[derive(Debug, Clone, Copy)]
enum Does {
    Take,
    Hang,
    FailTwice,
    AlwaysFail,
    AskToWait,
    Panic,
}

struct Channel {
    name: &'static str,
    does: Does,
    began: Instant,
    attempts: Mutex<Vec<(u64, String, NotificationKind)>>,
}

impl Channel {
    fn new(name: &'static str, does: Does) -> Arc<Self> {
        Arc::new(Self {
            name,
            does,
            began: Instant::now(),
            attempts: Mutex::default(),
        })
    }

    /// Second, member and kind of each attempt.
    fn attempts(&self) -> Vec<(u64, String, NotificationKind)> {
        self.attempts.lock().unwrap().clone()
    }

    fn note(&self, notification: &Notification) -> usize {
        let mut attempts = self.attempts.lock().unwrap();
        let member = notification.alert.subject.name.clone();
        attempts.push((self.began.elapsed().as_secs(), member, notification.kind));
        attempts.len()
    }
}

#[async_trait]
impl Notifier for Channel {
    fn name(&self) -> &str {
        self.name
    }

    async fn notify(&self, notification: &Notification) -> Result<(), NotifyError> {
        let attempt = self.note(notification);
        match self.does {
            Does::Take => Ok(()),
            Does::Hang => std::future::pending().await,
            Does::FailTwice if attempt > 2 => Ok(()),
            Does::AskToWait if attempt > 1 => Ok(()),
            Does::FailTwice | Does::AlwaysFail => Err(unavailable(None)),
            Does::AskToWait => Err(unavailable(Some(Duration::from_secs(20)))),
            Does::Panic => panic!("the channel of a test panics"),
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

/// A running driver, and the sender of one cluster's snapshots.
struct Running {
    snapshots: watch::Sender<Option<Arc<Snapshot>>>,
    handle: AlertsHandle,
    cancel: CancellationToken,
    task: JoinHandle<()>,
    began: Instant,
    cycle: u64,
}

impl Running {
    fn start(channels: &[&Arc<Channel>]) -> Self {
        let began = Instant::now();
        let cancel = CancellationToken::new();
        let (snapshots, receiver) = watch::channel(None);
        let notifiers = channels
            .iter()
            .map(|channel| Arc::clone(channel) as Arc<dyn Notifier>);
        let (alerting, handle) = Alerting::new(
            default_rules(),
            [receiver],
            notifiers.collect(),
            cancel.clone(),
        );
        let task = tokio::spawn(alerting.with_clock(move || wall(began)).run());
        Self {
            snapshots,
            handle,
            cancel,
            task,
            began,
            cycle: 0,
        }
    }

    fn publish(&mut self, members: &[&str], says: Says) {
        self.cycle += 1;
        let mut snapshot = empty_snapshot(self.cycle, wall(self.began));
        let findings = members
            .iter()
            .filter_map(|name| finding(name, says, snapshot.at));
        snapshot.findings = findings.collect();
        self.snapshots.send_replace(Some(Arc::new(snapshot)));
    }

    async fn until(&self, what: impl FnMut(&Arc<AlertsView>) -> bool) -> Arc<AlertsView> {
        let mut views = self.handle.subscribe();
        let seen = tokio::time::timeout(Duration::from_mins(10), views.wait_for(what));
        Arc::clone(&seen.await.expect("the view never said so").unwrap())
    }

    async fn stop(self) -> Arc<AlertsView> {
        self.cancel.cancel();
        self.task.await.unwrap();
        self.handle.latest()
    }
}

fn wall(began: Instant) -> Timestamp {
    start() + began.elapsed()
}

const DOWN: Says = Says::True(Severity::Warning);
const CRITICAL: Says = Says::True(Severity::Critical);

#[tokio::test(start_paused = true)]
async fn the_hold_runs_on_its_own_timer_and_the_resolve_goes_out_at_once() {
    let channel = Channel::new("test", Does::Take);
    let mut running = Running::start(&[&channel]);
    running.publish(&["m1"], DOWN);
    let pending = running.until(|view| !view.active.is_empty()).await;
    assert_eq!(pending.active[0].state, AlertState::Pending);
    running.until(|view| view.channels[0].delivered == 1).await;
    running.publish(&["m1"], Says::False);
    let view = running.until(|view| view.channels[0].delivered == 2).await;
    assert!(view.active.is_empty());
    assert_eq!(view.history.len(), 2);
    let m1 = |second, kind| (second, "m1".to_owned(), kind);
    let expected = [
        m1(9, NotificationKind::Fired),
        m1(9, NotificationKind::Resolved),
    ];
    assert_eq!(channel.attempts(), expected);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_hangs_delays_no_other_and_is_given_up() {
    let hanging = Channel::new("hanging", Does::Hang);
    let taking = Channel::new("taking", Does::Take);
    let mut running = Running::start(&[&hanging, &taking]);
    running.publish(&["m1"], DOWN);
    let view = running
        .until(|view| view.channels.iter().any(|c| c.delivered == 1))
        .await;
    assert_eq!(view.channels[1].delivered, 1);
    assert_eq!(view.channels[0].queued, 1);
    assert_eq!(taking.attempts()[0].0, 9);
    let view = running.until(|view| view.channels[0].failed == 1).await;
    assert_eq!(view.channels[0].queued, 0);
    assert_eq!(running.began.elapsed().as_secs(), 69);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_repeated_and_what_follows_waits_its_turn() {
    let channel = Channel::new("test", Does::FailTwice);
    let mut running = Running::start(&[&channel]);
    running.publish(&["m1"], DOWN);
    running.until(|view| view.history.len() == 1).await;
    running.publish(&["m1"], CRITICAL);
    running.until(|view| view.channels[0].delivered == 2).await;
    let kinds: Vec<_> = channel
        .attempts()
        .into_iter()
        .map(|(_, _, kind)| kind)
        .collect();
    let fired = NotificationKind::Fired;
    assert_eq!(kinds, [fired, fired, fired, NotificationKind::Updated]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn attempts_are_bounded() {
    let channel = Channel::new("test", Does::AlwaysFail);
    let mut running = Running::start(&[&channel]);
    running.publish(&["m1"], DOWN);
    running.until(|view| view.channels[0].failed == 1).await;
    assert_eq!(channel.attempts().len(), 5);
    assert!(running.began.elapsed() <= Duration::from_secs(9 + 60));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_asks_to_wait_is_given_the_time() {
    let channel = Channel::new("test", Does::AskToWait);
    let mut running = Running::start(&[&channel]);
    running.publish(&["m1"], DOWN);
    running.until(|view| view.channels[0].delivered == 1).await;
    let seconds: Vec<_> = channel
        .attempts()
        .into_iter()
        .map(|(second, ..)| second)
        .collect();
    assert_eq!(seconds, [9, 29]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_panics_fails_alone_and_goes_on() {
    let panicking = Channel::new("panicking", Does::Panic);
    let taking = Channel::new("taking", Does::Take);
    let mut running = Running::start(&[&panicking, &taking]);
    running.publish(&["m1", "m2"], DOWN);
    let view = running.until(|view| view.channels[0].failed == 2).await;
    assert_eq!(view.channels[0].queued, 0);
    running.until(|view| view.channels[1].delivered == 2).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_drops_and_counts() {
    let channel = Channel::new("test", Does::Hang);
    let mut running = Running::start(&[&channel]);
    let names: Vec<String> = (0..1_100).map(|number| format!("m{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    running.publish(&names, DOWN);
    let view = running.until(|view| view.history.len() == 1_000).await;
    let stats = &view.channels[0];
    assert_eq!(stats.dropped + stats.queued, 1_100);
    assert!((1_000..=1_001).contains(&stats.queued), "{stats:?}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_stop_empties_the_queues_within_its_deadline_and_counts_what_is_left() {
    let hanging = Channel::new("hanging", Does::Hang);
    let taking = Channel::new("taking", Does::Take);
    let mut running = Running::start(&[&hanging, &taking]);
    running.publish(&["m1", "m2"], DOWN);
    running.until(|view| !view.history.is_empty()).await;
    let began = running.began;
    let view = running.stop().await;
    assert_eq!(began.elapsed(), Duration::from_secs(9 + 3));
    assert_eq!((view.channels[0].dropped, view.channels[0].queued), (2, 0));
    assert_eq!(view.channels[1].delivered, 2);
}

#[tokio::test(start_paused = true)]
async fn alerts_stay_known_when_the_snapshots_end() {
    let channel = Channel::new("test", Does::Take);
    let mut running = Running::start(&[&channel]);
    running.publish(&["m1"], DOWN);
    running.until(|view| view.channels[0].delivered == 1).await;
    running.snapshots = watch::channel(None).0;
    tokio::time::advance(Duration::from_mins(10)).await;
    assert_eq!(running.stop().await.active[0].state, AlertState::Firing);
}
