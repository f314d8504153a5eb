//! Streams of watches: how one is opened, at first and again after it broke, and when whoever reads it ends.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use etcd_monitor_client::{
    ClusterClient, Endpoint, MemberClient, WatchFeed, WatchNews, WatchQuery,
};
use tokio::sync::watch as signal;
use tokio::time::{Instant, timeout};

use crate::engine::DIAL_AGAIN;
use crate::error::BenchError;

/// Pause before a stream that broke is opened again, and after each attempt: as where nobody listens.
pub(crate) const OPEN_AGAIN: Duration = DIAL_AGAIN;

/// Requests for watches that are sent before their answers are read.
const ASKED_AT_ONCE: usize = 50;

/// A connection that streams lie on. Where its endpoint does not answer, it goes to the next one.
#[derive(Debug)]
pub(crate) struct Lane {
    cluster: Arc<ClusterClient>,
    /// Each connection is made when it is first needed.
    connections: Vec<(Endpoint, OnceLock<MemberClient>)>,
    number: usize,
}

impl Lane {
    /// The connection of this number: connections go to the endpoints in turn.
    pub(crate) fn new(cluster: &Arc<ClusterClient>, endpoints: &[Endpoint], number: usize) -> Self {
        let endpoints = endpoints.iter().cloned();
        Self {
            cluster: Arc::clone(cluster),
            connections: endpoints.map(|to| (to, OnceLock::new())).collect(),
            number,
        }
    }

    /// The connection to its own endpoint at turn 0, and to the one after that at each turn that follows.
    pub(crate) fn at(&self, turn: usize) -> Result<&MemberClient, BenchError> {
        let place = self.number.wrapping_add(turn);
        let place = place.checked_rem(self.connections.len()).unwrap_or(0);
        let (endpoint, connection) = self
            .connections
            .get(place)
            .ok_or_else(|| BenchError::Worker("has no endpoint to watch at".to_owned()))?;
        Ok(connection.get_or_init(|| self.cluster.connection(endpoint)))
    }
}

/// A watch that a stream is to have.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) id: i64,
    pub(crate) key: Vec<u8>,
    /// Empty for the key alone.
    pub(crate) end: Vec<u8>,
    pub(crate) start_revision: i64,
    pub(crate) previous: bool,
}

impl Wanted {
    fn query(&self) -> WatchQuery<'_> {
        WatchQuery {
            key: &self.key,
            end: &self.end,
            start_revision: self.start_revision,
            id: self.id,
            previous: self.previous,
        }
    }
}

/// The revision from which on a watch is to see all, if it was made at one revision and its last event was of another (0: there
/// was none). It is 0, from now on, for a watch that was not made yet.
pub(crate) fn start_revision(created: i64, last: i64) -> i64 {
    match created.max(last) {
        0 => 0,
        known => known.saturating_add(1),
    }
}

/// Opens a stream with these watches, and waits until the member has answered for each. `hear` gets all that comes meanwhile: a
/// watch that begins in the past has events before the next one is made.
///
/// Fails where the member does not answer, or says nothing for so long as `within` while answers are due.
pub(crate) async fn open(
    connection: &MemberClient,
    mut wanted: impl Iterator<Item = Wanted> + Send,
    within: Duration,
    mut hear: impl FnMut(WatchNews) + Send,
) -> Result<WatchFeed, BenchError> {
    let first = wanted
        .next()
        .ok_or_else(|| BenchError::Worker("has a stream without a watch".to_owned()))?;
    let mut opening = Opening {
        feed: connection.watch_feed(&first.query()).await?,
        asked: VecDeque::from([first.id]),
        within,
    };
    for watch in wanted {
        if opening.asked.len() >= ASKED_AT_ONCE {
            hear(opening.next().await?);
        }
        opening.ask(&watch).await?;
    }
    while !opening.asked.is_empty() {
        hear(opening.next().await?);
    }
    Ok(opening.feed)
}

/// A stream some of whose watches are asked for.
struct Opening {
    feed: WatchFeed,
    /// Ids of those that are not answered yet, in the order in which they were asked for.
    asked: VecDeque<i64>,
    within: Duration,
}

impl Opening {
    async fn ask(&mut self, watch: &Wanted) -> Result<(), BenchError> {
        let query = watch.query();
        let asked = timeout(self.within, self.feed.add(&query)).await;
        asked.map_err(|_| self.silence())??;
        self.asked.push_back(watch.id);
        Ok(())
    }

