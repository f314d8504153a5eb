//! Alert rules: which findings become alerts, after how long, and how severe.

use std::time::Duration;

use etcd_monitor_model::{Finding, Severity};

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

/// The rules that hold when nothing is configured.
///
/// What etcd or TLS says outright fires at once. What is inferred from silence is held for 9 s, which is two cycles
/// at the default interval of 5 s: one lost answer is not an outage. A cluster without a leader gets a minute, since
/// an election is its normal cure. `MemberDown` keeps the finding's severity, which is critical when no further
/// member may fail.
pub fn default_rules() -> Vec<Rule> {
    use Severity::{Critical, Warning};
    let rule = |name, seconds| Rule::new(name, Duration::from_secs(seconds));
    vec![
        rule("MemberDown", 9),
        rule("MemberUnreachable", 9).with_severity(Warning),
        rule("NoLeader", 60).with_severity(Critical),
        rule("QuorumLost", 0).with_severity(Critical),
        rule("ClusterUnreachable", 9).with_severity(Critical),
        rule("ClusterIdMismatch", 0).with_severity(Critical),
        rule("AlarmNoSpace", 0).with_severity(Critical),
        rule("AlarmCorrupt", 0).with_severity(Critical),
        rule("FrequentElections", 0).with_severity(Warning),
        rule("TlsFailed", 0),
        rule("AuthenticationFailed", 0),
        rule("MonitorCutOff", 9),
    ]
}
