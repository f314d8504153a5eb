//! Alert rules: which findings become alerts, after how long, and how severe.

use std::time::Duration;

use etcd_monitor_model::{Finding, Severity, rule};

/// Turns the findings of one rule name into alerts.
///
/// It adds to the alert and never changes the finding. A finding whose name no rule selects makes no alert.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// The findings it selects, by [`Finding::rule`]. It is the alert's rule name as well.
    pub name: String,
    /// How long the finding must be true and unexplained, without a gap, before the alert fires (`for`). With zero
    /// it fires with the first snapshot that says so.
    pub hold: Duration,
    /// How severe the alert is.
    pub severity: SeverityPolicy,
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
            hold,
            severity: SeverityPolicy::FromFinding,
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
        match self.severity {
            SeverityPolicy::FromFinding => finding.severity,
            SeverityPolicy::Fixed(severity) => severity,
        }
    }
}

/// The rules that hold when nothing is configured: every rule of the model but `MetricsUnreadable`, which needs nobody.
///
/// What etcd or TLS says outright fires at once. What is inferred from silence is held for 9 s, which is two cycles
/// at the default interval of 5 s: one lost answer is not an outage. A lost quorum is held no longer than one member down,
/// lest the worse fault be told later. A cluster without a leader gets a minute, since
/// an election is its normal cure, and so does a monitor that is late, since one pause says little; a full database
/// gets ten, since compaction may be on its way. `MemberDown` keeps the finding's severity, which is critical when no
/// further member may fail.
pub fn default_rules() -> Vec<Rule> {
    use Severity::{Critical, Warning};
    let at_once = |name| Rule::new(name, Duration::ZERO);
    let after_silence = |name| Rule::new(name, Duration::from_secs(9));
    let after_a_minute = |name| Rule::new(name, Duration::from_mins(1));
    vec![
        after_silence(rule::CLUSTER_UNREACHABLE).with_severity(Critical),
        after_silence(rule::QUORUM_LOST).with_severity(Critical),
        after_silence(rule::LINEARIZABLE_READ_FAILING),
        after_a_minute(rule::NO_LEADER).with_severity(Critical),
        at_once(rule::FREQUENT_ELECTIONS).with_severity(Warning),
        after_silence(rule::MEMBER_DOWN),
        after_silence(rule::MEMBER_NOT_SERVING),
        after_silence(rule::MEMBER_UNREACHABLE).with_severity(Warning),
        after_silence(rule::ENDPOINT_UNREACHABLE),
        at_once(rule::TLS_FAILED),
        at_once(rule::AUTHENTICATION_FAILED),
        at_once(rule::CLUSTER_ID_MISMATCH).with_severity(Critical),
        at_once(rule::CLUSTER_REPLACED),
        at_once(rule::ALARM_NO_SPACE).with_severity(Critical),
        at_once(rule::ALARM_CORRUPT).with_severity(Critical),
        Rule::new(rule::DATABASE_NEAR_QUOTA, Duration::from_mins(10)),
        after_a_minute(rule::MONITOR_LATE).with_severity(Warning),
        after_silence(rule::MONITOR_CUT_OFF),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_the_model_has_one_alert_rule_but_the_one_that_needs_nobody() {
        let mut names: Vec<String> = default_rules().into_iter().map(|rule| rule.name).collect();
        names.push(rule::METRICS_UNREADABLE.to_owned());
        names.sort();
        let mut expected = rule::ALL;
        expected.sort_unstable();
        assert_eq!(names, expected);
    }
}
