//! An engine under watches: a load of single calls, while others watch all its keys.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use etcd_monitor_client::{
    ClientError, ClientOptions, ClusterClient, Endpoint, WatchFeed, WatchNews, WatchQuery,
};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::engine::{Assignment, Engine, Outcome};
use crate::error::BenchError;
use crate::keys::end_of_prefix;
use crate::recorder::{Failure, Recorder, Times};
use crate::report::{Details, WatchFigures};
use crate::request::OperationKind;

/// How long after the last change watchers may take to see it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Watches of one run at most.
const WATCHERS_MAX: u32 = 10_000;

/// Runs the loads of another engine, while each of some watchers, on a stream of its own, sees every change below the prefix.
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
    cancelled: bool,
    failure: Option<Failure>,
}

#[async_trait]
impl Engine for WatchedEngine {
    fn name(&self) -> &'static str {
        self.engine.name()
    }

    async fn run(&self, assignment: Assignment) -> Result<Outcome, BenchError> {
        if self.watchers > WATCHERS_MAX {
            return Err(BenchError::BadPlan {
                name: "watchers",
                reason: format!("{} are more than {WATCHERS_MAX}", self.watchers),
            });
        }
        let began = std::time::Instant::now();
        let (over, is_over) = watch::channel(None);
        let mut watching = JoinSet::new();
        let cluster = ClusterClient::new(self.client.clone())?;
        for (_, endpoint) in (0..self.watchers).zip(self.endpoints.iter().cycle()) {
            let feed = self.feed(&cluster, endpoint).await?;
            watching.spawn(see(feed, is_over.clone()));
        }
        let created_seconds = began.elapsed().as_secs_f64();
        drop(is_over);
        let board = Arc::clone(&assignment.board);
        let mut outcome = self.engine.run(assignment).await?;
        let changes = outcome.recording.acknowledged_changes;
        let _ = over.send(Some(changes));
        let mut all = Vec::new();
        while let Some(seen) = watching.join_next().await {
            all.push(seen.unwrap_or_default());
        }
        note(&mut outcome, board, &all);
        if self.watchers > 0 {
            let figures = self.figures(&all, created_seconds, &outcome);
            outcome.details = Some(Details::Watch(figures));
        }
        Ok(outcome)
    }
}

impl WatchedEngine {
    async fn feed(
        &self,
        cluster: &ClusterClient,
        endpoint: &Endpoint,
    ) -> Result<WatchFeed, ClientError> {
        let connection = cluster.connection(endpoint);
        let query = WatchQuery {
            key: self.prefix.as_bytes(),
            end: &end_of_prefix(self.prefix.as_bytes()),
            start_revision: 0,
            id: 1,
            previous: false,
        };
        let mut feed = connection.watch_feed(&query).await?;
        while !matches!(feed.next().await?, WatchNews::Created { .. }) {}
        Ok(feed)
    }

    fn figures(&self, all: &[Seen], created_seconds: f64, outcome: &Outcome) -> WatchFigures {
        let sum = |of: fn(&Seen) -> u64| all.iter().map(of).sum::<u64>();
        let changes = outcome.recording.acknowledged_changes;
        // One that has seen as many revisions as there are changes, and none twice, has seen all.
        let missing = |seen: &Seen| changes.saturating_sub(seen.revisions);
        let there = all
            .iter()
            .filter(|seen| seen.failure.is_none() && !seen.cancelled);
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
            broken_watchers: sum(|seen| u64::from(seen.failure.is_some())),
            cancelled_watchers: sum(|seen| u64::from(seen.cancelled)),
            unacknowledged: 0,
            without_latency: events,
        }
    }
}

/// Notes what watchers failed of.
fn note(outcome: &mut Outcome, board: Arc<crate::SecondsBoard>, all: &[Seen]) {
    let now = std::time::Instant::now();
    let times = Times {
        intended: now,
        sent: now,
        done: now,
    };
    let mut recorder = Recorder::new(board, now, None);
    for failure in all.iter().filter_map(|seen| seen.failure.clone()) {
        recorder.failed(OperationKind::Event, times, failure, true);
    }
    outcome.recording.add(&recorder.finish());
}

/// Reads until the load is over and as many revisions came as it made.
async fn see(mut feed: WatchFeed, mut is_over: watch::Receiver<Option<u64>>) -> Seen {
    let mut seen = Seen::default();
    let mut wanted = None;
    while wanted.is_none_or(|wanted| seen.revisions < wanted) {
        let news = tokio::select! {
            news = feed.next() => news,
            changed = is_over.changed(), if wanted.is_none() => {
                if changed.is_err() {
                    return seen;
                }
                wanted = *is_over.borrow_and_update();
                continue;
            }
            () = tokio::time::sleep(PATIENCE), if wanted.is_some() => return seen,
        };
        match news {
            Ok(WatchNews::Events { events, .. }) => {
                seen.messages += 1;
                for event in &events {
                    seen.events += 1;
                    seen.revisions += u64::from(event.mod_revision > seen.last);
                    seen.out_of_order += u64::from(event.mod_revision < seen.last);
                    seen.last = seen.last.max(event.mod_revision);
                }
            }
            Ok(WatchNews::Cancelled { .. }) => {
                seen.cancelled = true;
                return seen;
            }
            Ok(_) => {}
            Err(error) => {
                seen.failure = Some(Failure::of(&error));
                return seen;
            }
        }
    }
    seen
}
