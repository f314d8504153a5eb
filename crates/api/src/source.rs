//! Where the answers come from.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use etcd_monitor_alerting::{AlertsHandle, MuteFile};
use etcd_monitor_core::{Recordings, SnapshotReceiver};
use etcd_monitor_model::{ClusterName, HistoryStore, Snapshot, Stat, StatSource};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::admission::Admission;
use crate::benchmarks::Benchmarks;
use crate::control::Control;
use crate::frames::Frames;
use crate::mute_desk::MuteDesk;
use crate::problem::Problem;
use crate::requests::Requests;
use crate::trials::Trials;

/// Clients that may follow the live events at the same time; each costs a connection and a task.
const EVENT_CLIENTS_MAX: usize = 1_000;

/// Of those, clients of one address (IPv6: of one /64): nobody takes the places of all others. Half of the connections
/// that one address may have, so that the other half can ask.
const EVENT_CLIENTS_PER_ADDRESS_MAX: usize = 128;

/// What was built, for `/metrics` and the page.
#[derive(Debug, Clone, Default)]
pub struct BuildInfo {
    /// Version of the package.
    pub version: String,
    /// Commit it was built from; `unknown` outside a checkout.
    pub commit: String,
}

/// The parts of the daemon that questions are answered from. Cheap to clone.
#[derive(Clone)]
pub struct Source {
    watched: Arc<RwLock<Arc<Watched>>>,
    alerts: AlertsHandle,
    recordings: Option<Recordings>,
    history: Option<Arc<dyn HistoryStore>>,
    stat_sources: Vec<Arc<dyn StatSource>>,
    build: Arc<BuildInfo>,
    requests: Requests,
    started_at: Timestamp,
    event_clients: Arc<Admission>,
    frames: Arc<Frames>,
    mutes: Option<MuteDesk>,
    control: Option<Arc<dyn Control>>,
    benchmarks: Option<Benchmarks>,
    trials: Trials,
    stop: CancellationToken,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("watched", &self.watched)
            .field("build", &self.build)
            .finish_non_exhaustive()
    }
}

/// Which clusters are watched.
#[derive(Debug)]
pub(crate) struct Watched {
    /// In the order of the configuration.
    pub(crate) clusters: Vec<(ClusterName, SnapshotReceiver)>,
    /// The planned time between two cycles.
    pub(crate) interval: Duration,
    /// Since when it is these.
    pub(crate) since: Timestamp,
}

impl Watched {
    fn now(clusters: Vec<(ClusterName, SnapshotReceiver)>, interval: Duration) -> Arc<Self> {
        Arc::new(Self {
            clusters,
            interval,
            since: Timestamp::now(),
        })
    }

    fn names(&self) -> Vec<&str> {
        self.clusters
            .iter()
            .map(|(name, _)| name.as_str())
            .collect()
    }
}

impl Source {
    /// Answers from these snapshots and alerts. `interval` is the planned time between two cycles; live events end when
    /// `stop` is cancelled.
    pub fn new(
        clusters: Vec<(ClusterName, SnapshotReceiver)>,
        alerts: AlertsHandle,
        build: BuildInfo,
        interval: Duration,
        stop: CancellationToken,
    ) -> Self {
        Self {
            watched: Arc::new(RwLock::new(Watched::now(clusters, interval))),
            alerts,
            recordings: None,
            history: None,
            stat_sources: Vec::new(),
            build: Arc::new(build),
            requests: Requests::default(),
            started_at: Timestamp::now(),
            event_clients: Admission::new(EVENT_CLIENTS_MAX, EVENT_CLIENTS_PER_ADDRESS_MAX),
            frames: Arc::default(),
            mutes: None,
            control: None,
            benchmarks: None,
            trials: Trials::default(),
            stop,
        }
    }

    /// The same, with what a black box holds.
    #[must_use]
    pub fn with_recordings(mut self, recordings: Recordings) -> Self {
        self.recordings = Some(recordings);
        self
    }

    /// The same, with the file of what people mute: silences and acknowledgements can be read and changed.
    #[must_use]
    pub fn with_mutes(mut self, file: MuteFile) -> Self {
        self.mutes = Some(MuteDesk::new(file, self.alerts.clone()));
        self
    }

    /// The same, with the daemon that it is a part of.
    #[must_use]
    pub fn with_control(mut self, control: Arc<dyn Control>) -> Self {
        self.control = Some(control);
        self
    }

    /// The same, with benchmarks of the clusters.
    #[must_use]
    pub fn with_benchmarks(mut self, benchmarks: Benchmarks) -> Self {
        self.benchmarks = Some(benchmarks);
        self
    }

    /// The same, with a store of samples.
    #[must_use]
    pub fn with_history(mut self, history: Arc<dyn HistoryStore>) -> Self {
        self.history = Some(history);
        self
    }

