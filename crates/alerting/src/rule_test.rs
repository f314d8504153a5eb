//! Tests of a policy: what is put in, and which alerts and messages must come out. Pure, and as fast as it computes.

mod expectation;
mod notation;
mod play;
mod world;

use std::collections::BTreeMap;
use std::time::Duration;

use etcd_monitor_model::{AlertType, ClusterName, Metric, MetricScope, Severity, Snapshot};
use etcd_monitor_model::{metric_catalogue, rule};
use jiff::Timestamp;
use serde::Serialize;

use crate::policy::AlertPolicy;
use crate::suggestion::hint;
pub use expectation::{ExpectedAlert, ExpectedNotification, Mismatch};
use notation::TestStatus;

/// Most cycles of a test, and most values that a line stands for: six days at the default interval.
const CYCLES_MAX: usize = 100_000;

/// A test of a policy.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RuleTest {
    /// What it is called in the report.
    pub name: String,
    /// What is put in.
    pub input: RuleTestInput,
    /// What must come out.
    pub expectations: Vec<Expectation>,
}

/// What is put into a test.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RuleTestInput {
    /// What is written.
    Written(WrittenInput),
    /// What was recorded, in the order of the cycles.
    Recorded(Vec<Snapshot>),
}

/// Series and findings that are written for a test: one cycle each interval, the first at the start.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WrittenInput {
    /// The time of the first cycle.
    pub start: Timestamp,
    /// The time between two cycles.
    pub interval: Duration,
    /// Values of metrics.
    pub series: Vec<WrittenSeries>,
    /// What `assess` would say.
    pub findings: Vec<WrittenFinding>,
}

/// What a series or a finding of a test is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum WrittenSubject {
    /// The cluster as a whole.
    Cluster,
    /// A member, by its name.
    Member(String),
    /// A link, by the names of who sends and who receives.
    Link(String, String),
    /// The monitor itself.
    Monitor,
}

/// A metric of a subject, with a value, or none, for each cycle. After the last there are none.
#[derive(Debug, Clone)]
pub struct WrittenSeries {
    metric: &'static Metric,
    cluster: ClusterName,
    subject: WrittenSubject,
    values: Vec<Option<f64>>,
}

/// A finding about a subject, with a status for each cycle. The last goes on.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WrittenFinding {
    rule: &'static str,
    cluster: ClusterName,
    subject: WrittenSubject,
    statuses: Vec<TestStatus>,
    /// Its default severity: warning unless it is set.
    pub severity: Severity,
    /// Its area: that of its subject unless it is set.
    pub alert_type: AlertType,
    /// The rule of the finding that explains it while that is true.
    pub caused_by: Option<&'static str>,
}

/// What must be at a time.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Expectation {
    /// Counted from the first cycle. What happens at that very time has happened.
    pub at: Duration,
    /// The alerts that fire, each once. Those that are pending count only where they are listed. `None`: any.
    pub alerts: Option<Vec<ExpectedAlert>>,
    /// What was told since the expectation of messages before, in any order. `None`: anything.
    pub notifications: Option<Vec<ExpectedNotification>>,
}

/// Why a test cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct RuleTestError {
    /// The key of the test that is wrong.
    pub key: &'static str,
    /// What is wrong with it, and what to do.
    pub problem: String,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleTestOutcome {
    /// The test's name.
    pub name: String,
    /// Where what came out differs, in the order of the times; none when the test passed.
    pub mismatches: Vec<Mismatch>,
}

impl RuleTestOutcome {
    /// Whether everything came as expected.
    pub fn passed(&self) -> bool {
        self.mismatches.is_empty()
    }
}

impl RuleTest {
    /// A test that expects nothing yet.
    pub fn new(name: impl Into<String>, input: RuleTestInput) -> Self {
        Self {
            name: name.into(),
            input,
            expectations: Vec::new(),
        }
    }

    /// Runs it with a policy.
    ///
    /// # Errors
    ///
    /// When an expectation is later than 100,000 cycles, or nothing is put in.
    pub fn run(&self, policy: &AlertPolicy) -> Result<RuleTestOutcome, RuleTestError> {
        Ok(RuleTestOutcome {
            name: self.name.clone(),
            mismatches: play::mismatches(self, policy)?,
        })
    }
}

impl Expectation {
    /// That something is so at a time; what, is to be said.
    pub fn at(at: Duration) -> Self {
        Self {
            at,
            alerts: None,
            notifications: None,
        }
    }
}

impl WrittenInput {
    /// Input without series and findings, in cycles of an interval of 100 ms to 1 h.
    ///
    /// # Errors
    ///
    /// When the interval is out of bounds.
    pub fn new(start: Timestamp, interval: Duration) -> Result<Self, RuleTestError> {
        if !(Duration::from_millis(100)..=Duration::from_hours(1)).contains(&interval) {
            return Err(wrong(
                "interval",
                "an interval is 100ms to 1h; for example 5s",
            ));
        }
        Ok(Self {
            start,
            interval,
            series: Vec::new(),
            findings: Vec::new(),
        })
    }
}

