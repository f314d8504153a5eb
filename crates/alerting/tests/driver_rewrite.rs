//! The driver and a store that is written anew: nothing is sent twice for it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use driving::{CRITICAL, DOWN, Does, Running, TestChannel, TestStore};
use etcd_monitor_alerting::{
    AlertStore, Changes, Matcher, Mutes, Silence, StateRow, StoreError, Stored,
};
use tokio::sync::Notify;

mod driving;
mod scenario;

/// A store that takes its time to write everything anew: until it is told to go on, where a gate is set.
#[derive(Default)]
struct SlowToRewrite {
    inner: TestStore,
    entered: Notify,
    gate: Mutex<Option<Receiver<()>>>,
}

impl AlertStore for SlowToRewrite {
    fn load(&self) -> Result<Stored, StoreError> {
        self.inner.load()
    }

    fn set_aside(&self, reason: &str) -> Result<(), StoreError> {
        self.inner.set_aside(reason)
    }

    fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        let gate = self.gate.lock().unwrap().take_if(|_| changes.anew);
        if let Some(gate) = gate {
            self.entered.notify_one();
            gate.recv().unwrap();
        }
        self.inner.commit(changes)
    }
}

fn each_once(channel: &TestChannel) {
    let mut ids: Vec<_> = channel.attempts().into_iter().map(|it| it.id).collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(all, ids.len(), "{ids:?}");
}

#[tokio::test(start_paused = true)]
async fn what_waited_is_sent_once_where_the_alerts_make_no_sense() {
    let store = Arc::new(SlowToRewrite::default());
    let hanging = TestChannel::new("a", Does::Hang);
    let mut running = Running::start_on(&[&hanging], store.clone());
    running.publish(&["m1"], DOWN);
    running.until(|view| view.channels[0].queued == 1).await;
    running.stop().await;
    store.commit(&nonsense()).unwrap();
    let (go_on, gate) = channel();
    *store.gate.lock().unwrap() = Some(gate);

    let taking = TestChannel::new("a", Does::Take);
    let running = Running::start_on(&[&taking], store.clone());
    running.until(|view| view.channels[0].delivered == 1).await;
    store.entered.notified().await;
    go_on.send(()).unwrap();
    running
        .until(|view| view.store.stored_at.is_some() && view.store.failing.is_none())
        .await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    each_once(&taking);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_fires_while_everything_is_written_anew_is_sent_once() {
    let store = Arc::new(SlowToRewrite::default());
    let taking = TestChannel::new("a", Does::Take);
    let mut running = Running::start_on(&[&taking], store.clone());
    let now = running.now();
    let all = vec![Matcher::parse("rule=~\".+\"").unwrap()];
    let silence = Silence::new(all, now, now + Duration::from_hours(10), "me", "x").unwrap();
    let mut mutes = Mutes::default();
    mutes.silences.push(silence);
    running.handle.set_mutes(mutes);
    running.publish(&["m1"], DOWN);
    running.until(|view| !view.history.is_empty()).await;
    store.inner.refuse(true);
    running.publish(&["m1", "m2"], DOWN);
    running.until(|view| view.store.failing.is_some()).await;

    let (go_on, gate) = channel();
    *store.gate.lock().unwrap() = Some(gate);
    store.inner.refuse(false);
    store.entered.notified().await;
    running.handle.set_mutes(Mutes::default());
    running.until(|view| view.channels[0].delivered >= 1).await;
    go_on.send(()).unwrap();
    running.until(|view| view.store.failing.is_none()).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    each_once(&taking);
    running.stop().await;
}

/// A store that commits and says that it did not, as often as it is told to; and counts what is written anew.
#[derive(Default)]
struct Lying {
    inner: TestStore,
    lies: AtomicUsize,
    anew: AtomicUsize,
}

impl AlertStore for Lying {
    fn load(&self) -> Result<Stored, StoreError> {
        self.inner.load()
    }

    fn set_aside(&self, reason: &str) -> Result<(), StoreError> {
        self.inner.set_aside(reason)
    }

    fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        self.anew
            .fetch_add(usize::from(changes.anew), Ordering::Relaxed);
        self.inner.commit(changes)?;
        let lies = self
            .lies
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        if lies.is_err() || changes.is_empty() {
            return Ok(());
        }
        Err(StoreError::Unavailable {
            operation: "write to",
            place: "the test".to_owned(),
            reason: "the answer is lost".to_owned(),
        })
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_by_a_commit_that_said_it_failed_is_sent_once() {
    let store = Arc::new(Lying::default());
    store.inner.refuse(true);
    store.lies.store(1, Ordering::Relaxed);
    let delivering = TestChannel::new("a", Does::Take);
    let hanging = TestChannel::new("b", Does::Hang);
    let mut running = Running::start_on(&[&delivering, &hanging], store.clone());
    running.until(|view| view.store.failing.is_some()).await;
    running.publish_at_once(&["m1"]);
    running.until(|view| view.channels[0].delivered == 1).await;
    store.inner.refuse(false);
    running.until(|view| view.store.failing.is_none()).await;
    assert_eq!(store.lies.load(Ordering::Relaxed), 0);
    running.publish_at_once(&["m1", "m2"]);
    let view = running.until(|view| view.channels[0].delivered == 2).await;
    each_once(&delivering);
    each_once(&hanging);
    assert_eq!(view.channels[1].queued, 2);
    running.stop().await;
    assert_eq!(store.inner.kept().waiting.len(), 2, "those that hang");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_is_given_everything_only_when_it_takes_something() {
    let store = Arc::new(Lying::default());
    let taking = TestChannel::new("a", Does::Take);
    let mut running = Running::start_on(&[&taking], store.clone());
    running.publish(&["m1"], DOWN);
    running.until(|view| view.store.stored_at.is_some()).await;
    store.inner.refuse(true);
    running.publish(&["m1", "m2"], DOWN);
    running.until(|view| view.store.failing.is_some()).await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(store.anew.load(Ordering::Relaxed), 0);
    store.inner.refuse(false);
    running.until(|view| view.store.failing.is_none()).await;
    assert_eq!(store.anew.load(Ordering::Relaxed), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn news_that_was_overtaken_while_the_store_could_not_be_read_is_not_sent() {
    let store = Arc::new(TestStore::default());
    let hanging = TestChannel::new("a", Does::Hang);
    let mut running = Running::start_on(&[&hanging], store.clone());
    running.publish(&["m1", "m2"], DOWN);
    running.until(|view| view.channels[0].queued == 2).await;
    running.stop().await;

    store.refuse(true);
    let taking = TestChannel::new("a", Does::Take);
    let mut running = Running::start_on(&[&taking], store.clone());
    running.until(|view| view.store.failing.is_some()).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    running.publish(&["m1"], CRITICAL);
    running.until(|view| view.channels[0].delivered == 1).await;
    store.refuse(false);
    running.until(|view| view.channels[0].delivered == 2).await;
    running.until(|view| view.store.failing.is_none()).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    let sent: Vec<_> = taking.attempts().into_iter().map(|it| it.id).collect();
    let old: Vec<_> = hanging.attempts().into_iter().map(|it| it.id).collect();
    let again: Vec<_> = sent.iter().filter(|id| old.contains(id)).collect();
    assert_eq!((sent.len(), again.len()), (2, 1), "what m2 was to be told");
    running.stop().await;
    assert!(store.kept().waiting.is_empty());
}

/// Alerts of a format that there never was.
fn nonsense() -> Changes {
    let mut changes = Changes::default();
    let (key, value) = ("format".to_owned(), Some(b"nonsense".to_vec()));
    changes.rows.push(StateRow { key, value });
    changes
}
