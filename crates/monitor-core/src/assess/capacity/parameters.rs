//! Thresholds of the rules about room.

use serde::{Deserialize, Serialize};

use super::APPLY_LAG_LIMIT;

const MIB: u64 = 1 << 20;

/// Thresholds and windows of the rules about room: apply lag, quota, fragmentation, compaction and forecast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CapacityParameters {
    /// Entries committed ahead of what is applied before a warning; etcd rejects proposals beyond 5,000.
    pub apply_lag_warning: u64,
    /// Window of the growth of that lag in seconds.
    pub apply_lag_window_seconds: f64,
    /// Longest time in seconds for which a member that has just started may lag without blame.
    pub restart_settle_seconds: f64,
    /// Free share of the allocated file (0 to 1) from which a defragmentation is worth its stall.
    pub defrag_worth_share: f64,
    /// Share by which the allocated file (0 to 1) shrinks at a defragmentation; trends begin anew there.
    pub defrag_drop_share: f64,
    /// Free bytes above which a database may be called fragmented; fewer harm nobody.
    pub fragmented_free_bytes: u64,
    /// Free share of the allocated file above which it is.
    pub fragmented_free_share: f64,
    /// Allocated share of the quota above which it matters.
    pub fragmented_quota_share: f64,
    /// Allocated share of the quota below which a member has room again.
    pub not_disarmed_share: f64,
    /// Seconds of room for which the NOSPACE alarm may stay raised before it is called forgotten.
    pub not_disarmed_seconds: f64,
    /// Revisions above which a missing compaction matters.
    pub uncompacted_revisions: u64,
    /// Bytes in use above which it matters.
    pub uncompacted_in_use_bytes: u64,
    /// Share of the quota in use above which it is a warning.
    pub uncompacted_quota_share: f64,
    /// Seconds without a compaction, where there was one before.
    pub uncompacted_seconds: f64,
    /// Seconds between two samples of the bytes in use.
    pub forecast_sample_seconds: f64,
    /// Seconds for which these samples are kept; at most 400 are.
    pub forecast_window_seconds: f64,
    /// Fewest samples for a forecast.
    pub forecast_samples_min: usize,
    /// Shortest time in seconds that they must cover.
    pub forecast_span_seconds: f64,
    /// Seconds until the bytes in use reach the quota, below which it is a warning.
    pub forecast_warning_seconds: f64,
    /// The same below which it is critical.
    pub forecast_critical_seconds: f64,
}

impl Default for CapacityParameters {
    fn default() -> Self {
        Self {
            apply_lag_warning: 4_000,
            apply_lag_window_seconds: 60.0,
            restart_settle_seconds: 300.0,
            defrag_worth_share: 0.25,
            defrag_drop_share: 0.1,
            fragmented_free_bytes: 200 * MIB,
            fragmented_free_share: 0.5,
            fragmented_quota_share: 0.5,
            not_disarmed_share: 0.9,
            not_disarmed_seconds: 300.0,
            uncompacted_revisions: 1_000_000,
            uncompacted_in_use_bytes: 100 * MIB,
            uncompacted_quota_share: 0.5,
            uncompacted_seconds: 7_200.0,
            forecast_sample_seconds: 60.0,
            forecast_window_seconds: 21_600.0,
            forecast_samples_min: 20,
            forecast_span_seconds: 3_600.0,
            forecast_warning_seconds: 86_400.0,
            forecast_critical_seconds: 14_400.0,
        }
    }
}

impl CapacityParameters {
    /// Refuses values with which a rule could never be true, or always: the message names the key and its range.
    pub fn check(&self) -> Result<(), String> {
        self.check_shares()?;
        self.check_seconds()?;
        if !(1..=APPLY_LAG_LIMIT).contains(&self.apply_lag_warning) {
            return Err(format!(
                "capacity.apply_lag_warning: {} is not from 1 to {APPLY_LAG_LIMIT}, where etcd rejects proposals",
                self.apply_lag_warning
            ));
        }
        if self.forecast_samples_min < 3 {
            return Err("capacity.forecast_samples_min: fewer than 3 show no trend".to_owned());
        }
        if self.forecast_critical_seconds > self.forecast_warning_seconds {
            return Err(
                "capacity.forecast_critical_seconds: it is above forecast_warning_seconds"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn check_shares(&self) -> Result<(), String> {
        let shares = [
            ("defrag_worth_share", self.defrag_worth_share),
            ("defrag_drop_share", self.defrag_drop_share),
            ("fragmented_free_share", self.fragmented_free_share),
            ("fragmented_quota_share", self.fragmented_quota_share),
            ("not_disarmed_share", self.not_disarmed_share),
            ("uncompacted_quota_share", self.uncompacted_quota_share),
        ];
        for (key, share) in shares {
            if !(share > 0.0 && share <= 1.0) {
                return Err(format!(
                    "capacity.{key}: {share} is not a share above 0 and up to 1; for example 0.5"
                ));
            }
        }
        Ok(())
    }

    fn check_seconds(&self) -> Result<(), String> {
        let seconds = [
            ("apply_lag_window_seconds", self.apply_lag_window_seconds),
            ("restart_settle_seconds", self.restart_settle_seconds),
            ("not_disarmed_seconds", self.not_disarmed_seconds),
            ("uncompacted_seconds", self.uncompacted_seconds),
            ("forecast_sample_seconds", self.forecast_sample_seconds),
            ("forecast_window_seconds", self.forecast_window_seconds),
            ("forecast_span_seconds", self.forecast_span_seconds),
            ("forecast_warning_seconds", self.forecast_warning_seconds),
            ("forecast_critical_seconds", self.forecast_critical_seconds),
        ];
        for (key, value) in seconds {
            if !(value.is_finite() && value >= 0.0) {
                return Err(format!(
                    "capacity.{key}: {value} is not a number of seconds from 0"
                ));
            }
        }
        if self.forecast_span_seconds > self.forecast_window_seconds {
            return Err(
                "capacity.forecast_span_seconds: it is above forecast_window_seconds".to_owned(),
            );
        }
        Ok(())
    }
}
