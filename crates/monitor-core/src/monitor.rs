//! Runs the cycles of one cluster and publishes its latest snapshot.

use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_model::{Observation, Snapshot};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::assess::{AssessState, Parameters, assess};
use crate::black_box::Recorder;
use crate::probe::ClusterProbe;
use crate::schedule::{CycleSlots, Schedule};
use crate::state_file::StateFile;

/// The latest snapshot of a cluster; `None` until its first cycle has ended.
pub type SnapshotReceiver = watch::Receiver<Option<Arc<Snapshot>>>;

/// How a [`Monitor`] runs.
#[derive(Debug)]
#[non_exhaustive]
pub struct MonitorOptions {
    /// Time between the starts of two cycles.
    pub interval: Duration,
    /// The place of the cycles within the interval; the first cycle starts at once nevertheless. Give each of many
    /// clusters another one, see [`offset_within`](crate::offset_within).
    pub offset: Duration,
    /// Bounds how many cycles work at once, together with the other monitors that have a clone of it.
    pub slots: Option<CycleSlots>,
    /// Thresholds of `assess`.
    pub parameters: Parameters,
    /// Where the state of `assess` is kept over restarts; `None` keeps it in memory only.
    pub state_file: Option<StateFile>,
    /// Time between two writes of the state.
    pub flush_interval: Duration,
    /// Records what is seen; `None` records nothing.
    pub recorder: Option<Recorder>,
}

impl Default for MonitorOptions {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            offset: Duration::ZERO,
            slots: None,
            parameters: Parameters::default(),
            state_file: None,
            flush_interval: Duration::from_secs(30),
            recorder: None,
        }
    }
}

/// Watches one cluster: probes it every interval, assesses what it saw, publishes the snapshot.
#[derive(Debug)]
pub struct Monitor<P> {
    probe: P,
    options: MonitorOptions,
    state: AssessState,
    snapshots: watch::Sender<Option<Arc<Snapshot>>>,
}

impl<P: ClusterProbe> Monitor<P> {
    /// A monitor that begins with an empty state. Does nothing until it is run.
    pub fn new(probe: P, options: MonitorOptions) -> Self {
        Self {
            probe,
            options,
            state: AssessState::default(),
            snapshots: watch::Sender::new(None),
        }
    }

    /// The same, beginning with what an earlier run remembered.
    #[must_use]
    pub fn with_state(mut self, state: AssessState) -> Self {
        if let Some(members) = state.members() {
            self.probe.expect_members(members);
        }
        self.state = state;
        self
    }

    /// Follows the latest snapshot.
    pub fn subscribe(&self) -> SnapshotReceiver {
        self.snapshots.subscribe()
    }

    /// Runs cycles until `stop` is cancelled; a cycle under way is abandoned. The state is saved at each flush and at
    /// the end, and is returned, for a monitor that goes on. Not cancel-safe in that a dropped future saves no state;
    /// nothing else is lost.
    pub async fn run(mut self, stop: CancellationToken) -> AssessState {
        let mut schedule = Schedule::new(self.options.interval, self.options.offset);
        let mut saved_at = Instant::now();
        let mut cycle = 0;
        loop {
            let due = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                due = schedule.next() => due,
            };
            cycle += 1;
            let start_lag = due.elapsed();
            let observed = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                observation = self.observe(cycle, start_lag) => observation,
            };
            self.publish(&observed);
            if saved_at.elapsed() >= self.options.flush_interval {
                self.save().await;
                saved_at = Instant::now();
            }
        }
        if let Some(recorder) = &mut self.options.recorder {
            recorder.flush();
        }
        self.save().await;
        self.probe.close().await;
        self.state
    }

    /// Waiting for a slot is planned, and no lag.
    async fn observe(&mut self, cycle: u64, start_lag: Duration) -> Observation {
        let observed = self.probe.observe(cycle, start_lag);
        match &self.options.slots {
            Some(slots) => slots.run(observed).await,
            None => observed.await,
        }
    }

    fn publish(&mut self, observation: &Observation) {
        let snapshot = assess(&mut self.state, observation, &self.options.parameters);
        tracing::debug!(
            cluster = %snapshot.cluster,
            cycle = snapshot.cycle,
            seconds = snapshot.cycle_seconds,
            verdict = %snapshot.health.sentence,
            "Cycle ended"
        );
        self.probe.suspect(&snapshot.consistency);
        if let Some(recorder) = &mut self.options.recorder {
            let pages = self.probe.take_pages();
            let wanted = recorder.record(observation, &pages, &snapshot);
            self.probe.keep_pages(wanted);
        }
        self.snapshots.send_replace(Some(Arc::new(snapshot)));
    }

    async fn save(&self) {
        let Some(file) = &self.options.state_file else {
            return;
        };
        if let Err(error) = file.save(&self.state).await {
            let cause = std::error::Error::source(&error)
                .map(ToString::to_string)
                .unwrap_or_default();
            tracing::warn!(%error, cause, "The state could not be saved; a restart forgets since when things are so");
        }
    }
}

#[cfg(test)]
mod tests;
