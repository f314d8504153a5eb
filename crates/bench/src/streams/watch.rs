//! Watches: how long after its put an event arrives, how many a second, and whether all do, once and in order.

mod acknowledged;
mod reader;
mod stream;

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use etcd_monitor_client::ClusterClient;
use tokio::sync::watch as signal;
use tokio::task::JoinSet;

use self::acknowledged::Acknowledgements;
use self::reader::{Reader, Seen};
use self::stream::{Connection, Opened, Stream, Watched};
use super::crew::Crew;
use super::puts::{Acknowledged, Puts};
use super::{Stage, StreamLoad, bad, named, within};
use crate::engine::Outcome;
use crate::error::BenchError;
use crate::keys::{KeyShape, Values};
use crate::load::Load;
use crate::report::{Details, WatchFigures};
use crate::request::OperationKind;
use crate::watch_stream::Lane;

/// Watches that one run may have.
const WATCHERS_MAX: u32 = 1_000_000;

/// Streams that one run may have.
const STREAMS_MAX: u32 = 10_000;

/// Puts to watched keys, and what the watchers see of them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WatchLoad {
    /// Watches, each of one key.
    pub watchers: u32,
    /// Streams that they are spread over; these lie on as many connections as the load has, apart from those of the puts.
    pub streams: u32,
    /// Keys that are watched and written, one after the other: each put is seen by `watchers / keys` watchers.
    pub keys: u64,
    /// Bytes of a key, the prefix included.
    pub key_size: usize,
    /// Bytes of a value.
    pub value_size: usize,
    /// Has the pair before each change sent as well.
    pub previous: bool,
    /// Streams, of all, whose reader pauses after each message.
    pub slow_streams: u32,
    /// How long these pause.
    pub slow_pause: Duration,
    /// How long after the last put watchers may take to see the rest; then they are behind, or broken where they have no stream.
    pub patience: Duration,
}

impl Default for WatchLoad {
    fn default() -> Self {
        Self {
            watchers: 100,
            streams: 10,
            keys: 1,
            key_size: 32,
            value_size: 256,
            previous: false,
            slow_streams: 0,
            slow_pause: Duration::from_millis(10),
            patience: Duration::from_secs(5),
        }
    }
}

/// Of each key the revision of the last put.
type LastOfKeys = Arc<BTreeMap<u64, i64>>;

/// What readers hear when the puts are over.
type PutsOver = signal::Receiver<Option<LastOfKeys>>;

#[async_trait]
impl StreamLoad for WatchLoad {
    fn name(&self) -> &'static str {
        "watch"
    }

    fn parameters(&self) -> BTreeMap<String, String> {
        let mut parameters = named([
            ("watchers", self.watchers.to_string()),
            ("streams", self.streams.to_string()),
            ("watched_keys", self.keys.to_string()),
            ("key_size_bytes", self.key_size.to_string()),
            ("value_size_bytes", self.value_size.to_string()),
            ("previous", self.previous.to_string()),
            ("slow_streams", self.slow_streams.to_string()),
            ("patience_seconds", self.patience.as_secs_f64().to_string()),
        ]);
        // Else nobody pauses.
        if self.slow_streams > 0 {
            let pause = self.slow_pause.as_secs_f64().to_string();
            parameters.extend(named([("slow_pause_seconds", pause)]));
        }
        parameters
    }

    fn check(&self, _load: &Load, prefix: &str) -> Result<(), BenchError> {
        within("watchers", self.watchers, WATCHERS_MAX)?;
        within("streams", self.streams, STREAMS_MAX)?;
        if self.streams > self.watchers {
            return Err(bad("streams", "there are more than watchers"));
        }
        if self.slow_streams > self.streams {
            return Err(bad("slow streams", "there are more than streams"));
        }
        if self.keys == 0 || self.keys > u64::from(self.watchers) {
            let reason = "there must be at least one, and a watcher for each";
            return Err(bad("watched keys", reason));
        }
        KeyShape::new(prefix, self.key_size, self.keys).map(drop)
    }

    async fn run(&self, stage: &Arc<Stage>) -> Result<Outcome, BenchError> {
        let keys = KeyShape::new(&stage.prefix, self.key_size, self.keys)?;
        let began = Instant::now();
        let feeds = self.open(stage, &keys).await?;
        let created_seconds = began.elapsed().as_secs_f64();
        let connections = stage.connect(stage.load.connections).await?;
        let crew = Arc::new(Crew::begin(stage, &stage.load)?);
        let acknowledged = Arc::new(RwLock::new(Acknowledgements::default()));
        let (over, puts_over) = signal::channel(None);
        let readers = self.read(feeds, &crew, &acknowledged, &puts_over);
        drop(puts_over);
        let puts = self.puts(stage, keys, &crew, &acknowledged);
        let last = acknowledged::last_of_keys(&acknowledged);
        let mut clients = puts.start(&stage.load, &connections);
        crew.until_all_end(&mut clients).await;
        let _ = over.send(Some(Arc::new(last())));
        let seen = join(readers).await;
        let mut outcome = crew.finish().await;
        let figures = self.figures(&acknowledged, &seen, created_seconds, &outcome);
        outcome.details = Some(Details::Watch(figures));
        Ok(outcome)
    }
}

