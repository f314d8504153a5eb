//! An engine under watches: a load of single calls, while others watch all its keys.

use std::iter;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use etcd_monitor_client::{
    ClientError, ClientOptions, ClusterClient, Endpoint, WatchEvent, WatchFeed, WatchNews,
};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::at_once::all_at_once;
use crate::engine::{Assignment, Engine, Outcome};
use crate::error::BenchError;
use crate::keys::end_of_prefix;
use crate::recorder::{Failure, Recorder, Recording};
use crate::report::{Details, WatchFigures};
use crate::request::OperationKind;
use crate::series::SecondsBoard;
use crate::watch_stream::{self, Ending, Lane, OPEN_AGAIN, Step, Wanted};

/// How long after the last change, and after each message that follows, watchers may take to see more.
const PATIENCE: Duration = Duration::from_secs(5);

/// Watches of one run at most.
const WATCHERS_MAX: u32 = 10_000;

/// Runs the loads of another engine, while each of some watchers, on a stream of its own, sees every change below the prefix. A
/// stream that broke is opened again, and goes on behind what its watcher has seen.
///
/// Of an engine's requests it is not known which made which revision: events are counted and held against the changes, but have
/// no latency. [`WatchLoad`](crate::WatchLoad) measures that.
pub struct WatchedEngine {
    /// What sends the requests.
    pub engine: Box<dyn Engine>,
    /// How the members are reached.
    pub client: ClientOptions,
    /// The members that are watched, in turn.
    pub endpoints: Vec<Endpoint>,
    /// What all keys begin with.
    pub prefix: String,
    /// Watches.
    pub watchers: u32,
}

/// What one watcher saw.
#[derive(Debug, Default)]
struct Seen {
    events: u64,
    messages: u64,
    /// Different revisions.
    revisions: u64,
    last: i64,
    out_of_order: u64,
    /// Revision of the member when the watch was first made.
    created: i64,
    cancelled: bool,
    /// Without a stream at the end.
    broken: bool,
    reopened: u64,
}

#[async_trait]
impl Engine for WatchedEngine {
    fn name(&self) -> &'static str {
        self.engine.name()
    }

    fn endpoints(&self) -> &[Endpoint] {
        if self.watchers == 0 {
            return self.engine.endpoints();
        }
        // Those of the engine are among them, or were found by asking these.
        &self.endpoints
    }

    async fn run(&self, assignment: Assignment) -> Result<Outcome, BenchError> {
        if self.watchers > WATCHERS_MAX {
            return Err(BenchError::BadPlan {
                name: "watchers",
                reason: format!("{} are more than {WATCHERS_MAX}", self.watchers),
            });
        }
        let began = Instant::now();
        let breaks = Arc::new(Breaks {
            board: Arc::clone(&assignment.board),
            recorder: Mutex::default(),
        });
        let (over, is_over) = watch::channel(None);
        let mut watching = JoinSet::new();
        let cluster = Arc::new(ClusterClient::new(self.client.clone())?);
        let opening = (0..self.watchers).map(|number| {
            let mut watcher = self.watcher(&cluster, number as usize, &breaks);
            async move { watcher.open().await.map(|feed| (watcher, feed)) }
        });
        for (watcher, feed) in all_at_once(opening.collect::<Vec<_>>()).await? {
            watching.spawn(watcher.see(feed, is_over.clone()));
        }
        let created_seconds = began.elapsed().as_secs_f64();
        drop(is_over);
        let mut outcome = self.engine.run(assignment).await?;
        let changes = outcome.recording.acknowledged_changes;
        let _ = over.send(Some(changes));
        let mut all = Vec::new();
        while let Some(seen) = watching.join_next().await {
            all.push(seen.unwrap_or_default());
        }
        if let Some(breaks) = breaks.finish() {
            outcome.recording.add(&breaks);
        }
        if self.watchers > 0 {
            let figures = self.figures(&all, created_seconds, &outcome);
            outcome.details = Some(Details::Watch(figures));
        }
        Ok(outcome)
    }
}

impl WatchedEngine {
    fn watcher(
        &self,
        cluster: &Arc<ClusterClient>,
        number: usize,
        breaks: &Arc<Breaks>,
    ) -> Watcher {
        Watcher {
            lane: Lane::new(cluster, &self.endpoints, number),
            turn: 0,
            prefix: self.prefix.clone().into_bytes(),
            within: self.client.deadline,
            breaks: Arc::clone(breaks),
            seen: Seen::default(),
        }
    }

