//! The driver on paused time: snapshots in through `watch`, deliveries out through channels of the test.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use driving::{CRITICAL, DOWN, Does, Running, TestChannel, TestStore, policy};
use etcd_monitor_alerting::{
    AlertState, AlertStore, Alerting, AlertingOptions, AlertsView, Changes, Channel, ChannelLimits,
    MemoryAlertStore, NotificationKind, RestoreError, StateRow,
};
use scenario::Says;
use tokio_util::sync::CancellationToken;

mod driving;
mod scenario;

use NotificationKind::{Fired, Resolved, Updated};

#[tokio::test(start_paused = true)]
async fn the_hold_runs_on_its_own_timer_and_the_resolve_goes_out_at_once() {
    let channel = TestChannel::new("test", Does::Take);
    let mut running = Running::start(&[&channel]);
    running.publish(&["m1"], DOWN);
    let pending = running.until(|view| !view.active.is_empty()).await;
    assert_eq!(pending.active[0].state, AlertState::Pending);
    running.until(|view| view.channels[0].delivered == 1).await;
    running.publish(&["m1"], Says::False);
    let view = running.until(|view| view.channels[0].delivered == 2).await;
    assert!(view.active.is_empty());
    assert_eq!(view.history.len(), 2);
    assert_eq!(channel.told(), [(9, Fired), (9, Resolved)]);
    assert!(channel.attempts().iter().all(|attempt| attempt.durable));
    let began = running.began;
    running.stop().await;
    assert_eq!(began.elapsed().as_secs(), 9, "the stop waits for nothing");
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_hangs_delays_no_other() {
    let hanging = TestChannel::new("hanging", Does::Hang);
    let taking = TestChannel::new("taking", Does::Take);
    let mut running = Running::start(&[&hanging, &taking]);
    running.publish(&["m1"], DOWN);
    let view = running
        .until(|view| view.channels.iter().any(|c| c.delivered == 1))
        .await;
    assert_eq!(view.channels[1].delivered, 1);
    assert_eq!(view.channels[0].queued, 1);
    assert_eq!(taking.told()[0].0, 9);
    let view = running
        .until(|view| view.channels[0].failed_attempts == 1)
        .await;
    assert_eq!(running.seconds(), 9 + 30, "an attempt has its own deadline");
    let error = view.channels[0].last_error.clone().unwrap();
    assert!(error.contains("no end after 30 s"), "{error}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_repeated_and_what_follows_waits_its_turn() {
    let channel = TestChannel::new("test", Does::FailTimes(2));
    let mut running = Running::start(&[&channel]);
    running.publish(&["m1"], DOWN);
    running.until(|view| view.history.len() == 1).await;
    running.publish(&["m1"], CRITICAL);
    running.until(|view| view.channels[0].delivered == 2).await;
    let kinds: Vec<_> = channel.told().into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, [Fired, Fired, Fired, Updated]);
    let numbers: Vec<_> = channel.attempts().iter().map(|it| it.count).collect();
    assert_eq!(numbers, [1, 2, 3, 1]);
    let ids: Vec<_> = channel.attempts().iter().map(|it| it.id.clone()).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_failures_is_followed_by_delivery_within_half_a_minute() {
    let channel = TestChannel::new("test", Does::FailFor(Duration::from_hours(1)));
    let mut running = Running::start(&[&channel]);
    running.publish(&["m1", "m2", "m3", "m4", "m5"], DOWN);
    let view = running.until(|view| view.channels[0].delivered == 5).await;
    let late = running.seconds() - 3_600;
    assert!(late <= 31, "{late} s");
    assert_eq!(view.channels[0].dead, 0);
    let attempts = channel.attempts().len();
    // One at a time, at most every 15 s: not one per notification.
    assert!((120..300).contains(&attempts), "{attempts}");
    assert!(view.channels[0].failing_since.is_none());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_asks_to_wait_is_given_the_time_by_the_whole_channel() {
    let channel = TestChannel::new("test", Does::AskToWait(Duration::from_secs(70)));
    let mut running = Running::start(&[&channel]);
    let mut one = ChannelLimits::default();
    one.concurrency = 1;
    running.configure(vec![channel.with(one)]);
    running.publish(&["m1", "m2"], DOWN);
    running.until(|view| view.channels[0].delivered == 2).await;
    let seconds: Vec<_> = channel.told().into_iter().map(|(at, _)| at).collect();
    assert_eq!(seconds, [9, 79, 79]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_channel_is_told_at_its_rate() {
    let channel = TestChannel::new("test", Does::Take);
    let mut running = Running::start(&[&channel]);
    let mut slow = ChannelLimits::default();
    slow.rate_per_minute = NonZeroU32::new(2);
    running.configure(vec![channel.with(slow)]);
    running.publish(&["m1", "m2", "m3", "m4"], DOWN);
    running.until(|view| view.channels[0].delivered == 4).await;
    let seconds: Vec<_> = channel.told().into_iter().map(|(at, _)| at).collect();
    assert_eq!(seconds, [9, 9, 39, 69]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_a_dead_letter_at_once_and_a_failure_of_the_channel() {
    let refusing = TestChannel::new("refusing", Does::Refuse);
    let mut running = Running::start(&[&refusing]);
    running.publish(&["m1"], DOWN);
    let view = running.until(|view| view.channels[0].dead == 1).await;
    assert_eq!(refusing.attempts().len(), 1);
    let view = if view.dead_letters.is_empty() {
        running.until(|view| !view.dead_letters.is_empty()).await
    } else {
        view
    };
    let letter = view.dead_letters.values().next().unwrap();
    assert_eq!((letter.channel.as_str(), letter.attempts), ("refusing", 1));
    assert!(letter.reason.contains("no such page"), "{}", letter.reason);
    assert_eq!(letter.summary, "m1 refuses connections");
    let failure = view.channels[0].failure(running.now()).unwrap();
    assert!(failure.reason.contains("refusing"), "{}", failure.reason);
    let later = running.now() + Duration::from_mins(16);
    assert_eq!(view.channels[0].failure(later), None);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_repetition_is_counted_apart_from_what_is_given_up() {
    let refusing = TestChannel::grouping_itself("am", Does::Refuse);
    let mut running = Running::start(&[&refusing]);
    running.publish(&["m1"], DOWN);
    running.until(|view| view.dead_letters.len() == 1).await;
    let lost = |count| move |view: &Arc<AlertsView>| view.channels[0].repetitions_lost == count;
    let view = running.until(lost(2)).await;
    let stats = &view.channels[0];
    assert_eq!((stats.dead, view.dead_letters.len()), (1, 1));
    let failure = stats.failure(running.now()).unwrap().reason;
    assert!(
        failure.contains("1 given up, 0 dropped, 2 repetitions refused"),
        "{failure}"
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_taken_for_a_day_is_given_up() {
    let channel = TestChannel::new("test", Does::FailFor(Duration::from_hours(48)));
    let mut running = Running::start(&[&channel]);
    running.publish(&["m1"], DOWN);
    running.until(|view| view.channels[0].queued == 1).await;
    let view = running.until_within(Duration::from_hours(25), |view| {
        !view.dead_letters.is_empty()
    });
    let view = view.await;
    assert_eq!(running.seconds() / 3_600, 24);
    let letter = view.dead_letters.values().next().unwrap();
    assert!(letter.reason.contains("busy"), "{}", letter.reason);
    assert_eq!((view.channels[0].dead, view.channels[0].queued), (1, 0));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_panics_is_tried_again_and_disturbs_no_other() {
    let panicking = TestChannel::new("panicking", Does::PanicTimes(2));
    let taking = TestChannel::new("taking", Does::Take);
    let mut running = Running::start(&[&panicking, &taking]);
    running.publish(&["m1"], DOWN);
    running.until(|view| view.channels[1].delivered == 1).await;
    let view = running.until(|view| view.channels[0].delivered == 1).await;
    assert_eq!(view.channels[0].failed_attempts, 2);
    let error = view.channels[0].last_error.clone().unwrap();
    assert!(error.contains("the channel of a test panics"), "{error}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_drops_the_oldest_counts_it_and_is_a_failure() {
    let channel = TestChannel::new("test", Does::Hang);
    let mut running = Running::start(&[&channel]);
    let names: Vec<String> = (0..1_100).map(|number| format!("m{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    running.publish(&names, DOWN);
    let view = running.until(|view| view.dead_letters.len() == 100).await;
    let stats = &view.channels[0];
    assert_eq!((stats.dropped, stats.queued), (100, 1_000));
    let letter = view.dead_letters.values().next().unwrap();
    assert!(letter.reason.contains("full"), "{}", letter.reason);
    let failure = stats.failure(running.now()).unwrap();
    assert!(failure.reason.contains("100 dropped"), "{}", failure.reason);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_stop_lets_the_lanes_deliver_and_keeps_what_is_left_for_the_next_start() {
    let store = Arc::new(MemoryAlertStore::default());
    let hanging = TestChannel::new("a", Does::Hang);
    let taking = TestChannel::new("b", Does::Take);
    let mut running = Running::start_on(&[&hanging, &taking], store.clone());
    running.publish(&["m1", "m2"], DOWN);
    running.until(|view| !view.history.is_empty()).await;
    let began = running.began;
    let view = running.stop().await;
    assert_eq!(began.elapsed(), Duration::from_secs(9 + 3));
    assert_eq!(view.channels[1].delivered, 2);
    assert_eq!((view.channels[0].dropped, view.channels[0].queued), (0, 2));
    assert_eq!(store.load().unwrap().waiting.len(), 2);

    let again = [
        TestChannel::new("a", Does::Take),
        TestChannel::new("b", Does::Take),
    ];
    let running = Running::start_on(&[&again[0], &again[1]], store.clone());
    running.until(|view| view.channels[0].delivered == 2).await;
    assert_eq!(again[1].attempts().len(), 0, "never twice");
    let ids = |channel: &TestChannel| {
        channel
            .attempts()
            .iter()
            .map(|it| it.id.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&again[0]), ids(&hanging));
    running.stop().await;
    assert!(store.load().unwrap().waiting.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_channel_that_is_removed_is_given_up_and_the_rest_goes_on() {
    let gone = TestChannel::new("gone", Does::Hang);
    let stays = TestChannel::new("stays", Does::FailFor(Duration::from_mins(1)));
    let mut running = Running::start(&[&gone, &stays]);
    running.publish(&["m1"], DOWN);
    running
        .until(|view| view.channels.iter().all(|it| it.queued == 1))
        .await;
    running.configure(vec![stays.with(ChannelLimits::default())]);
    let view = running.until(|view| !view.dead_letters.is_empty()).await;
    let letter = view.dead_letters.values().next().unwrap();
    let about = (letter.channel.as_str(), letter.reason.as_str());
    assert_eq!(about, ("gone", "channel removed"));
    let view = running.until(|view| view.channels[0].delivered == 1).await;
    assert_eq!(view.channels.len(), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_is_repaired_while_it_is_down_is_told_at_once() {
    let broken = TestChannel::new("test", Does::FailFor(Duration::from_hours(9)));
    let mut running = Running::start(&[&broken]);
    running.publish(&["m1"], DOWN);
    running
        .until(|view| view.channels[0].failed_attempts > 8)
        .await;
    let repaired = TestChannel::new("test", Does::Take);
    running.configure(vec![repaired.with(ChannelLimits::default())]);
    let before = running.seconds();
    let view = running.until(|view| view.channels[0].delivered == 1).await;
    assert_eq!(running.seconds(), before);
    assert!(view.channels[0].failed_attempts > 8, "its numbers stay");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn while_the_store_refuses_everything_is_sent_from_memory_and_written_when_it_is_back() {
    let store = Arc::new(TestStore::default());
    let taking = TestChannel::new("a", Does::Take);
    let hanging = TestChannel::new("b", Does::Hang);
    let mut running = Running::start_on(&[&taking, &hanging], store.clone());
    store.refuse(true);
    running.publish(&["m1"], DOWN);
    running.until(|view| view.channels[0].delivered == 1).await;
    assert!(!taking.attempts()[0].durable);
    assert_eq!(taking.told()[0].0, 9, "at once");
    let view = running.until(|view| view.store.failing.is_some()).await;
    let failing = view.store.failing.clone().unwrap();
    assert!(
        failing.reason.contains("no space left"),
        "{}",
        failing.reason
    );
    assert_eq!(running.handle.store_failure(), Some(failing.clone()));

    // It counts from the first failure, and goes on from memory.
    running.publish(&["m1", "m2"], CRITICAL);
    let view = running.until(|view| view.channels[0].delivered >= 3).await;
    assert_eq!(view.store.failing.as_ref().unwrap().since, failing.since);
    assert!(store.kept().waiting.is_empty());

    store.refuse(false);
    running.until(|view| view.store.failing.is_none()).await;
    let stored = store.load().unwrap();
    assert!(
        !stored.waiting.is_empty(),
        "what the other channel has not taken"
    );
    running.stop().await;
}

/// On a clock that runs, since a paused one stands still while a thread blocks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_hangs_holds_nothing_up_for_more_than_seconds() {
    let store = Arc::new(TestStore::default());
    let channel = TestChannel::new("test", Does::Take);
    let mut running = Running::start_on(&[&channel], store.clone());
    let (begun, hangs) = tokio::sync::oneshot::channel();
    let (release, released) = std::sync::mpsc::channel();
    let disk = store.clone();
    let hanging = std::thread::spawn(move || {
        let _busy = disk.busy.lock().unwrap();
        begun.send(()).unwrap();
        released.recv().unwrap();
    });
    hangs.await.unwrap();
    running.publish_at_once(&["m1"]);
    let view = running.until(|view| view.channels[0].delivered == 1).await;
    let reason = view.store.failing.clone().unwrap().reason;
    assert!(reason.contains("not answered for 3 s"), "{reason}");
    assert!(!channel.attempts()[0].durable);
    release.send(()).unwrap();
    hanging.join().unwrap();
    let before = std::time::Instant::now();
    running.until(|view| view.store.failing.is_none()).await;
    running.stop().await;
    assert!(
        before.elapsed() < Duration::from_secs(3),
        "nothing is left to wait for"
    );
    let stored = store.kept();
    assert!(stored.rows.keys().any(|key| key.starts_with("alert/")));
    assert!(stored.waiting.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_read_at_the_start_is_read_later_and_what_it_has_goes_out() {
    let store = Arc::new(TestStore::default());
    let hanging = TestChannel::new("a", Does::Hang);
    let mut running = Running::start_on(&[&hanging], store.clone());
    running.publish(&["m1"], DOWN);
    running.until(|view| view.channels[0].queued == 1).await;
    running.stop().await;

    store.refuse(true);
    let taking = TestChannel::new("a", Does::Take);
    let mut running = Running::start_on(&[&taking], store.clone());
    running.until(|view| view.store.failing.is_some()).await;
    running.publish(&["m2"], CRITICAL);
    running.until(|view| view.channels[0].delivered == 1).await;
    store.refuse(false);
    running.until(|view| view.channels[0].delivered == 2).await;
    let view = running.until(|view| view.store.failing.is_none()).await;
    assert_eq!(view.channels[0].dead, 0);
    assert_eq!(taking.attempts()[1].id, hanging.attempts()[0].id);
    running.stop().await;
    assert!(store.load().unwrap().waiting.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_receipt_comes_back_with_the_later_messages_of_the_incident_also_after_a_restart() {
    let store = Arc::new(MemoryAlertStore::default());
    let channel = TestChannel::new("chat", Does::TakeWithReceipt("1700.1"));
    let mut running = Running::start_on(&[&channel], store.clone());
    running.publish(&["m1"], DOWN);
    running.until(|view| view.channels[0].delivered == 1).await;
    running.publish(&["m1"], CRITICAL);
    running.until(|view| view.channels[0].delivered == 2).await;
    assert_eq!(channel.attempts()[0].receipt, None);
    assert_eq!(channel.attempts()[1].receipt.as_deref(), Some("1700.1"));
    running.stop().await;
    assert_eq!(store.load().unwrap().receipts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn alerts_stay_known_when_the_snapshots_end() {
    let channel = TestChannel::new("test", Does::Take);
    let mut running = Running::start(&[&channel]);
    running.publish(&["m1"], DOWN);
    running.until(|view| view.channels[0].delivered == 1).await;
    running.end_snapshots();
    tokio::time::advance(Duration::from_mins(10)).await;
    assert_eq!(running.stop().await.active[0].state, AlertState::Firing);
}

#[tokio::test(start_paused = true)]
async fn no_two_lanes_have_one_name() {
    let first = TestChannel::new("test", Does::Take);
    let second = TestChannel::new("test", Does::Take);
    let channels: Vec<Channel> = [&first, &second]
        .map(|it| it.with(ChannelLimits::default()))
        .into();
    let mut running = Running::start(&[&first]);
    running.handle.configure(policy(&["test"]), channels);
    running.publish(&["m1"], DOWN);
    let view = running.until(|view| view.channels[0].delivered == 1).await;
    assert_eq!(view.channels.len(), 1);
    assert!(second.attempts().is_empty());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn alerts_go_on_after_a_restart_and_are_not_told_again() {
    let store = Arc::new(MemoryAlertStore::default());
    let channel = TestChannel::new("test", Does::Take);
    let mut running = Running::start_on(&[&channel], store.clone());
    running.publish(&["m1"], DOWN);
    let before = running.until(|view| view.channels[0].delivered == 1).await;
    running.stop().await;

    let mut running = Running::start_on(&[&channel], store.clone());
    let view = running.until(|view| !view.active.is_empty()).await;
    assert_eq!(view.active[0].id, before.active[0].id);
    assert_eq!(view.history.len(), 1);
    running.publish(&["m1"], DOWN);
    running.publish(&["m1"], Says::False);
    running.until(|view| view.channels[0].delivered == 1).await;
    let kinds: Vec<_> = channel.told().into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, [Fired, Resolved]);
    running.stop().await;
}

fn row(key: &str, value: &str) -> Changes {
    let mut changes = Changes::default();
    let value = Some(value.as_bytes().to_vec());
    let key = key.to_owned();
    changes.rows.push(StateRow { key, value });
    changes
}

#[tokio::test(start_paused = true)]
async fn alerts_of_a_newer_release_are_refused() {
    let store = Arc::new(MemoryAlertStore::default());
    store.commit(&row("format", "99")).unwrap();
    let mut options = AlertingOptions::new(policy(&[]), Vec::new());
    options.store = store.clone();
    let (alerting, _handle) = Alerting::new(options, CancellationToken::new());
    let error = alerting.run().await.unwrap_err();
    let found = matches!(error, RestoreError::NewerFormat { found: 99, .. });
    assert!(found, "{error}");
    assert_eq!(store.load().unwrap().rows.len(), 1, "it is left alone");
}

#[tokio::test(start_paused = true)]
async fn alerts_that_make_no_sense_are_set_aside_and_begin_anew() {
    let store = Arc::new(MemoryAlertStore::default());
    store.commit(&row("format", "nonsense")).unwrap();
    let channel = TestChannel::new("test", Does::Take);
    let mut running = Running::start_on(&[&channel], store.clone());
    running.publish(&["m1"], DOWN);
    running.until(|view| view.channels[0].delivered == 1).await;
    running.stop().await;
    let rows = store.load().unwrap().rows;
    assert_eq!(rows["format"], b"1");
    assert!(rows.keys().any(|key| key.starts_with("alert/")), "{rows:?}");
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_was_away_hears_what_is_true_and_not_each_repetition() {
    let away = Duration::from_hours(20);
    let channel = TestChannel::grouping_itself("am", Does::FailFor(away));
    let mut running = Running::start(&[&channel]);
    running.publish(&["m1"], DOWN);
    running
        .until(|view| view.channels[0].failed_attempts > 0)
        .await;
    tokio::time::sleep(Duration::from_hours(19)).await;
    running.publish(&["m1"], Says::False);
    let view = running.until(|view| view.active.is_empty()).await;
    assert!(view.channels[0].queued <= 3, "{:?}", view.channels[0]);
    running.until(|view| view.channels[0].delivered >= 2).await;
    let view = running.handle.latest();
    assert_eq!((view.channels[0].queued, view.dead_letters.len()), (0, 0));
    let after = |attempt: &&driving::Attempt| attempt.second >= away.as_secs();
    let heard: Vec<_> = channel
        .attempts()
        .iter()
        .filter(after)
        .map(|it| it.kind)
        .collect();
    assert_eq!(heard, [Fired, Resolved]);
    running.stop().await;
}
