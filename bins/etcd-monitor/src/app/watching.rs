//! The monitors of all clusters, and how their set changes while they run.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use etcd_monitor_alerting::AlertsHandle;
use etcd_monitor_core::{
    AssessState, BlackBox, CycleSlots, Endpoint, EtcdProbe, Fleet, FleetHandle, Monitor,
    MonitorOptions, MonitorPart, SnapshotReceiver, StateFile, StateFileError, offset_within,
};
use etcd_monitor_history::History;
use etcd_monitor_model::ClusterName;
use futures_util::future::join_all;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::history;
use super::tasks::Tasks;
use crate::config::{ClusterConfig, ConfigError};
use crate::data_dir::DataDir;

/// Cycles that work at the same time: with few of them, none is late because of the others on one thread.
const CYCLES_AT_ONCE: usize = 8;

/// What the monitors share.
pub(super) struct Shared {
    pub(super) data_dir: DataDir,
    /// Its writer ends when this is dropped and every monitor has ended.
    pub(super) black_box: Option<BlackBox>,
    /// Takes the samples of every cycle.
    pub(super) history: Arc<History>,
    /// Alerting, once it runs: it needs the snapshots that the fleet gives, and the fleet says when it fails.
    pub(super) alerts: Arc<OnceLock<AlertsHandle>>,
    /// Ends every monitor.
    pub(super) stop: CancellationToken,
}

/// The monitors that run, and the fleet over them.
pub(super) struct Watching {
    running: Vec<Running>,
    fleet: FleetHandle,
    slots: CycleSlots,
}

struct Running {
    config: ClusterConfig,
    interval: Duration,
    assessed: SnapshotReceiver,
    stop: CancellationToken,
    ended: oneshot::Receiver<AssessState>,
}

/// A cluster that is to be watched, checked as far as it can fail.
enum Planned {
    /// Goes on as it is.
    Kept(ClusterName),
    /// Begins; without a state it takes over that of the monitor that runs under its name.
    Started(Box<(ClusterConfig, EtcdProbe, Option<AssessState>)>),
}

impl Watching {
    /// Nothing is watched yet; the fleet runs.
    pub(super) fn new(tasks: &mut Tasks, shared: &Shared) -> Self {
        let history = Arc::clone(&shared.history);
        let (store, delivery) = (Arc::clone(&shared.alerts), Arc::clone(&shared.alerts));
        let fleet = Fleet::new([])
            .with_part(MonitorPart::History, move || history::failure(&history))
            .with_part(MonitorPart::AlertStore, move || {
                store.get()?.store_failure()
            })
            .with_part(MonitorPart::Notifications, move || {
                delivery.get()?.delivery_failure()
            });
        let handle = fleet.handle();
        tasks.spawn("fleet", fleet.run(shared.stop.clone()));
        Self {
            running: Vec::new(),
            fleet: handle,
            slots: CycleSlots::new(CYCLES_AT_ONCE),
        }
    }

    /// Watches these clusters from now on. One that does not change is not touched; one that does goes on with what it
    /// remembers. Where it fails, nothing has changed.
    pub(super) async fn set(
        &mut self,
        clusters: &[ClusterConfig],
        interval: Duration,
        shared: &Shared,
        tasks: &mut Tasks,
    ) -> anyhow::Result<()> {
        let planned = self.plan(clusters, interval, &shared.data_dir).await?;
        let mut states = self.stop_all_but(&planned).await;
        let mut before = std::mem::take(&mut self.running);
        for plan in planned {
            let next = match plan {
                Planned::Kept(name) => take(&mut before, &name),
                Planned::Started(start) => {
                    let (config, probe, state) = *start;
                    let state = state.or_else(|| states.remove(&config.name));
                    let monitor = self.monitor(&config, probe, interval, shared);
                    let monitor = monitor.with_state(state.unwrap_or_default());
                    Some(run(monitor, config, interval, shared, tasks))
                }
            };
            self.running.extend(next);
        }
        let assessed = self.running.iter();
        let assessed = assessed.map(|one| (one.config.name.clone(), one.assessed.clone()));
        self.fleet.set(assessed);
        Ok(())
    }

    /// Follows each cluster's snapshots, in the order of the configuration.
    pub(super) fn subscribe(&self) -> Vec<(ClusterName, SnapshotReceiver)> {
        self.fleet.subscribe()
    }