    fn figures(&self, all: &[Seen], created_seconds: f64, outcome: &Outcome) -> WatchFigures {
        let sum = |of: fn(&Seen) -> u64| all.iter().map(of).sum::<u64>();
        let changes = outcome.recording.acknowledged_changes;
        // One that has seen as many revisions as changes were acknowledged, and none twice, has seen enough: which of them it saw
        // is not known, nor how many were made without an answer.
        let missing = |seen: &Seen| changes.saturating_sub(seen.revisions);
        let there = all.iter().filter(|seen| !seen.broken && !seen.cancelled);
        let events = sum(|seen| seen.events);
        let per_second = events as f64 / outcome.window_seconds;
        let messages = sum(|seen| seen.messages);
        WatchFigures {
            watchers: self.watchers,
            streams: self.watchers,
            keys: 0,
            created_seconds,
            puts: changes,
            events,
            events_per_second: Some(per_second).filter(|rate| rate.is_finite()),
            events_per_message: (messages > 0).then(|| events as f64 / messages as f64),
            lost: 0,
            duplicated: 0,
            out_of_order: sum(|seen| seen.out_of_order),
            behind: there.map(missing).sum(),
            reopened_streams: sum(|seen| seen.reopened),
            broken_watchers: sum(|seen| u64::from(seen.broken)),
            cancelled_watchers: sum(|seen| u64::from(seen.cancelled)),
            unacknowledged: 0,
            without_latency: events,
        }
    }
}

/// What streams broke of, in the seconds in which they did.
struct Breaks {
    board: Arc<SecondsBoard>,
    /// Made when the first one breaks: the time of the measurement is known by then.
    recorder: Mutex<Option<Recorder>>,
}

impl Breaks {
    fn note(&self, error: &ClientError) {
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        let recorder = recorder.get_or_insert_with(|| {
            let window = self.board.window();
            let from = window.map_or_else(Instant::now, |window| window.from);
            let to = window.and_then(|window| window.to);
            Recorder::new(Arc::clone(&self.board), from, to).of_several_threads()
        });
        recorder.broke(OperationKind::Event, Failure::of(error));
    }

    fn finish(&self) -> Option<Recording> {
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        recorder.take().map(Recorder::finish)
    }
}

/// One watcher, and its stream.
struct Watcher {
    lane: Lane,
    /// By which the lane tells its endpoint.
    turn: usize,
    prefix: Vec<u8>,
    /// How long a member may say nothing while it opens a stream.
    within: Duration,
    breaks: Arc<Breaks>,
    seen: Seen,
}

impl Watcher {
    /// Opens its stream, from behind what it has seen.
    async fn open(&mut self) -> Result<WatchFeed, BenchError> {
        let wanted = Wanted {
            id: 1,
            key: self.prefix.clone(),
            end: end_of_prefix(&self.prefix),
            start_revision: watch_stream::start_revision(self.seen.created, self.seen.last),
            previous: false,
        };
        let connection = self.lane.at(self.turn)?;
        let hear = |news| self.seen.take(news);
        watch_stream::open(connection, iter::once(wanted), self.within, hear).await
    }

    /// Reads until the load is over and as many revisions came as it made.
    async fn see(mut self, feed: WatchFeed, is_over: watch::Receiver<Option<u64>>) -> Seen {
        let mut ending = Ending::new(is_over, PATIENCE);
        let mut feed = Some(feed);
        while let Some(open) = feed.take() {
            if let Some(error) = self.follow(open, &mut ending).await {
                self.breaks.note(&error);
                feed = self.open_again(&mut ending).await;
            }
        }
        self.seen
    }

    /// Reads until the end, or until the stream breaks: of what it then returns.
    async fn follow(
        &mut self,
        mut feed: WatchFeed,
        ending: &mut Ending<u64>,
    ) -> Option<ClientError> {
        while !self.seen.is_all(ending.told()) {
            tokio::select! {
                news = feed.next() => match news {
                    Ok(news) => {
                        ending.goes_on();
                        self.seen.take(news);
                    }
                    Err(error) => return Some(error),
                },
                step = ending.next() => if step == Step::Over {
                    return None;
                },
            }
        }
        None
    }

    /// Opens the stream again; `None` where there is no more time for it.
    async fn open_again(&mut self, ending: &mut Ending<u64>) -> Option<WatchFeed> {
        loop {
            tokio::select! {
                feed = self.attempt() => if feed.is_some() {
                    self.seen.reopened += 1;
                    ending.goes_on();
                    return feed;
                },
                step = ending.next() => if step == Step::Over {
                    self.seen.broken = true;
                    return None;
                },
            }
        }
    }

    async fn attempt(&mut self) -> Option<WatchFeed> {
        tokio::time::sleep(OPEN_AGAIN).await;
        let feed = self.open().await;
        if feed.is_err() {
            self.turn = self.turn.wrapping_add(1);
        }
        feed.ok()
    }
}

impl Seen {
    /// Whether nothing more is to come: it was ended, or has seen as many revisions as were made.
    fn is_all(&self, made: Option<&u64>) -> bool {
        self.cancelled || made.is_some_and(|made| self.revisions >= *made)
    }

    fn take(&mut self, news: WatchNews) {
        match news {
            WatchNews::Created { revision, .. } if self.created == 0 => self.created = revision,
            WatchNews::Events { events, .. } => {
                self.messages += 1;
                for event in &events {
                    self.event(event);
                }
            }
            WatchNews::Cancelled { .. } => self.cancelled = true,
            _ => {}
        }
    }

    fn event(&mut self, event: &WatchEvent) {
        self.events += 1;
        self.revisions += u64::from(event.mod_revision > self.last);
        self.out_of_order += u64::from(event.mod_revision < self.last);
        self.last = self.last.max(event.mod_revision);
    }
}
