//! One client of the live events.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_alerting::AlertsView;
use etcd_monitor_core::SnapshotReceiver;
use etcd_monitor_model::{ClusterName, Snapshot};
use futures_util::stream::{BoxStream, SelectAll, Stream, once, unfold};
use futures_util::{FutureExt, StreamExt};
use serde::Serialize;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};
use tokio_stream::wrappers::WatchStream;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::wanted::Wanted;
use crate::admission::Seat;
use crate::documents::alerts::{NumberedEvent, OfClusters};
use crate::documents::event_id::{EventId, numbered, position};
use crate::frames::{Frame, comment, frame, retry};
use crate::problem::Problem;
use crate::source::Source;

/// Often enough that proxies keep the connection, seldom enough to cost nothing.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The fleet, and the alerts, are told at most once in this time.
const APART: Duration = Duration::from_secs(1);

/// How long a client is asked to wait before it opens the stream again.
const RETRY: Duration = Duration::from_secs(2);

/// What one client has been told, and where its news come from.
pub(super) struct Follower {
    source: Source,
    /// Tells the alerts of these; of all where it is empty.
    clusters: Vec<String>,
    snapshots: SelectAll<BoxStream<'static, Option<Arc<Snapshot>>>>,
    cycles: BTreeMap<ClusterName, u64>,
    alerts: WatchStream<Arc<AlertsView>>,
    alerts_due: Instant,
    seen: EventId,
    fleet_version: u64,
    fleet_told_at: Instant,
    ticks: Interval,
    keep_alive: Interval,
    queue: VecDeque<Frame>,
    stop: CancellationToken,
    /// Given back when the stream is dropped.
    _seat: Seat,
}

/// The data of a `reset` event: what happened meanwhile is in the alerts that follow and in their history.
#[derive(Serialize, ToSchema)]
pub(crate) struct Reset {
    /// Why the events after the id cannot be told.
    reason: &'static str,
}

/// What happens next.
enum News {
    Snapshot(Arc<Snapshot>),
    Alerts(Arc<AlertsView>),
    Second,
    Quiet,
    /// The daemon stops, or a cluster that is followed is no longer watched.
    End,
}

impl Follower {
    pub(super) fn new(source: Source, wanted: &Wanted, seat: Seat) -> Result<Self, Problem> {
        let receivers = receivers(&source, &wanted.clusters)?;
        let alerts = source.alerts().subscribe();
        let view = Arc::clone(&alerts.borrow());
        let now = Instant::now();
        let mut follower = Self {
            clusters: wanted.clusters.clone(),
            snapshots: SelectAll::new(),
            cycles: BTreeMap::new(),
            alerts: WatchStream::from_changes(alerts),
            alerts_due: now + APART,
            seen: EventId::newest(&view),
            fleet_version: 0,
            fleet_told_at: now,
            ticks: every(APART),
            keep_alive: every(KEEP_ALIVE),
            queue: VecDeque::new(),
            stop: source.stop().clone(),
            source,
            _seat: seat,
        };
        for snapshots in receivers {
            follower.follow(snapshots);
        }
        follower.tell_fleet();
        follower.resume(&view, wanted.after.as_deref());
        follower.tell_alerts(&view);
        follower.queue.push_back(retry(RETRY));
        Ok(follower)
    }

    /// Everything that the client is told, until it leaves or there is no more.
    pub(super) fn frames(self) -> impl Stream<Item = Result<Frame, Infallible>> {
        unfold(self, |mut follower| async move {
            let frame = follower.next().await?;
            Some((Ok(frame), follower))
        })
    }

