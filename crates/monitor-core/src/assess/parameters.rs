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
        Ok(())
    }
}
