//! One stream of watches: opened before the load begins, and again after it broke.

use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_client::{WatchFeed, WatchNews};

use crate::error::BenchError;
use crate::keys::KeyShape;
use crate::watch_stream::{self, Lane, Wanted};

/// One watch.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    /// Number of its key.
    pub(super) key: u64,
    /// Revision of the member when it was first made: it has to see all that comes after.
    created: i64,
    /// Revision of the last event.
    pub(super) last: i64,
    /// Events of acknowledged puts.
    pub(super) matched: u64,
    /// Events whose put was not looked for, since too many waited for theirs.
    pub(super) unchecked: u64,
    /// False where the member ended it, or where it is without a stream for good.
    pub(super) is_there: bool,
}

impl Watched {
    pub(super) fn new(key: u64) -> Self {
        Self {
            key,
            created: 0,
            last: 0,
            matched: 0,
            unchecked: 0,
            is_there: true,
        }
    }
}

/// What the streams of one connection have in common.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) lane: Lane,
    pub(super) keys: KeyShape,
    pub(super) previous: bool,
    /// How long a member may say nothing while it opens a stream.
    pub(super) within: Duration,
}

/// One stream and its watches.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) number: u32,
    pub(super) watched: Vec<Watched>,
    connection: Arc<Connection>,
    /// By which the lane tells its endpoint.
    turn: usize,
}

/// A stream that is there for the first time.
pub(super) struct Opened {
    pub(super) stream: Stream,
    pub(super) feed: WatchFeed,
    /// What came while its watches were made.
    pub(super) early: Vec<WatchNews>,
}

impl Stream {
    pub(super) fn new(number: u32, connection: Arc<Connection>, watched: Vec<Watched>) -> Self {
        Self {
            number,
            watched,
            connection,
            turn: 0,
        }
    }

    /// Opens it for the first time.
    pub(super) async fn open(mut self) -> Result<Opened, BenchError> {
        let mut early = Vec::new();
        let asking = self.asking();
        let feed = asking.open(|news| match news {
            WatchNews::Created { id, revision } => self.was_made(id, revision),
            other => early.push(other),
        });
        let feed = feed.await?;
        Ok(Opened {
            stream: self,
            feed,
            early,
        })
    }

    /// The watches that it is to have, each from behind what it has seen.
    pub(super) fn asking(&self) -> Asking {
        let all = (1..).zip(&self.watched);
        let there = all.filter(|(_, watched)| watched.is_there);
        let watches = there.map(|(id, watched)| {
            let start = watch_stream::start_revision(watched.created, watched.last);
            (id, watched.key, start)
        });
        Asking {
            connection: Arc::clone(&self.connection),
            turn: self.turn,
            watches: watches.collect(),
        }
    }

    /// It could not be opened: the next endpoint is asked next.
    pub(super) fn goes_elsewhere(&mut self) {
        self.turn = self.turn.wrapping_add(1);
    }

    /// Notes from when on a watch has to see all. One that is made again owes what it owed before.
    pub(super) fn was_made(&mut self, id: i64, revision: i64) {
        let watched = place(id).and_then(|place| self.watched.get_mut(place));
        if let Some(watched) = watched.filter(|watched| watched.created == 0) {
            watched.created = revision;
        }
    }
}

/// What a stream is opened with.
pub(super) struct Asking {
    connection: Arc<Connection>,
    turn: usize,
    /// Id, number of the key, and revision from which on it is to see all.
    watches: Vec<(i64, u64, i64)>,
}

impl Asking {
    pub(super) async fn open(
        self,
        hear: impl FnMut(WatchNews) + Send,
    ) -> Result<WatchFeed, BenchError> {
        let of = &*self.connection;
        let wanted = self.watches.into_iter();
        let wanted = wanted.map(|(id, number, start_revision)| {
            let mut key = Vec::new();
            of.keys.write(number, &mut key);
            Wanted {
                id,
                key,
                end: Vec::new(),
                start_revision,
                previous: of.previous,
            }
        });
        watch_stream::open(of.lane.at(self.turn)?, wanted, of.within, hear).await
    }
}

/// Watches are numbered from 1.
pub(super) fn place(id: i64) -> Option<usize> {
    usize::try_from(id).ok()?.checked_sub(1)
}
