//! What stands in the file of a scenario.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::cli::duration;

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScenarioFile {
    /// Name of the scenario; that of the file where it has none.
    pub(super) name: Option<String>,
    /// What all keys begin with.
    pub(super) prefix: Option<String>,
    /// What random choices follow from.
    pub(super) seed: Option<u64>,
    /// For phases that have none of their own.
    pub(super) connections: Option<u32>,
    /// Likewise.
    pub(super) clients: Option<u32>,
    /// The phases, in their order.
    pub(super) phases: Vec<PhaseFile>,
}

/// One phase.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PhaseFile {
    pub(super) name: Option<String>,
    pub(super) workload: WorkloadName,
    // How much, by how many, how fast.
    pub(super) total: Option<u64>,
    pub(super) duration: Option<Span>,
    #[serde(default)]
    pub(super) warmup: Span,
    pub(super) rate: Option<f64>,
    pub(super) ramp: Option<Ramp>,
    #[serde(default)]
    pub(super) arrivals: ArrivalsName,
    pub(super) burst_size: Option<u32>,
    pub(super) connections: Option<u32>,
    pub(super) clients: Option<u32>,
    // Keys.
    pub(super) key_size: Option<usize>,
    pub(super) value_size: Option<usize>,
    pub(super) key_space: Option<u64>,
    #[serde(default)]
    pub(super) key_order: KeyOrderName,
    pub(super) zipf_exponent: Option<f64>,
    // Of single calls.
    pub(super) read_share: Option<f64>,
    #[serde(default)]
    pub(super) serializable: bool,
    pub(super) range_size: Option<u64>,
    pub(super) limit: Option<i64>,
    #[serde(default)]
    pub(super) keys_only: bool,
    #[serde(default)]
    pub(super) count_only: bool,
    pub(super) puts: Option<usize>,
    // Of watches, leases and what is contended for.
    pub(super) watchers: Option<u32>,
    pub(super) streams: Option<u32>,
    pub(super) watched_keys: Option<u64>,
    pub(super) leases: Option<u32>,
    pub(super) ttl: Option<Span>,
    pub(super) names: Option<u32>,
    pub(super) hold: Option<Span>,
    pub(super) observers: Option<u32>,
}

/// A rate that changes over the duration of a phase: each step is a run of its own, with a report of its own.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ramp {
    /// Requests per second of the first step.
    pub(super) from: f64,
    /// Of the last.
    pub(super) to: f64,
    /// How many steps there are.
    pub(super) steps: u32,
}

/// What a phase asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum WorkloadName {
    #[default]
    Write,
    Read,
    Mixed,
    Range,
    Delete,
    Txn,
    Watch,
    Lease,
    LeaseKeepAlive,
    LeaseExpire,
    Lock,
    Election,
    JobStorm,
    PodChurn,
    ApiserverMix,
    CrdChurn,
    Robustness,
    RobustnessDelete,
    RobustnessKubernetes,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ArrivalsName {
    #[default]
    Uniform,
    Poisson,
    Burst,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum KeyOrderName {
    Sequential,
    #[default]
    Random,
    Zipf,
}

/// A time with its unit.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span(pub(super) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        duration(&text).map(Self).map_err(serde::de::Error::custom)
    }
}