impl WrittenSeries {
    /// Values of a metric, in the unit that its name says: `1 2 3 _ 4x10 0+10x20`, where `_` is a cycle without a value,
    /// `4x10` is 4 and then ten times 4, and `0+10x20` is 0 and then twenty values, each 10 more (`-` for less).
    ///
    /// # Errors
    ///
    /// When there is no such metric, it is of something else than the subject, or the values are none.
    pub fn new(
        metric: &str,
        cluster: ClusterName,
        subject: WrittenSubject,
        values: &str,
    ) -> Result<Self, RuleTestError> {
        let values = notation::values(values, CYCLES_MAX);
        Ok(Self {
            metric: metric_of(metric, &subject)?,
            cluster,
            subject,
            values: values.map_err(|problem| wrong("values", problem))?,
        })
    }
}

impl WrittenFinding {
    /// A finding of one of the rules of etcd-monitor, with its statuses: `false true x12 unknown _`, where `x12` says that
    /// the status before it is there twelve times, and `_` that the finding is not there.
    ///
    /// # Errors
    ///
    /// When there is no such rule, or the statuses are none.
    pub fn new(
        rule: &str,
        cluster: ClusterName,
        subject: WrittenSubject,
        statuses: &str,
    ) -> Result<Self, RuleTestError> {
        let statuses = notation::statuses(statuses, CYCLES_MAX);
        Ok(Self {
            rule: known_rule("rule", rule)?,
            cluster,
            alert_type: match subject {
                WrittenSubject::Cluster => AlertType::Quorum,
                WrittenSubject::Member(_) => AlertType::Member,
                WrittenSubject::Link(..) => AlertType::Partition,
                WrittenSubject::Monitor => AlertType::Configuration,
            },
            subject,
            statuses: statuses.map_err(|problem| wrong("status", problem))?,
            severity: Severity::Warning,
            caused_by: None,
        })
    }

    /// Says that the finding of another rule in the same cluster explains it while that is true.
    ///
    /// # Errors
    ///
    /// When there is no such rule.
    pub fn explained_by(mut self, rule: &str) -> Result<Self, RuleTestError> {
        self.caused_by = Some(known_rule("caused_by", rule)?);
        Ok(self)
    }
}

fn wrong(key: &'static str, problem: impl Into<String>) -> RuleTestError {
    let problem = problem.into();
    RuleTestError { key, problem }
}

fn known_rule(key: &'static str, name: &str) -> Result<&'static str, RuleTestError> {
    let known = rule::ALL.into_iter().find(|known| *known == name);
    known.ok_or_else(|| {
        let hint = hint(name, rule::ALL);
        wrong(key, format!("no finding has the rule {name:?}{hint}"))
    })
}

/// The metric of this name that is of such a subject.
fn metric_of(name: &str, subject: &WrittenSubject) -> Result<&'static Metric, RuleTestError> {
    let named = || {
        metric_catalogue()
            .iter()
            .filter(|metric| metric.name == name)
    };
    if let Some(metric) = named().find(|metric| is_of(metric.scope, subject)) {
        return Ok(metric);
    }
    if let Some(metric) = named().next() {
        let problem = format!("{name} {}", belongs(metric.scope));
        return Err(wrong("metric", problem));
    }
    let hint = hint(name, metric_catalogue().iter().map(|metric| metric.name));
    Err(wrong(
        "metric",
        format!("there is no metric {name:?}{hint}"),
    ))
}

/// What a metric is of, and how a series says so.
fn belongs(scope: MetricScope) -> &'static str {
    match scope {
        MetricScope::Member => "is of a member; say which by `member`",
        MetricScope::Link | MetricScope::ReceivingLink => {
            "is of a link; say which by `from` and `to`"
        }
        _ => "is of a cluster as a whole; it has `cluster` alone",
    }
}

fn is_of(scope: MetricScope, subject: &WrittenSubject) -> bool {
    let kind = match subject {
        WrittenSubject::Cluster => "cluster",
        WrittenSubject::Member(_) => "member",
        WrittenSubject::Link(..) => "link",
        WrittenSubject::Monitor => return false,
    };
    scope.as_str() == kind
}

/// The rules over metrics of a policy as rules over findings that are made elsewhere.
fn without_metric_rules(policy: &AlertPolicy) -> AlertPolicy {
    let mut policy = policy.clone();
    let metric_rules = std::mem::take(&mut policy.metric_rules);
    let own = || metric_rules.iter().map(|rule| rule.rule().clone());
    policy.rules.extend(own());
    for rules in policy.cluster_rules.values_mut() {
        rules.extend(own());
    }
    policy
}

/// A map of labels in the form of matchers.
fn labels_in_words(labels: &BTreeMap<String, String>) -> String {
    let labels = labels
        .iter()
        .map(|(name, value)| format!(" {name}={value:?}"));
    labels.collect()
}

#[cfg(test)]
mod tests;
