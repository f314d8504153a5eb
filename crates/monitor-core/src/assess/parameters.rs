//! The thresholds of `assess`. A condition and its threshold live here and nowhere else.

use serde::{Deserialize, Serialize};

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
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            quota_warning_share: 0.8,
            quota_critical_share: 0.9,
            elections_per_hour: 3,
        }
    }
}
