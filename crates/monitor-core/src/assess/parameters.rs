//! The thresholds of `assess`. A condition and its threshold live here and nowhere else.

use super::canary::CanaryParameters;
use super::trust::TrustParameters;
use serde::{Deserialize, Serialize};

use super::capacity::CapacityParameters;
use super::consensus::ConsensusParameters;
use super::coverage::CoverageParameters;
use super::versions::KnownVersions;
use crate::collector::MetricsParameters;

/// Thresholds of `assess` for one cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Parameters {
    /// Share of the quota (0 to 1) that the allocated database may reach before a warning.
    pub quota_warning_share: f64,
    /// Share of the quota (0 to 1) that the allocated database may reach before it is critical.
    pub quota_critical_share: f64,
    /// Elections per hour that are still normal; more is a warning.
    pub elections_per_hour: u64,
    /// Room: apply lag, quota, fragmentation, compaction, forecast.
    pub capacity: CapacityParameters,
    /// What cannot be judged.
    pub coverage: CoverageParameters,
    /// Membership, learners, elections and data.
    pub consensus: ConsensusParameters,
    /// Certificates and clocks.
    pub trust: TrustParameters,
    /// The canary.
    pub canary: CanaryParameters,
    /// Latency and load.
    pub metrics: MetricsParameters,
    /// The network between the members.
    pub links: LinkParameters,
    /// Versions of the members.
    pub versions: VersionParameters,
    /// Versions with known defects; the list that is built in, unless another was read.
    #[serde(skip)]
    pub known_versions: KnownVersions,
}

/// When a link between two members is slow, or loses snapshots. What tells that it is cut is bound to periods of etcd
/// itself, and has no parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LinkParameters {
    /// Round trip in seconds above which a link is slow where the median of the others is no more than half of it.
    pub slow_seconds: f64,
    /// Times the median round trip of the other links above which a link is slow even below `slow_seconds`.
    pub slow_times_others: f64,
    /// Round trip in seconds up to which a link is not slow, however fast the others are.
    pub slow_floor_seconds: f64,
    /// Failed snapshots to one peer within the window that are a fault of the link.
    pub snapshot_send_failures: u64,
    /// Window in seconds in which they count.
    pub snapshot_window_seconds: f64,
}

/// When different versions in one cluster are more than an upgrade.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct VersionParameters {
    /// Seconds after which different versions are a warning: an upgrade takes hours, not days.
    pub mixed_warning_seconds: f64,
}

impl Default for LinkParameters {
    fn default() -> Self {
        Self {
            slow_seconds: 0.15,
            slow_times_others: 4.0,
            slow_floor_seconds: 0.1,
            snapshot_send_failures: 2,
            snapshot_window_seconds: 600.0,
        }
    }
}

impl Default for VersionParameters {
    fn default() -> Self {
        Self {
            mixed_warning_seconds: 86_400.0,
        }
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            quota_warning_share: 0.8,
            quota_critical_share: 0.9,
            elections_per_hour: 3,
            capacity: CapacityParameters::default(),
            coverage: CoverageParameters::default(),
            consensus: ConsensusParameters::default(),
            links: LinkParameters::default(),
            versions: VersionParameters::default(),
            known_versions: KnownVersions::default(),
            trust: TrustParameters::default(),
            canary: CanaryParameters::default(),
            metrics: MetricsParameters::default(),
        }
    }
}

impl Parameters {
    /// Refuses values with which a rule could never be true, or always: the message names the key and its range.
    pub fn check(&self) -> Result<(), String> {
        let shares = [
            ("quota_warning_share", self.quota_warning_share),
            ("quota_critical_share", self.quota_critical_share),
        ];
        for (key, share) in shares {
            if !(share > 0.0 && share <= 1.0) {
                return Err(format!(
                    "{key}: {share} is not a share above 0 and up to 1; for example 0.8"
                ));
            }
        }
        if self.quota_critical_share < self.quota_warning_share {
            return Err("quota_critical_share: it is below quota_warning_share".to_owned());
        }
        self.capacity.check()?;
        self.coverage.check()?;
        self.consensus
            .check()
            .map_err(|reason| format!("consensus.{reason}"))?;
        self.links.check()?;
        self.versions.check()?;
        self.trust.check()?;
        self.metrics.check()?;
        self.canary.check()
    }
}

impl LinkParameters {
    fn check(&self) -> Result<(), String> {
        above_zero("links.slow_seconds", self.slow_seconds)?;
        above_zero("links.slow_floor_seconds", self.slow_floor_seconds)?;
        above_zero(
            "links.snapshot_window_seconds",
            self.snapshot_window_seconds,
        )?;
        if self.snapshot_send_failures == 0 || self.snapshot_send_failures > 16 {
            return Err("links.snapshot_send_failures: not between 1 and 16".to_owned());
        }
        if self.slow_times_others.is_finite() && self.slow_times_others > 1.0 {
            return Ok(());
        }
        Err("links.slow_times_others: not a number above 1; for example 4".to_owned())
    }
}

impl VersionParameters {
    fn check(&self) -> Result<(), String> {
        above_zero("versions.mixed_warning_seconds", self.mixed_warning_seconds)
    }
}

fn above_zero(key: &str, seconds: f64) -> Result<(), String> {
    if seconds.is_finite() && seconds > 0.0 {
        return Ok(());
    }
    Err(format!(
        "{key}: {seconds} is not a number of seconds above 0"
    ))
}