impl WatchLoad {
    fn puts(
        &self,
        stage: &Stage,
        keys: KeyShape,
        crew: &Arc<Crew>,
        acknowledged: &Arc<RwLock<Acknowledgements>>,
    ) -> Puts {
        let noted = Arc::clone(acknowledged);
        Puts {
            crew: Arc::clone(crew),
            keys,
            space: self.keys,
            values: Values::new(self.value_size, stage.load.seed),
            heard: Arc::new(move |put: Acknowledged| acknowledged::lock(&noted).note(put)),
        }
    }

    /// Opens all streams with all their watches, and waits until etcd has made these.
    async fn open(&self, stage: &Stage, keys: &KeyShape) -> Result<Vec<Opened>, BenchError> {
        let cluster = Arc::new(ClusterClient::new(stage.client.clone())?);
        let mut connections = Vec::new();
        for number in 0..stage.load.connections.min(self.streams) {
            let lane = Lane::new(&cluster, &stage.endpoints, number as usize);
            lane.at(0)?.status().await?;
            connections.push(Arc::new(Connection {
                lane,
                keys: keys.clone(),
                previous: self.previous,
                within: stage.client.deadline,
            }));
        }
        let mut opening = JoinSet::new();
        for (number, connection) in (0..self.streams).zip(connections.iter().cycle()) {
            let of_stream = (number..self.watchers).step_by(self.streams as usize);
            let watched = of_stream.map(|watcher| Watched::new(u64::from(watcher) % self.keys));
            let connection = Arc::clone(connection);
            opening.spawn(Stream::new(number, connection, watched.collect()).open());
        }
        let mut streams = Vec::new();
        while let Some(stream) = opening.join_next().await {
            let stream = stream.map_err(|error| BenchError::Worker(error.to_string()))?;
            streams.push(stream?);
        }
        Ok(streams)
    }

    fn read(
        &self,
        streams: Vec<Opened>,
        crew: &Arc<Crew>,
        acknowledged: &Arc<RwLock<Acknowledgements>>,
        puts_over: &PutsOver,
    ) -> JoinSet<Seen> {
        let mut readers = JoinSet::new();
        for Opened {
            stream,
            feed,
            early,
        } in streams
        {
            let is_slow = stream.number < self.slow_streams;
            let reader = Reader {
                stream,
                crew: Arc::clone(crew),
                acknowledged: Arc::clone(acknowledged),
                pause: is_slow.then_some(self.slow_pause),
                patience: self.patience,
                waiting: Vec::new(),
                seen: Seen::default(),
            };
            readers.spawn(reader.read(feed, early, puts_over.clone()));
        }
        readers
    }

    fn figures(
        &self,
        acknowledged: &RwLock<Acknowledgements>,
        seen: &Seen,
        created_seconds: f64,
        outcome: &Outcome,
    ) -> WatchFigures {
        let events = outcome.recording.tallies.get(&OperationKind::Event);
        let in_window = events.map_or(0, |tally| tally.in_window);
        let per_second = in_window as f64 / outcome.window_seconds;
        let acknowledged = acknowledged::lock(acknowledged);
        WatchFigures {
            watchers: self.watchers,
            streams: self.streams,
            keys: self.keys,
            created_seconds,
            puts: acknowledged.count(),
            events: seen.events,
            events_per_second: Some(per_second).filter(|rate| rate.is_finite()),
            events_per_message: (seen.messages > 0)
                .then(|| seen.events as f64 / seen.messages as f64),
            lost: seen.lost,
            duplicated: seen.duplicated,
            out_of_order: seen.out_of_order,
            behind: seen.behind,
            reopened_streams: seen.reopened,
            broken_watchers: seen.broken,
            cancelled_watchers: seen.cancelled,
            unacknowledged: seen.unacknowledged,
            without_latency: seen.without_latency,
        }
    }
}

async fn join(mut readers: JoinSet<Seen>) -> Seen {
    let mut all = Seen::default();
    while let Some(seen) = readers.join_next().await {
        all.add(&seen.unwrap_or_default());
    }
    all
}
