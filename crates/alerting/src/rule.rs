//! Alert rules: which findings become alerts, after how long, and how severe.

use std::collections::BTreeMap;
use std::time::Duration;

use etcd_monitor_model::{Finding, Severity, rule};

/// Turns the findings of one name into alerts.
///
/// It adds to the alert and never changes the finding. A finding whose name no rule selects makes no alert; one that two
/// rules select makes two.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// Its name, and that of its alerts. Unique among the rules of a cluster.
    pub name: String,
    /// The findings it selects, by [`Finding::rule`]. The default rules have the same name.
    pub finding: String,
    /// How long the finding must be true and unexplained, without a gap, before the alert fires (`for`). With zero
    /// it fires with the first snapshot that says so.
    pub hold: Duration,
    /// How long a firing alert goes on after its finding has become false (`keep_firing_for`). Default zero.
    pub keep_firing: Duration,
    /// How severe the alert is.
    pub severity: SeverityPolicy,
    /// Labels to add to the alert, for routes, silences and receivers.
    pub labels: BTreeMap<String, String>,
}

/// Where an alert takes its severity from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeverityPolicy {
    /// From the finding, also when that raises or lowers it while the alert is active.
    FromFinding,
    /// Always this one.
    Fixed(Severity),
}

impl Rule {
    /// A rule for the findings named `name`, with the finding's own severity.
    pub fn new(name: &str, hold: Duration) -> Self {
        Self {
            name: name.to_owned(),
            finding: name.to_owned(),
            hold,
            keep_firing: Duration::ZERO,
            severity: SeverityPolicy::FromFinding,
            labels: BTreeMap::new(),
        }
    }

    /// The same rule with a severity of its own.
    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = SeverityPolicy::Fixed(severity);
        self
    }

    /// The severity of the alert for a finding.
    pub(crate) fn severity_of(&self, finding: &Finding) -> Severity {
        self.severity_for(finding.severity)
    }

    /// The severity of the alert for a finding of this severity.
    pub(crate) fn severity_for(&self, finding: Severity) -> Severity {
        match self.severity {
            SeverityPolicy::FromFinding => finding,
            SeverityPolicy::Fixed(severity) => severity,
        }
    }
}