    async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.queue.pop_front() {
                return Some(frame);
            }
            match self.news().await {
                News::Snapshot(snapshot) => self.tell_snapshot(&snapshot),
                News::Alerts(view) => self.tell_news(&view),
                News::Second => self.tell_fleet(),
                News::Quiet => self.queue.push_back(comment("keep-alive")),
                News::End => return None,
            }
        }
    }

    async fn news(&mut self) -> News {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => News::End,
            snapshot = self.snapshots.next(), if !self.snapshots.is_empty() => {
                snapshot.flatten().map_or(News::End, News::Snapshot)
            }
            view = next_after(self.alerts_due, &mut self.alerts) => News::Alerts(view),
            _ = self.ticks.tick() => News::Second,
            _ = self.keep_alive.tick() => News::Quiet,
        }
    }

    /// Tells the newest snapshot at once, and those that come.
    fn follow(&mut self, mut snapshots: SnapshotReceiver) {
        let newest = snapshots.borrow_and_update().clone();
        if let Some(newest) = newest {
            self.tell_snapshot(&newest);
        }
        // It ends when the cluster is no longer watched.
        let end = once(async { None });
        let news = WatchStream::from_changes(snapshots).filter_map(std::future::ready);
        self.snapshots.push(news.map(Some).chain(end).boxed());
    }

    fn tell_snapshot(&mut self, snapshot: &Arc<Snapshot>) {
        let cycle = snapshot.cycle;
        let before = self.cycles.insert(snapshot.cluster.clone(), cycle);
        let skipped = before.map_or(0, |before| cycle.saturating_sub(before + 1));
        self.source.frames().skip(skipped);
        self.queue
            .push_back(self.source.frames().snapshot(snapshot));
    }

    /// Tells the fleet where it says something new, or has not been told for an interval.
    fn tell_fleet(&mut self) {
        let fleet = self.source.frames().fleet(&self.source);
        let interval = self.source.watched().interval;
        if fleet.version == self.fleet_version && self.fleet_told_at.elapsed() < interval {
            return;
        }
        self.fleet_version = fleet.version;
        self.fleet_told_at = Instant::now();
        self.queue.push_back(fleet.frame);
    }

    /// Tells what happened after the event that the client saw last, or that this is not known.
    fn resume(&mut self, view: &AlertsView, after: Option<&str>) {
        let Some(after) = after else { return };
        let id = after.parse().ok();
        let known = id.and_then(|id| position(view, id));
        self.tell_events(view, known);
    }

    fn tell_news(&mut self, view: &Arc<AlertsView>) {
        let known = position(view, self.seen);
        self.seen = EventId::newest(view);
        self.tell_events(view, known);
        self.tell_alerts(view);
    }

    /// Tells the events from a position on; `reset` where the position is not known.
    fn tell_events(&mut self, view: &AlertsView, position: Option<usize>) {
        let Some(position) = position else {
            let reset = Reset {
                reason: "the id is not known, or too old",
            };
            let frame = frame("reset", Some(self.seen), &reset);
            return self.queue.push_back(frame);
        };
        let clusters = OfClusters(&self.clusters);
        let news = numbered(view).skip(position);
        let news = news.filter(|(_, event)| clusters.has(&event.alert));
        let frames =
            news.map(|(id, event)| frame("alert_event", Some(id), &NumberedEvent { id, event }));
        self.queue.extend(frames);
    }

    fn tell_alerts(&mut self, view: &Arc<AlertsView>) {
        self.alerts_due = Instant::now() + APART;
        let frame = self.source.frames().alerts(view, &self.clusters);
        self.queue.push_back(frame);
    }
}

/// The clusters that are named; the only one, where none is and there is but one.
fn receivers(source: &Source, names: &[String]) -> Result<Vec<SnapshotReceiver>, Problem> {
    let watched = source.watched();
    match (names, watched.clusters.as_slice()) {
        ([], [(_, only)]) => Ok(vec![only.clone()]),
        (names, _) => names
            .iter()
            .map(|name| source.select(Some(name)).map(|(_, snapshots)| snapshots))
            .collect(),
    }
}

/// The next view, not before it is due; never where alerting has ended. Cancel-safe.
async fn next_after(due: Instant, alerts: &mut WatchStream<Arc<AlertsView>>) -> Arc<AlertsView> {
    sleep_until(due).await;
    match alerts.next().await {
        Some(view) => view,
        None => std::future::pending().boxed().await,
    }
}

fn every(period: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
