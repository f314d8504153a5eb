//! The driver at its start, at its stop, and when the wall clock is set back.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use driving::{DOWN, Does, Running, TestChannel, TestStore};
use etcd_monitor_alerting::{
    AlertEvent, AlertEventKind, Matcher, MemoryAlertStore, Mutes, Silence,
};

mod driving;
mod scenario;

#[tokio::test(start_paused = true)]
async fn what_could_not_be_stored_is_written_at_the_stop() {
    let store = Arc::new(TestStore::default());
    let hanging = TestChannel::new("a", Does::Hang);
    let mut running = Running::start_on(&[&hanging], store.clone());
    running.publish(&["m1"], DOWN);
    running.until(|view| view.store.stored_at.is_some()).await;
    store.refuse(true);
    running.until(|view| view.channels[0].queued == 1).await;
    running.until(|view| view.store.failing.is_some()).await;
    // By now it is asked no more than every 15 s, and the stop takes less.
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert!(store.kept().waiting.is_empty());
    store.refuse(false);
    running.stop().await;
    let kept = store.kept();
    assert_eq!(kept.waiting.len(), 1);
    assert!(kept.rows.keys().any(|key| key.starts_with("alert/")));
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_while_it_stops_is_not_told_at_the_next_start() {
    let store = Arc::new(MemoryAlertStore::default());
    let taking = TestChannel::new("a", Does::Take);
    let mut running = Running::start_on(&[&taking], store.clone());
    running.publish_at_once(&["m1"]);
    running.until(|view| !view.history.is_empty()).await;
    running.stop().await;
    let running = Running::start_on(&[&taking], store.clone());
    running.until(|view| !view.active.is_empty()).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(taking.attempts().len(), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_muted_and_is_gone_by_the_start_is_not_told_though_it_is_muted_no_more() {
    let store = Arc::new(MemoryAlertStore::default());
    let taking = TestChannel::new("a", Does::Take);
    let mut running = Running::start_on(&[&taking], store.clone());
    let (all, now) = (Matcher::parse("rule=~\".+\"").unwrap(), running.now());
    let end = now + Duration::from_hours(1);
    let mut mutes = Mutes::default();
    mutes
        .silences
        .push(Silence::new(vec![all], now, end, "me", "x").unwrap());
    running.handle.set_mutes(mutes);
    running.publish_at_once(&["m1"]);
    running
        .until(|view| view.active.iter().any(|it| it.muted_by.is_some()))
        .await;
    running.stop().await;

    let running = Running::start_on(&[&taking], store.clone());
    running.handle.set_mutes(Mutes::default());
    running.handle.follow([]);
    let is_over = |event: &AlertEvent| event.kind == AlertEventKind::Resolved;
    running
        .until(|view| view.history.last().is_some_and(is_over))
        .await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(taking.told(), []);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_delays_nothing_for_as_long() {
    let failing = TestChannel::new("a", Does::FailFor(Duration::from_secs(12)));
    let mut running = Running::start(&[&failing]);
    running.publish(&["m1"], DOWN);
    running
        .until(|view| view.channels[0].failed_attempts == 1)
        .await;
    // Before the alert is due to be unknown; the attempts that follow make the driver look at the clock.
    assert_eq!(running.seconds(), 9);
    running.set_clock_back(Duration::from_hours(5));
    running
        .until_within(Duration::from_hours(10), |view| {
            view.active[0].unknown_since.is_some()
        })
        .await;
    assert!(running.seconds() <= 60, "{} s", running.seconds());
    running.stop().await;
}
