//! Reads one stream of watches and holds each event against its put; opens it again where it broke.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use etcd_monitor_client::{ClientError, WatchEvent, WatchFeed, WatchNews};

use super::acknowledged::{self, Acknowledgements, Known};
use super::stream::{Stream, place};
use super::{LastOfKeys, PutsOver};
use crate::recorder::{Failure, Times};
use crate::request::OperationKind;
use crate::streams::crew::Crew;
use crate::watch_stream::{Ending, OPEN_AGAIN, Step};

/// Events of one stream whose put is not acknowledged yet; more are counted, but have no latency.
const WAITING_MAX: usize = 1 << 18;

/// How often it is looked whether their puts were acknowledged meanwhile, at most.
const LOOK: Duration = Duration::from_millis(2);

/// What the watchers of a stream saw.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) events: u64,
    pub(super) messages: u64,
    pub(super) lost: u64,
    pub(super) duplicated: u64,
    pub(super) out_of_order: u64,
    pub(super) behind: u64,
    pub(super) reopened: u64,
    pub(super) broken: u64,
    pub(super) cancelled: u64,
    pub(super) unacknowledged: u64,
    pub(super) without_latency: u64,
}

impl Seen {
    pub(super) fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.messages += other.messages;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.out_of_order += other.out_of_order;
        self.behind += other.behind;
        self.reopened += other.reopened;
        self.broken += other.broken;
        self.cancelled += other.cancelled;
        self.unacknowledged += other.unacknowledged;
        self.without_latency += other.without_latency;
    }
}

/// An event whose put is not acknowledged yet: events often come before the answer of the put.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    /// Of its watch in the stream.
    place: usize,
    revision: i64,
    arrived: Instant,
}

/// Reads one stream.
pub(super) struct Reader {
    pub(super) stream: Stream,
    pub(super) crew: Arc<Crew>,
    pub(super) acknowledged: Arc<RwLock<Acknowledgements>>,
    pub(super) pause: Option<Duration>,
    pub(super) patience: Duration,
    pub(super) waiting: Vec<Waiting>,
    pub(super) seen: Seen,
}

impl Reader {
    /// Reads until the puts are over and all watchers have seen the last, or have had their time for it. `early` is what came
    /// while the stream was opened.
    pub(super) async fn read(
        mut self,
        feed: WatchFeed,
        early: Vec<WatchNews>,
        over: PutsOver,
    ) -> Seen {
        let mut ending = Ending::new(over, self.patience);
        for news in early {
            self.take(news, Instant::now());
        }
        let mut feed = Some(feed);
        while let Some(open) = feed.take() {
            if let Some(error) = self.follow(open, &mut ending).await {
                let failure = Failure::of(&error);
                self.broke(failure);
                feed = self.open_again(&mut ending).await;
            }
        }
        let last = ending.told().cloned();
        self.end(last.as_deref())
    }

    /// Reads until the end, or until the stream breaks: of what it then returns.
    async fn follow(
        &mut self,
        mut feed: WatchFeed,
        ending: &mut Ending<LastOfKeys>,
    ) -> Option<ClientError> {
        let mut looked = Instant::now();
        while !self.is_done(ending.told()) {
            tokio::select! {
                news = feed.next() => match news {
                    Ok(news) => self.take(news, Instant::now()),
                    Err(error) => return Some(error),
                },
                step = ending.next() => match step {
                    Step::Told => continue,
                    Step::Over => return None,
                },
            }
            if looked.elapsed() > LOOK {
                self.look_again();
                looked = Instant::now();
            }
            if let Some(pause) = self.pause {
                tokio::time::sleep(pause).await;
            }
        }
        None
    }

    /// Opens the stream again, with what its watches have not seen; `None` where none is left, or no time for it.
    async fn open_again(&mut self, ending: &mut Ending<LastOfKeys>) -> Option<WatchFeed> {
        while self.stream.watched.iter().any(|watched| watched.is_there) {
            tokio::select! {
                feed = self.attempt() => if feed.is_some() {
                    self.seen.reopened += 1;
                    return feed;
                },
                step = ending.next() => if step == Step::Over {
                    self.is_without_stream();
                    return None;
                },
            }
        }
        None
    }

    async fn attempt(&mut self) -> Option<WatchFeed> {
        tokio::time::sleep(OPEN_AGAIN).await;
        let asking = self.stream.asking();
        let feed = asking.open(|news| self.take(news, Instant::now())).await;
        if feed.is_err() {
            self.stream.goes_elsewhere();
        }
        feed.ok()
    }

    fn is_done(&self, last: Option<&LastOfKeys>) -> bool {
        let Some(last) = last else { return false };
        let mut there = self
            .stream
            .watched
            .iter()
            .filter(|watched| watched.is_there);
        there.all(|watched| {
            last.get(&watched.key)
                .is_none_or(|last| watched.last >= *last)
        })
    }

