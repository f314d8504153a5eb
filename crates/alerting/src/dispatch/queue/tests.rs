use super::*;
use jiff::Timestamp;

use crate::fixtures::notification;
use crate::notification::NotificationKind;

/// A queue with a message of each group, numbered from 0.
fn queue(groups: &[&str]) -> Queue {
    let mut queue = Queue::default();
    for (number, group) in (0..).zip(groups) {
        let waiting = Waiting::new(number, &notification("test", group, number)).unwrap();
        queue.push(waiting, Instant::now() + GIVEN_UP_AFTER);
    }
    queue
}

fn numbers(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.waiting.number).collect()
}

/// Starts everything that may be started.
fn start_all(queue: &mut Queue) -> Vec<u64> {
    let mut started = Vec::new();
    while let Some(number) = queue.next(Instant::now(), true) {
        queue.start(number);
        started.push(number);
    }
    started
}

#[tokio::test(start_paused = true)]
async fn a_group_is_told_in_order_and_the_others_beside_it() {
    let mut queue = queue(&["a", "a", "b", "a", "b"]);
    assert_eq!(start_all(&mut queue), [0, 2]);
    queue.remove(0);
    assert_eq!(start_all(&mut queue), [1]);
    queue.remove(2);
    queue.remove(1);
    assert_eq!(start_all(&mut queue), [3, 4]);
    assert_eq!((queue.len(), queue.in_flight()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_waits_and_its_group_with_it() {
    let mut queue = queue(&["a", "a", "b"]);
    start_all(&mut queue);
    queue.retry(0, "busy".to_owned(), Instant::now());
    assert_eq!(queue.next(Instant::now(), true), None);
    let again = queue.wakes_at(Instant::now()).unwrap();
    let wait = again.duration_since(Instant::now());
    assert!((1.0..=2.0).contains(&wait.as_secs_f64()), "{wait:?}");
    tokio::time::advance(wait).await;
    assert_eq!(queue.next(Instant::now(), true), Some(0));
}

#[tokio::test(start_paused = true)]
async fn one_that_always_fails_holds_up_no_other() {
    let mut queue = queue(&["bad", "good"]);
    queue.start(0);
    queue.retry(0, "no".to_owned(), Instant::now());
    assert_eq!(queue.next(Instant::now(), false), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_surplus_costs_what_is_superseded_first_and_then_the_oldest() {
    let mut queue = queue(&["a", "b", "c", "b", "c", "d"]);
    assert_eq!(numbers(&queue.overflow(6, true)), [0_u64; 0]);
    assert_eq!(numbers(&queue.overflow(5, true)), [1]);
    assert_eq!(numbers(&queue.overflow(3, true)), [2, 0]);
    queue.start(3);
    assert_eq!(numbers(&queue.overflow(1, true)), [4, 5]);
    assert_eq!(queue.len(), 1, "what is being tried stays");
}

#[tokio::test(start_paused = true)]
async fn bytes_are_bounded_too() {
    let mut queue = Queue::default();
    let mut large = notification("test", "a", 0);
    large.firing[0].cause = "x".repeat(3 << 20);
    for number in 0..7 {
        large.dedup_key = number.to_string();
        let waiting = Waiting::new(number, &large).unwrap();
        queue.push(waiting, Instant::now() + GIVEN_UP_AFTER);
    }
    assert_eq!(numbers(&queue.overflow(1_000, true)), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn what_has_waited_a_day_is_given_up() {
    let mut queue = queue(&["a", "b"]);
    tokio::time::advance(GIVEN_UP_AFTER).await;
    queue.start(1);
    assert_eq!(numbers(&queue.expire(Instant::now())), [0]);
    assert_eq!(queue.len(), 1);
}

#[test]
fn what_is_written_reads_the_same() {
    let told = notification("mail", "g", 3);
    let waiting = Waiting::new(7, &told).unwrap();
    let stored = Waiting::stored(7, Arc::clone(&waiting.json)).unwrap();
    assert_eq!(stored.notification().unwrap(), told);
    assert_eq!(stored.key, waiting.key);
    assert!(stored.is_durable() && !waiting.is_durable());
}

#[tokio::test(start_paused = true)]
async fn where_each_message_tells_of_other_alerts_the_oldest_goes_first() {
    let mut queue = queue(&["b", "a", "a", "a"]);
    assert_eq!(numbers(&queue.overflow(2, false)), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn what_is_passing_makes_way_for_what_is_newer_in_its_group() {
    let mut queue = Queue::default();
    let mut told = notification("test", "a", 0);
    let mut push = |number: u64, kind, second: i64| {
        told.kind = kind;
        told.at = Timestamp::from_second(second).unwrap();
        let waiting = Waiting::new(number, &told).unwrap();
        queue.push(waiting, Instant::now() + GIVEN_UP_AFTER);
        queue.entries.keys().copied().collect::<Vec<_>>()
    };
    assert_eq!(push(0, NotificationKind::Fired, 0), [0]);
    // Two parts of one round, and the next one.
    assert_eq!(push(1, NotificationKind::Resent, 60), [0, 1]);
    assert_eq!(push(2, NotificationKind::Resent, 60), [0, 1, 2]);
    assert_eq!(push(3, NotificationKind::Resent, 120), [0, 3]);
    assert_eq!(push(4, NotificationKind::Resolved, 130), [0, 4]);
}

#[tokio::test(start_paused = true)]
async fn one_that_comes_twice_is_there_once_and_stalls_nothing() {
    let mut queue = queue(&["a"]);
    queue.start(0);
    let again = Waiting::new(0, &notification("test", "a", 0)).unwrap();
    queue.push(again, Instant::now() + GIVEN_UP_AFTER);
    queue.remove(0);
    assert_eq!((queue.len(), queue.in_flight(), queue.bytes), (0, 0, 0));
}

/// What the queue says, found by going through all of it.
mod plainly {
    use super::*;
    use std::collections::BTreeSet;

    fn heads(queue: &Queue) -> impl Iterator<Item = &Entry> {
        let mut groups = BTreeSet::new();
        let entries = queue.entries.values();
        entries.filter(move |entry| groups.insert(entry.waiting.key.dedup_key.as_str()))
    }

    pub(super) fn next(queue: &Queue, now: Instant, patient: bool) -> Option<u64> {
        let ready = |entry: &&Entry| {
            !entry.in_flight && (!patient || entry.not_before.is_none_or(|at| at <= now))
        };
        let ready = heads(queue).filter(ready);
        let next = ready.min_by_key(|entry| (entry.attempts, entry.waiting.number));
        next.map(|entry| entry.waiting.number)
    }

    pub(super) fn wakes_at(queue: &Queue, now: Instant) -> Option<Instant> {
        let idle = heads(queue).filter(|entry| !entry.in_flight);
        let retries = idle.filter_map(|entry| entry.not_before);
        let expiries = queue.entries.values().map(|entry| entry.expires);
        retries.chain(expiries).filter(|at| *at > now).min()
    }

    pub(super) fn superseded(queue: &Queue) -> Vec<u64> {
        let mut newer = BTreeSet::new();
        let entries = queue.entries.iter().rev();
        let mut superseded: Vec<u64> = entries
            .filter(|(_, entry)| !newer.insert(&entry.waiting.key.dedup_key))
            .map(|(number, _)| *number)
            .collect();
        superseded.reverse();
        superseded
    }
}

/// One thing that happens to a queue.
fn happens(queue: &mut Queue, what: u8, number: u64) {
    let now = Instant::now();
    match what {
        0..=2 if !queue.entries.contains_key(&number) => {
            let group = format!("g{}", number % 5);
            let waiting = Waiting::new(number, &notification("test", &group, 1)).unwrap();
            queue.push(waiting, now + Duration::from_secs(number));
        }
        3 | 4 => {
            let next = queue.next(now, what == 3);
            next.and_then(|number| queue.start(number).map(|_| ()));
        }
        5 if queue.entries.get(&number).is_some_and(|it| it.in_flight) => {
            queue.retry(number, "busy".to_owned(), now);
        }
        6 => drop(queue.remove(number)),
        7 => queue.hurry(),
        8 => drop(queue.overflow(6, true)),
        9 => drop(queue.expire(now + Duration::from_secs(number / 4))),
        _ => {}
    }
}

proptest::proptest! {
    #[test]
    fn the_index_says_what_the_entries_say(
        steps in proptest::collection::vec((0_u8..10, 0_u64..24), 1..120)
    ) {
        let mut queue = Queue::default();
        for (what, number) in steps {
            happens(&mut queue, what, number);
            let now = Instant::now();
            for at in [now, now + Duration::from_secs(2)] {
                for patient in [true, false] {
                    let next = plainly::next(&queue, at, patient);
                    proptest::prop_assert_eq!(queue.next(at, patient), next);
                }
                let wakes_at = plainly::wakes_at(&queue, at);
                proptest::prop_assert_eq!(queue.wakes_at(at), wakes_at);
            }
            let superseded: Vec<u64> = queue.turns.superseded().collect();
            proptest::prop_assert_eq!(superseded, plainly::superseded(&queue));
        }
    }
}