    async fn plan(
        &self,
        clusters: &[ClusterConfig],
        interval: Duration,
        data_dir: &DataDir,
    ) -> anyhow::Result<Vec<Planned>> {
        let mut planned = Vec::with_capacity(clusters.len());
        for config in clusters {
            let mut running = self.running.iter();
            let known = running.find(|running| running.config.name == config.name);
            let same = |known: &Running| known.config == *config && known.interval == interval;
            if known.is_some_and(same) {
                planned.push(Planned::Kept(config.name.clone()));
                continue;
            }
            let probe = probe(config, interval)?;
            let state = match known {
                Some(_) => None,
                None => Some(remembered(&data_dir.state_file(&config.name)).await?),
            };
            planned.push(Planned::Started(Box::new((config.clone(), probe, state))));
        }
        Ok(planned)
    }

    /// Ends the monitors that are not kept, all at once, and returns what they remember.
    async fn stop_all_but(&mut self, planned: &[Planned]) -> BTreeMap<ClusterName, AssessState> {
        let is_kept = |running: &Running| {
            let mut planned = planned.iter();
            planned.any(|plan| matches!(plan, Planned::Kept(name) if *name == running.config.name))
        };
        let (kept, ended): (Vec<_>, Vec<_>) = self.running.drain(..).partition(is_kept);
        self.running = kept;
        let ends = ended.into_iter().map(|running| async move {
            running.stop.cancel();
            // One that panicked ends the process, as every task that does.
            (running.config.name, running.ended.await.unwrap_or_default())
        });
        join_all(ends).await.into_iter().collect()
    }

    fn monitor(
        &self,
        config: &ClusterConfig,
        probe: EtcdProbe,
        interval: Duration,
        shared: &Shared,
    ) -> Monitor<EtcdProbe> {
        let mut options = MonitorOptions::default();
        options.interval = interval;
        options.offset = offset_within(interval, &config.name);
        options.slots = Some(self.slots.clone());
        options.parameters = config.parameters.clone();
        options.state_file = Some(shared.data_dir.state_file(&config.name));
        let black_box = shared.black_box.as_ref();
        options.recorder = black_box
            .map(|black_box| black_box.recorder(config.name.clone(), config.parameters.clone()));
        Monitor::new(probe, options)
    }
}

fn take(running: &mut Vec<Running>, name: &ClusterName) -> Option<Running> {
    let index = running
        .iter()
        .position(|running| running.config.name == *name)?;
    Some(running.remove(index))
}

fn run(
    monitor: Monitor<EtcdProbe>,
    config: ClusterConfig,
    interval: Duration,
    shared: &Shared,
    tasks: &mut Tasks,
) -> Running {
    let endpoints: Vec<&str> = config.endpoints.iter().map(Endpoint::as_str).collect();
    let endpoints = endpoints.join(", ");
    tracing::info!("Watching cluster {} at {endpoints}", config.name);
    let assessed = monitor.subscribe();
    let stop = shared.stop.child_token();
    let (told, ended) = oneshot::channel();
    tasks.spawn_until(
        "history",
        stop.clone(),
        history::record(assessed.clone(), Arc::clone(&shared.history) as _),
    );
    let running = monitor.run(stop.clone());
    tasks.spawn_until("monitor", stop.clone(), async {
        // Nobody asks at the end of the process.
        let _ = told.send(running.await);
    });
    Running {
        config,
        interval,
        assessed,
        stop,
        ended,
    }
}

fn probe(cluster: &ClusterConfig, interval: Duration) -> Result<EtcdProbe, ConfigError> {
    let mut options = cluster.probe_options(interval);
    options.canary.clone_from(&cluster.canary);
    EtcdProbe::new(options)
        .map_err(|error| ConfigError::new(format!("cluster {:?}: {error}", cluster.name.as_str())))
}

/// What an earlier run remembered. A corrupt file costs the memory, not the start; a newer one is refused.
async fn remembered(file: &StateFile) -> anyhow::Result<AssessState> {
    match file.load().await {
        Ok(state) => Ok(state.unwrap_or_default()),
        Err(error @ StateFileError::Corrupt { .. }) => {
            tracing::warn!("{error}");
            Ok(AssessState::default())
        }
        Err(error) => Err(error.into()),
    }
}