    async fn next(&mut self) -> Result<WatchNews, BenchError> {
        let news = timeout(self.within, self.feed.next()).await;
        let news = news.map_err(|_| self.silence())??;
        Ok(answered(&mut self.asked, news))
    }

    fn silence(&self) -> BenchError {
        let within = self.within.as_secs_f64();
        BenchError::Worker(format!("heard nothing of its watches within {within} s"))
    }
}

/// Notes which watch was answered for. etcd answers in the order in which it was asked, and gives a watch that it refuses no id.
fn answered(asked: &mut VecDeque<i64>, news: WatchNews) -> WatchNews {
    match news {
        WatchNews::Cancelled {
            id,
            compact_revision,
            reason,
        } if id <= 0 => WatchNews::Cancelled {
            id: asked.pop_front().unwrap_or(id),
            compact_revision,
            reason,
        },
        WatchNews::Created { id, .. } | WatchNews::Cancelled { id, .. } => {
            asked.retain(|asked| *asked != id);
            news
        }
        _ => news,
    }
}

/// What a reader heard of the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The load is over: what there was to see is told.
    Told,
    /// The time to see it is over too.
    Over,
}

/// When a reader ends: some time after the load that it watches.
#[derive(Debug)]
pub(crate) struct Ending<T> {
    over: signal::Receiver<Option<T>>,
    patience: Duration,
    told: Option<T>,
    deadline: Instant,
}

impl<T: Clone> Ending<T> {
    /// `over` tells what there was to see, when the load is over; `patience` is how long seeing it may take from then on.
    pub(crate) fn new(over: signal::Receiver<Option<T>>, patience: Duration) -> Self {
        Self {
            over,
            patience,
            told: None,
            deadline: Instant::now(),
        }
    }

    /// What there was to see; `None` while the load goes on.
    pub(crate) fn told(&self) -> Option<&T> {
        self.told.as_ref()
    }

    /// Gives the reader its time anew, since something came.
    pub(crate) fn goes_on(&mut self) {
        self.deadline = Instant::now() + self.patience;
    }

    /// Waits for what is next. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Step {
        if self.told.is_some() {
            tokio::time::sleep_until(self.deadline).await;
            return Step::Over;
        }
        // Who drops the sender wants nothing to be seen.
        if self.over.changed().await.is_err() {
            return Step::Over;
        }
        self.told.clone_from(&self.over.borrow_and_update());
        self.goes_on();
        Step::Told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cancelled(id: i64) -> WatchNews {
        WatchNews::Cancelled {
            id,
            compact_revision: None,
            reason: "permission denied".to_owned(),
        }
    }

    #[test]
    fn a_watch_goes_on_behind_what_it_has_seen() {
        assert_eq!(start_revision(0, 0), 0);
        assert_eq!(start_revision(7, 0), 8);
        assert_eq!(start_revision(7, 12), 13);
    }

    #[test]
    fn a_watch_that_is_refused_without_an_id_is_the_one_that_was_asked_for_first() {
        let mut asked = VecDeque::from([1, 2, 3, 4]);
        let created = WatchNews::Created { id: 1, revision: 9 };
        assert_eq!(answered(&mut asked, created.clone()), created);
        assert_eq!(answered(&mut asked, cancelled(-1)), cancelled(2));
        assert_eq!(asked, [3, 4]);
        // One that is there already was compacted: nothing that is asked for is answered by it.
        assert_eq!(answered(&mut asked, cancelled(1)), cancelled(1));
        assert_eq!(asked, [3, 4]);
        assert_eq!(answered(&mut asked, cancelled(4)), cancelled(4));
        assert_eq!(asked, [3]);
    }

    #[tokio::test]
    async fn a_reader_has_its_time_after_the_load() {
        let (over, is_over) = signal::channel(None);
        let mut ending = Ending::new(is_over, Duration::from_millis(20));
        assert_eq!(ending.told(), None);
        over.send(Some(3)).unwrap();
        assert_eq!(ending.next().await, Step::Told);
        assert_eq!(ending.told(), Some(&3));
        let began = Instant::now();
        assert_eq!(ending.next().await, Step::Over);
        assert!(began.elapsed().as_millis() >= 15);
    }

    #[tokio::test]
    async fn a_reader_ends_where_nobody_tells_the_end() {
        let (over, is_over) = signal::channel::<Option<u64>>(None);
        let mut ending = Ending::new(is_over, Duration::from_secs(5));
        drop(over);
        assert_eq!(ending.next().await, Step::Over);
    }
}