/// The rules that hold when nothing is configured: every rule of the model but `MetricsUnreadable` and `CorruptionChecksOff`, which need
/// nobody at once.
///
/// What etcd or TLS says outright fires at once. What is inferred from silence is held for 9 s, which is two cycles
/// at the default interval of 5 s: one lost answer is not an outage. A lost quorum is held no longer than one member down,
/// lest the worse fault be told later. A cluster without a leader gets a minute, since
/// an election is its normal cure, and so does a monitor that is late, since one pause says little, and a disk that refuses its history or its alerts; a full database
/// gets ten, since compaction may be on its way, and a waste of space half an hour. A member that lags near its limit gets
/// 30 s to catch up. The findings of a missing disarm, of a blind spot and of notifications that fail wait for their time themselves. `MemberDown` keeps the finding's severity, which is critical when no
/// further member may fail. A cut link gets half a minute and a partition 15 s, since what explains them may yet be found:
/// a dead member, or one that is isolated; different versions get a day, which is longer than an upgrade.
pub fn default_rules() -> Vec<Rule> {
    use Severity::{Critical, Info, Warning};
    let at_once = |name| Rule::new(name, Duration::ZERO);
    let after_silence = |name| Rule::new(name, Duration::from_secs(9));
    let after_a_minute = |name| Rule::new(name, Duration::from_mins(1));
    vec![
        after_silence(rule::CLUSTER_UNREACHABLE).with_severity(Critical),
        after_silence(rule::QUORUM_LOST).with_severity(Critical),
        after_silence(rule::LINEARIZABLE_READ_FAILING),
        after_a_minute(rule::NO_LEADER).with_severity(Critical),
        at_once(rule::FREQUENT_ELECTIONS).with_severity(Warning),
        at_once(rule::ROLLING_RESTART),
        after_silence(rule::MEMBER_DOWN),
        after_silence(rule::MEMBER_NOT_SERVING),
        after_silence(rule::MEMBER_UNREACHABLE).with_severity(Warning),
        after_silence(rule::ENDPOINT_UNREACHABLE),
        at_once(rule::TLS_FAILED),
        at_once(rule::AUTHENTICATION_FAILED),
        at_once(rule::CLUSTER_ID_MISMATCH).with_severity(Critical),
        at_once(rule::SPLIT_BRAIN).with_severity(Critical),
        at_once(rule::MEMBERSHIP_MISMATCH),
        at_once(rule::MEMBER_REMOVED),
        at_once(rule::MEMBER_NOT_STARTED),
        at_once(rule::LEARNER_STUCK).with_severity(Warning),
        after_a_minute(rule::LEARNER_NOT_PROMOTED),
        at_once(rule::CLUSTER_REPLACED),
        at_once(rule::ALARM_NO_SPACE).with_severity(Critical),
        at_once(rule::ALARM_CORRUPT).with_severity(Critical),
        at_once(rule::DATA_DIVERGENCE).with_severity(Critical),
        Rule::new(rule::DATABASE_NEAR_QUOTA, Duration::from_mins(10)),
        Rule::new(rule::QUOTA_FORECAST, Duration::from_mins(10)),
        Rule::new(rule::APPLY_LAG_NEAR_LIMIT, Duration::from_secs(30)),
        at_once(rule::ALARM_NOT_DISARMED).with_severity(Critical),
        Rule::new(rule::DATABASE_FRAGMENTED, Duration::from_mins(30)),
        Rule::new(rule::NEVER_COMPACTED, Duration::from_mins(30)),
        at_once(rule::MONITORING_BLIND_SPOT).with_severity(Info),
        Rule::new(rule::LINK_FAILING, Duration::from_secs(30)),
        after_a_minute(rule::LINK_SLOW),
        Rule::new(rule::NETWORK_PARTITION, Duration::from_secs(15)).with_severity(Critical),
        after_silence(rule::MEMBER_ISOLATED),
        at_once(rule::SNAPSHOT_SEND_FAILING),
        at_once(rule::KNOWN_BAD_VERSION),
        Rule::new(rule::MIXED_VERSIONS, Duration::from_hours(24)),
        Rule::new(rule::CLUSTER_VERSION_BEHIND, Duration::from_mins(10)),
        at_once(rule::CERTIFICATE_EXPIRING),
        at_once(rule::CERTIFICATE_NOT_COVERING),
        at_once(rule::PEER_CERTIFICATE_WITHOUT_CLIENT_AUTH),
        Rule::new(rule::CERTIFICATE_ISSUERS_DIFFER, Duration::from_hours(1)),
        after_a_minute(rule::CLOCK_SKEW),
        // Two rounds of the canary at its default interval.
        Rule::new(rule::CANARY_WRITE_FAILING, Duration::from_secs(15)),
        Rule::new(rule::WATCH_LATE, Duration::from_secs(15)),
        Rule::new(rule::WAL_FSYNC_SLOW, Duration::from_mins(10)),
        Rule::new(rule::BACKEND_COMMIT_SLOW, Duration::from_mins(10)),
        // Load slows all disks; one that alone is slow is broken.
        at_once(rule::MEMBER_DISK_SLOW),
        after_a_minute(rule::HEARTBEATS_LATE),
        after_a_minute(rule::WRITE_OVERLOAD),
        Rule::new(rule::SLOW_WATCHERS, Duration::from_mins(10)),
        Rule::new(rule::REQUESTS_FAILING, Duration::from_mins(5)),
        Rule::new(rule::REQUESTS_SLOW, Duration::from_mins(10)),
        Rule::new(rule::FILE_DESCRIPTORS_NEAR_LIMIT, Duration::from_mins(10)),
        after_a_minute(rule::MONITOR_LATE).with_severity(Warning),
        after_silence(rule::MONITOR_CUT_OFF),
        after_a_minute(rule::HISTORY_NOT_STORED),
        after_a_minute(rule::ALERTS_NOT_STORED),
        at_once(rule::NOTIFICATIONS_FAILING),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_the_model_has_one_alert_rule_but_those_that_need_nobody() {
        let mut names: Vec<String> = default_rules().into_iter().map(|rule| rule.name).collect();
        names.push(rule::METRICS_UNREADABLE.to_owned());
        names.push(rule::CORRUPTION_CHECKS_OFF.to_owned());
        names.sort();
        let mut expected = rule::ALL;
        expected.sort_unstable();
        assert_eq!(names, expected);
    }
}