    /// The same, with one more part that tells numbers about itself on `/metrics`.
    #[must_use]
    pub fn with_stats(mut self, stats: Arc<dyn StatSource>) -> Self {
        self.stat_sources.push(stats);
        self
    }

    pub(crate) fn history(&self) -> Option<&Arc<dyn HistoryStore>> {
        self.history.as_ref()
    }

    /// The numbers that the parts tell about themselves.
    pub(crate) fn stats(&self) -> Vec<Stat> {
        let parts = self.stat_sources.iter().flat_map(|stats| stats.stats());
        let live = [
            Stat::gauge(
                "etcd_monitor_event_clients",
                "Clients that follow the live events",
                self.event_clients.open() as f64,
            ),
            Stat::counter(
                "etcd_monitor_event_skipped_cycles_total",
                "Cycles that clients of the live events were too slow for, since the monitor started",
                self.frames.skipped(),
            ),
        ];
        let refused = self.event_clients.refused().map(|(why, count)| {
            let name = "etcd_monitor_event_refused_clients_total";
            let help = "Clients that could not follow the live events, since there were as many as there may be: in all, or of one address";
            Stat::counter(name, help, count).label("limit", why.as_str())
        });
        parts.chain(live).chain(refused).collect()
    }

    pub(crate) fn recordings(&self) -> Option<&Recordings> {
        self.recordings.as_ref()
    }

    /// Answers from these snapshots from now on, this one and all its clones.
    pub fn watch(&self, clusters: Vec<(ClusterName, SnapshotReceiver)>, interval: Duration) {
        let next = Watched::now(clusters, interval);
        *self.watched.write().unwrap_or_else(PoisonError::into_inner) = next;
        self.frames.forget();
    }

    /// Which clusters are watched now.
    pub(crate) fn watched(&self) -> Arc<Watched> {
        // Replaced as a whole, so that a panic of another holder does no harm.
        Arc::clone(&self.watched.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Names of the watched clusters, in the order of the configuration.
    pub(crate) fn cluster_names(&self) -> Vec<String> {
        let watched = self.watched();
        watched.names().into_iter().map(str::to_owned).collect()
    }

    pub(crate) fn alerts(&self) -> &AlertsHandle {
        &self.alerts
    }

    pub(crate) fn build(&self) -> &BuildInfo {
        &self.build
    }

    /// The requests that were answered.
    pub(crate) fn requests(&self) -> &Requests {
        &self.requests
    }

    pub(crate) fn started_at(&self) -> Timestamp {
        self.started_at
    }

    pub(crate) fn event_clients(&self) -> &Arc<Admission> {
        &self.event_clients
    }

    pub(crate) fn frames(&self) -> &Frames {
        &self.frames
    }

    pub(crate) fn control(&self) -> Result<&Arc<dyn Control>, Problem> {
        self.control.as_ref().ok_or_else(Problem::no_control)
    }

    pub(crate) fn benchmarks(&self) -> Option<&Benchmarks> {
        self.benchmarks.as_ref()
    }

    pub(crate) fn trials(&self) -> &Trials {
        &self.trials
    }

    pub(crate) fn mutes(&self) -> Result<&MuteDesk, Problem> {
        self.mutes.as_ref().ok_or_else(Problem::no_mutes)
    }

    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// The latest snapshot of every cluster that has one.
    pub(crate) fn snapshots(&self) -> Vec<Arc<Snapshot>> {
        self.watched()
            .clusters
            .iter()
            .filter_map(|(_, snapshots)| snapshots.borrow().clone())
            .collect()
    }

    /// The cluster that a request means: the named one, or the only one.
    pub(crate) fn select(
        &self,
        wanted: Option<&str>,
    ) -> Result<(ClusterName, SnapshotReceiver), Problem> {
        let watched = self.watched();
        match (wanted, watched.clusters.as_slice()) {
            (None, [only]) => Ok(only.clone()),
            (None, _) => Err(Problem::cluster_required(&watched.names())),
            (Some(wanted), all) => all
                .iter()
                .find(|(name, _)| name.as_str() == wanted)
                .cloned()
                .ok_or_else(|| Problem::cluster_unknown(wanted, &watched.names())),
        }
    }

    /// The latest snapshot of the cluster that a request means.
    pub(crate) fn snapshot(&self, wanted: Option<&str>) -> Result<Arc<Snapshot>, Problem> {
        let (name, snapshots) = self.select(wanted)?;
        let latest = snapshots.borrow().clone();
        latest.ok_or_else(|| Problem::not_ready(&name))
    }
}

/// Seconds from `at` to now; 0 where the clock went back.
pub(crate) fn age_seconds(at: Timestamp) -> f64 {
    Timestamp::now().duration_since(at).as_secs_f64().max(0.0)
}
