//! Live events as the bytes of their stream (SSE), made once for all who follow.
//!
//! A thousand clients hear of each cycle: they share the bytes, so that a cycle is written as JSON once, and not held
//! a thousand times.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use etcd_monitor_alerting::AlertsView;
use etcd_monitor_model::{ClusterName, Snapshot};
use serde::Serialize;

use crate::documents::SnapshotDocument;
use crate::documents::alerts::{LiveAlerts, OfClusters};
use crate::documents::event_id::EventId;
use crate::documents::fleet::{ClusterLine, Clusters, cluster_lines};
use crate::source::Source;

/// How long bytes that carry an age may be told: all clients hear of a cycle within this time.
const FRESH: Duration = Duration::from_millis(250);

/// One event as it is sent.
pub(crate) type Frame = Bytes;

/// The newest frames, and what clients missed.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    snapshots: Mutex<BTreeMap<ClusterName, SnapshotFrame>>,
    fleet: Mutex<Option<FleetFrame>>,
    alerts: Mutex<Option<(Arc<AlertsView>, Frame)>>,
    skipped: AtomicU64,
}

#[derive(Debug)]
struct SnapshotFrame {
    of: Arc<Snapshot>,
    made_at: Instant,
    frame: Frame,
}

/// The lines of all clusters.
#[derive(Debug, Clone)]
pub(crate) struct FleetFrame {
    made_at: Instant,
    lines: Arc<Vec<ClusterLine>>,
    /// Changes whenever the lines say something new.
    pub(crate) version: u64,
    pub(crate) frame: Frame,
}

impl Frames {
    /// The `snapshot` event of a snapshot.
    pub(crate) fn snapshot(&self, snapshot: &Arc<Snapshot>) -> Frame {
        let mut known = locked(&self.snapshots);
        let fresh = known
            .get(&snapshot.cluster)
            .filter(|known| Arc::ptr_eq(&known.of, snapshot) && known.made_at.elapsed() < FRESH);
        if let Some(fresh) = fresh {
            return fresh.frame.clone();
        }
        let frame = frame("snapshot", None, &SnapshotDocument::of(snapshot));
        let made = SnapshotFrame {
            of: Arc::clone(snapshot),
            made_at: Instant::now(),
            frame: frame.clone(),
        };
        known.insert(snapshot.cluster.clone(), made);
        frame
    }

    /// The `clusters` event.
    pub(crate) fn fleet(&self, source: &Source) -> FleetFrame {
        let mut known = locked(&self.fleet);
        if let Some(fresh) = known.as_ref().filter(|it| it.made_at.elapsed() < FRESH) {
            return fresh.clone();
        }
        let clusters = cluster_lines(source);
        let lines: Arc<Vec<_>> = Arc::new(clusters.iter().map(ClusterLine::ageless).collect());
        let before = known.as_ref();
        let same = before.is_some_and(|before| before.lines == lines);
        let version = before.map_or(0, |before| before.version) + u64::from(!same);
        let made = FleetFrame {
            made_at: Instant::now(),
            lines,
            version,
            frame: frame("clusters", None, &Clusters { clusters }),
        };
        *known = Some(made.clone());
        made
    }

    /// The `alerts` event of a view, with the alerts of these clusters.
    pub(crate) fn alerts(&self, view: &Arc<AlertsView>, clusters: &[String]) -> Frame {
        let make = || {
            let document = LiveAlerts::of(view, OfClusters(clusters));
            frame("alerts", Some(EventId::newest(view)), &document)
        };
        if !clusters.is_empty() {
            return make();
        }
        let mut known = locked(&self.alerts);
        match known.as_ref() {
            Some((of, frame)) if Arc::ptr_eq(of, view) => frame.clone(),
            _ => {
                let frame = make();
                *known = Some((Arc::clone(view), frame.clone()));
                frame
            }
        }
    }

    /// Drops what was made of clusters that may no longer be watched.
    pub(crate) fn forget(&self) {
        locked(&self.snapshots).clear();
    }

    /// A client was too slow for this many cycles.
    pub(crate) fn skip(&self, cycles: u64) {
        self.skipped.fetch_add(cycles, Ordering::Relaxed);
    }

    /// Cycles that clients were too slow for, since the start.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }
}

/// What is inside is replaced as a whole, so that a panic of another holder does no harm.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One event. JSON has no line breaks outside of texts, and in texts they are escaped: one `data` line holds it.
pub(crate) fn frame(kind: &str, id: Option<EventId>, document: &impl Serialize) -> Frame {
    let data = match serde_json::to_string(document) {
        Ok(data) => data,
        Err(error) => {
            tracing::error!(%error, kind, "A live event could not be written as JSON");
            return comment("a live event could not be written");
        }
    };
    let mut text = String::with_capacity(data.len() + 64);
    // Writing to a text does not fail.
    let _ = writeln!(text, "event: {kind}");
    if let Some(id) = id {
        let _ = writeln!(text, "id: {id}");
    }
    let _ = write!(text, "data: {data}\n\n");
    text.into()
}

/// What readers pass over.
pub(crate) fn comment(text: &str) -> Frame {
    format!(": {text}\n\n").into()
}

/// How long clients wait before they open the stream again.
pub(crate) fn retry(after: Duration) -> Frame {
    format!("retry: {}\n\n", after.as_millis()).into()
}
