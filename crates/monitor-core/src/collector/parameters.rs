//! Windows of the collector, and thresholds of the rules on its numbers.

use serde::{Deserialize, Serialize};

/// Windows of what is derived from a member's numbers, and thresholds of the rules about latency and load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct MetricsParameters {
    /// Window of quantiles and shares in seconds; at least 6.5 intervals where that is longer.
    pub window_seconds: f64,
    /// Window in seconds of what must be going on now: late heartbeats, failing and waiting proposals. At least 3.5
    /// intervals where that is longer.
    pub recent_window_seconds: f64,
    /// 99th percentile of WAL fsync in seconds from which a disk is slow.
    pub wal_fsync_warning_seconds: f64,
    /// The same from which it is critical.
    pub wal_fsync_critical_seconds: f64,
    /// 99th percentile of backend commit in seconds from which a disk is slow.
    pub backend_commit_warning_seconds: f64,
    /// The same from which it is critical.
    pub backend_commit_critical_seconds: f64,
    /// Fewest observations within the window for a verdict on a latency.
    pub observations_min: u64,
    /// Times the median of the other members from which one member's disk is slow.
    pub disk_times_others: f64,
    /// Proposals that wait, over all members, from which the cluster may be overloaded.
    pub pending_proposals: f64,
    /// Mean time in seconds that they wait from which it is.
    pub pending_wait_seconds: f64,
    /// Events not yet sent to slow watchers above which they are too many.
    pub slow_watchers_pending_events: f64,
    /// Requests per second below which a share of failures says nothing.
    pub failing_requests_per_second: f64,
    /// Share (0 to 1) of failing requests above which they are too many.
    pub failing_requests_share: f64,
    /// Seconds from which requests are slow.
    pub slow_request_seconds: f64,
    /// Share (0 to 1) of the file descriptors that may be open.
    pub open_fds_share: f64,
}

impl Default for MetricsParameters {
    fn default() -> Self {
        Self {
            window_seconds: 300.0,
            recent_window_seconds: 60.0,
            wal_fsync_warning_seconds: 0.01,
            wal_fsync_critical_seconds: 0.1,
            backend_commit_warning_seconds: 0.025,
            backend_commit_critical_seconds: 0.25,
            observations_min: 100,
            disk_times_others: 4.0,
            // A hundred writers that each wait longer than a write should take.
            pending_proposals: 100.0,
            pending_wait_seconds: 0.15,
            slow_watchers_pending_events: 100_000.0,
            failing_requests_per_second: 2.0,
            failing_requests_share: 0.05,
            // Both histograms have a bound here; what lies at the often used 0.15 s falls into a bucket from 0.1 to 0.25 s,
            // where interpolation would decide.
            slow_request_seconds: 0.25,
            open_fds_share: 0.8,
        }
    }
}

/// Intervals that a window spans at least, so that it holds enough differences between pages whatever the jitter: with
/// half an interval to spare, a page that comes early or late changes nothing.
const WINDOW_INTERVALS: f64 = 6.5;
const RECENT_WINDOW_INTERVALS: f64 = 3.5;

impl MetricsParameters {
    /// The windows as they are where pages come this far apart: those of the parameters, or longer where these hold too
    /// few pages.
    pub(crate) fn at_interval(&self, interval_seconds: f64) -> Self {
        let longer = |seconds: f64, intervals: f64| {
            let least = intervals * interval_seconds;
            if least.is_finite() {
                seconds.max(least)
            } else {
                seconds
            }
        };
        Self {
            window_seconds: longer(self.window_seconds, WINDOW_INTERVALS),
            recent_window_seconds: longer(self.recent_window_seconds, RECENT_WINDOW_INTERVALS),
            ..self.clone()
        }
    }

    /// Refuses values with which a rule could never be true, or always: the message names the key and its range.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.check_shares()?;
        self.check_numbers()?;
        let ordered = [
            (
                "wal_fsync_critical_seconds",
                self.wal_fsync_warning_seconds,
                self.wal_fsync_critical_seconds,
            ),
            (
                "backend_commit_critical_seconds",
                self.backend_commit_warning_seconds,
                self.backend_commit_critical_seconds,
            ),
            (
                "window_seconds",
                self.recent_window_seconds,
                self.window_seconds,
            ),
        ];
        if let Some((key, low, high)) = ordered.iter().find(|(_, low, high)| high < low) {
            return Err(format!("metrics.{key}: {high} is below {low}"));
        }
        if self.disk_times_others <= 1.0 {
            return Err(
                "metrics.disk_times_others: not a number above 1; for example 4".to_owned(),
            );
        }
        if self.observations_min == 0 {
            return Err("metrics.observations_min: 0 observations show nothing".to_owned());
        }
        Ok(())
    }

    fn check_shares(&self) -> Result<(), String> {
        let shares = [
            ("failing_requests_share", self.failing_requests_share),
            ("open_fds_share", self.open_fds_share),
        ];
        let wrong = shares
            .iter()
            .find(|(_, share)| !(*share > 0.0 && *share < 1.0));
        wrong.map_or(Ok(()), |(key, share)| {
            Err(format!(
                "metrics.{key}: {share} is not a share between 0 and 1; for example 0.5"
            ))
        })
    }

    fn check_numbers(&self) -> Result<(), String> {
        let numbers = [
            ("window_seconds", self.window_seconds),
            ("recent_window_seconds", self.recent_window_seconds),
            ("wal_fsync_warning_seconds", self.wal_fsync_warning_seconds),
            (
                "wal_fsync_critical_seconds",
                self.wal_fsync_critical_seconds,
            ),
            (
                "backend_commit_warning_seconds",
                self.backend_commit_warning_seconds,
            ),
            (
                "backend_commit_critical_seconds",
                self.backend_commit_critical_seconds,
            ),
            ("disk_times_others", self.disk_times_others),
            ("pending_proposals", self.pending_proposals),
            ("pending_wait_seconds", self.pending_wait_seconds),
            (
                "slow_watchers_pending_events",
                self.slow_watchers_pending_events,
            ),
            (
                "failing_requests_per_second",
                self.failing_requests_per_second,
            ),
            ("slow_request_seconds", self.slow_request_seconds),
        ];
        let wrong = numbers
            .iter()
            .find(|(_, number)| !(number.is_finite() && *number > 0.0));
        wrong.map_or(Ok(()), |(key, number)| {
            Err(format!("metrics.{key}: {number} is not a number above 0"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut MetricsParameters)) -> String {
        let mut parameters = MetricsParameters::default();
        change(&mut parameters);
        parameters.check().unwrap_err()
    }

    #[test]
    fn what_no_rule_can_use_is_refused_by_its_name() {
        assert_eq!(MetricsParameters::default().check(), Ok(()));
        for (key, refusal) in [
            ("window_seconds", refused(|it| it.window_seconds = 1.0)),
            ("window_seconds", refused(|it| it.window_seconds = f64::NAN)),
            (
                "wal_fsync_critical_seconds",
                refused(|it| it.wal_fsync_critical_seconds = 0.001),
            ),
            ("observations_min", refused(|it| it.observations_min = 0)),
            (
                "disk_times_others",
                refused(|it| it.disk_times_others = 1.0),
            ),
            ("open_fds_share", refused(|it| it.open_fds_share = 80.0)),
            (
                "slow_request_seconds",
                refused(|it| it.slow_request_seconds = -0.5),
            ),
        ] {
            assert!(refusal.contains(key), "{refusal}");
        }
    }
}
