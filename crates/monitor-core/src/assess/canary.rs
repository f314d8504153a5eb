//! What the canary showed, remembered between its rounds.

use etcd_monitor_model::{
    CanaryReading, CanarySummary, LatencySource, MeasuredLatency, MemberSnapshot, Observation,
    Snapshot,
};
use serde::{Deserialize, Serialize};

use super::state::AssessState;
use crate::collector::{Latencies, MetricsParameters};

/// Thresholds of the canary's rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CanaryParameters {
    /// Seconds by which a watch may tell of a write after it was answered.
    pub watch_late_seconds: f64,
}

impl Default for CanaryParameters {
    fn default() -> Self {
        Self {
            watch_late_seconds: 1.0,
        }
    }
}

impl CanaryParameters {
    /// Refuses values with which a rule could never be true, or always.
    pub(super) fn check(&self) -> Result<(), String> {
        let seconds = self.watch_late_seconds;
        if seconds > 0.0 && seconds.is_finite() {
            Ok(())
        } else {
            Err(format!(
                "canary.watch_late_seconds: {seconds} is not a number above 0"
            ))
        }
    }
}

/// What `assess` remembers of the canary. Not kept over a restart: it is written again soon.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct CanaryMemory {
    latest: Option<CanaryReading>,
    writes: Latencies,
}

impl CanaryMemory {
    /// The latest round; `None` where there was none yet, or no canary.
    pub(super) fn latest(&self) -> Option<&CanaryReading> {
        self.latest.as_ref()
    }
}

/// Takes this cycle's round, if there was one, and says in the snapshot what is known.
pub(super) fn update(
    state: &mut AssessState,
    observation: &Observation,
    snapshot: &mut Snapshot,
    parameters: &MetricsParameters,
) {
    let memory = &mut state.canary;
    let reading = observation.canary.as_ref();
    let wrote = reading.filter(|reading| reading.put.result.is_ok());
    let took = wrote.map(|reading| reading.put.took_seconds);
    memory
        .writes
        .take(snapshot.at, took, parameters.window_seconds);
    if let Some(reading) = reading {
        memory.latest = Some(reading.clone());
    }
    if let Some(latest) = &memory.latest {
        measure(&mut snapshot.members, &latest.through, &memory.writes);
    }
    snapshot.canary = memory.latest.as_ref().map(|latest| CanarySummary {
        at: latest.put.at,
        write_latency: memory.writes.summary(),
        latest: latest.clone(),
    });
}

/// The canary's own writes are the write latency where there is one: of the member through which it writes, and of no
/// other, so that two sources never stand beside each other.
fn measure(members: &mut [MemberSnapshot], through: &str, writes: &Latencies) {
    let Some((summary, durations)) = writes.summary().zip(writes.durations()) else {
        return;
    };
    for member in members {
        let wrote = member.endpoint == through;
        if let Some(counters) = &mut member.counters {
            counters.write_p50_seconds = wrote.then_some(summary.p50_seconds);
            counters.write_p95_seconds = wrote.then_some(summary.p95_seconds);
            counters.write_p99_seconds = wrote.then_some(summary.p99_seconds);
        }
        if wrote {
            let measured = MeasuredLatency::new(LatencySource::Canary, durations);
            member.metrics.latency.writes.insert(0, measured);
        }
    }
}