    fn take(&mut self, news: WatchNews, arrived: Instant) {
        match news {
            WatchNews::Events { id, events } => {
                self.seen.messages += 1;
                let Some(place) = place(id) else { return };
                for event in &events {
                    self.event(place, event, arrived);
                }
            }
            WatchNews::Cancelled {
                id,
                compact_revision,
                reason,
            } => self.cancelled(id, compact_revision, &reason),
            WatchNews::Created { id, revision } => self.stream.was_made(id, revision),
            _ => {}
        }
    }

    fn event(&mut self, place: usize, event: &WatchEvent, arrived: Instant) {
        let Some(watched) = self.stream.watched.get_mut(place) else {
            return;
        };
        self.seen.events += 1;
        if event.mod_revision <= watched.last {
            let is_same = event.mod_revision == watched.last;
            self.seen.duplicated += u64::from(is_same);
            self.seen.out_of_order += u64::from(!is_same);
            return;
        }
        watched.last = event.mod_revision;
        if self.waiting.len() >= WAITING_MAX {
            watched.unchecked += 1;
            self.seen.without_latency += 1;
            return;
        }
        let waiting = Waiting {
            place,
            revision: event.mod_revision,
            arrived,
        };
        let known = self.known(event.mod_revision);
        if !self.matches(waiting, known) {
            self.waiting.push(waiting);
        }
    }

    fn known(&self, revision: i64) -> Known {
        let acknowledged = self.acknowledged.read();
        let acknowledged = acknowledged.unwrap_or_else(PoisonError::into_inner);
        acknowledged.of(revision)
    }

    /// Counts an event whose put is known.
    fn matches(&mut self, event: Waiting, known: Known) -> bool {
        let put = match known {
            Known::Put(put) => Some(put),
            Known::Forgotten => None,
            Known::Not => return false,
        };
        if let Some(watched) = self.stream.watched.get_mut(event.place) {
            watched.matched += 1;
        }
        let Some(put) = put else {
            self.seen.without_latency += 1;
            return true;
        };
        if put.measured {
            let times = Times {
                done: event.arrived,
                ..put.times
            };
            self.crew
                .recorder(self.stream.number)
                .observed(OperationKind::Event, times);
        }
        true
    }

    fn look_again(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        for event in waiting {
            let known = self.known(event.revision);
            if !self.matches(event, known) {
                self.waiting.push(event);
            }
        }
    }

    fn cancelled(&mut self, id: i64, compact_revision: Option<i64>, reason: &str) {
        let watched = place(id).and_then(|place| self.stream.watched.get_mut(place));
        if let Some(watched) = watched {
            watched.is_there = false;
        }
        self.seen.cancelled += 1;
        let (kind, message) = match compact_revision {
            Some(revision) => (
                "compacted",
                format!(
                    "a watch was cancelled, since what it was to see next is compacted up to revision {revision}"
                ),
            ),
            None => (
                "watch_cancelled",
                format!("a watch was cancelled by the member: {reason}"),
            ),
        };
        let failure = Failure {
            kind: kind.to_owned(),
            message,
            may_be_done: false,
        };
        self.broke(failure);
    }

    /// Records what went wrong with the stream, or with one of its watches.
    fn broke(&self, failure: Failure) {
        self.crew
            .broke(self.stream.number, OperationKind::Event, failure);
    }

    fn is_without_stream(&mut self) {
        for watched in &mut self.stream.watched {
            self.seen.broken += u64::from(watched.is_there);
            watched.is_there = false;
        }
    }

    fn end(mut self, last: Option<&BTreeMap<u64, i64>>) -> Seen {
        self.look_again();
        self.seen.unacknowledged = self.waiting.len() as u64;
        let acknowledged = acknowledged::lock(&self.acknowledged);
        let mut late = 0;
        for watched in self
            .stream
            .watched
            .iter()
            .filter(|watched| watched.is_there)
        {
            let wanted = acknowledged.of_key(watched.key);
            let missing = wanted.saturating_sub(watched.matched + watched.unchecked);
            let end = last.and_then(|last| last.get(&watched.key)).copied();
            let behind = if end.is_some_and(|end| watched.last < end) {
                late += 1;
                acknowledged.of_key_after(watched.key, watched.last)
            } else {
                0
            };
            self.seen.behind += behind;
            self.seen.lost += missing.saturating_sub(behind);
        }
        drop(acknowledged);
        for _ in 0..late {
            let failure = Failure {
                kind: "behind".to_owned(),
                message: format!(
                    "a watcher had not seen all puts {} s after the last",
                    self.patience.as_secs_f64()
                ),
                may_be_done: false,
            };
            self.broke(failure);
        }
        self.seen
    }
}
