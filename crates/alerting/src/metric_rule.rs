//! Rules over numbers: a metric, a window, and a value that it is compared with.

mod aggregate;
mod check;
mod quantity;
mod series;
mod watch;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use etcd_monitor_model::{AlertType, MetricUnit, Severity};
use jiff::SignedDuration;

use crate::matcher::Matcher;
use crate::rule::Rule;
pub use aggregate::Aggregate;
pub use check::MetricRuleError;
pub use watch::MetricRules;

/// A condition on a metric as it is written; [`MetricRule::new`] checks it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MetricRuleText {
    /// Its name, which is that of its findings and alerts: letters, digits and _, such as `FsyncP99High`.
    pub name: String,
    /// The metric, by its name in [`metric_catalogue`](etcd_monitor_model::metric_catalogue).
    pub metric: String,
    /// `last`, `rate`, `mean`, `max`, `min` or `quantile(0.99)`; `None`: `last`.
    pub aggregate: Option<String>,
    /// How far back samples count, 1 s to 24 h; `None`: 5 min, and for `last` no window.
    pub window: Option<Duration>,
    /// `>`, `>=`, `<`, `<=`, `==` or `!=`.
    pub op: String,
    /// What it is compared with, with its unit: `100ms`, `2GiB`, `5/s`, `80%`, `3`.
    pub value: String,
    /// How long it must hold before the alert fires (`for`). Default zero.
    pub hold: Duration,
    /// How long a firing alert goes on after it has become false (`keep_firing_for`). Default zero.
    pub keep_firing: Duration,
    /// How severe it is. Default warning.
    pub severity: Severity,
    /// The area it belongs to; `None`: partition for links, latency for times, capacity for bytes, else member or, for a
    /// cluster as a whole, quorum.
    pub alert_type: Option<AlertType>,
    /// Labels to add to its alerts.
    pub labels: BTreeMap<String, String>,
    /// What it is about: conditions on `cluster`, `member`, and of a link `from` and `to`. None: everything that has the
    /// metric.
    pub matchers: Vec<Matcher>,
}

impl MetricRuleText {
    /// A rule that says no more than it must.
    pub fn new(
        name: impl Into<String>,
        metric: impl Into<String>,
        op: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            metric: metric.into(),
            aggregate: None,
            window: None,
            op: op.into(),
            value: value.into(),
            hold: Duration::ZERO,
            keep_firing: Duration::ZERO,
            severity: Severity::Warning,
            alert_type: None,
            labels: BTreeMap::new(),
            matchers: Vec::new(),
        }
    }
}

/// A condition on a metric, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricRule {
    metric: &'static str,
    aggregate: Aggregate,
    /// Zero for the newest sample alone.
    window: Duration,
    op: Comparison,
    value: f64,
    /// That of the value, which is not the metric's own where the aggregate changes it.
    unit: MetricUnit,
    severity: Severity,
    alert_type: AlertType,
    matchers: Vec<Matcher>,
    /// What becomes of its findings.
    rule: Rule,
}

impl MetricRule {
    /// Its name, and that of its findings and alerts.
    pub fn name(&self) -> &str {
        &self.rule.name
    }

    /// The metric that it looks at.
    pub fn metric(&self) -> &'static str {
        self.metric
    }

    /// What becomes of its findings: how long they must hold, how severe the alert is, and its labels.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// The area that its findings belong to.
    pub fn alert_type(&self) -> AlertType {
        self.alert_type
    }

    /// The condition in words: `mean of wal_fsync_p99_seconds over 5m > 100 ms`.
    pub fn condition(&self) -> String {
        format!("{} {} {}", self.quantity(), self.op, self.threshold())
    }

    fn quantity(&self) -> String {
        match self.aggregate {
            Aggregate::Last => self.metric.to_owned(),
            by => format!("{by} of {} over {}", self.metric, in_words(self.window)),
        }
    }

    fn threshold(&self) -> String {
        quantity::show(self.value, self.unit)
    }
}

/// How the value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
    Equal,
    NotEqual,
}

impl Comparison {
    const ALL: [(&'static str, Self); 6] = [
        (">", Self::Above),
        (">=", Self::AtLeast),
        ("<", Self::Below),
        ("<=", Self::AtMost),
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
    ];

    fn parse(text: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|(written, _)| *written == text.trim())
            .map(|(_, op)| op)
    }

    #[expect(
        clippy::float_cmp,
        reason = "a rule that asks for equality is about flags and counts, which are exact"
    )]
    fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Above => value > threshold,
            Self::AtLeast => value >= threshold,
            Self::Below => value < threshold,
            Self::AtMost => value <= threshold,
            Self::Equal => value == threshold,
            Self::NotEqual => value != threshold,
        }
    }

    /// As it stands in a sentence: "is 5, `above` 3".
    fn in_words(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::AtLeast => "not below",
            Self::Below => "below",
            Self::AtMost => "not above",
            Self::Equal => "exactly",
            Self::NotEqual => "not",
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = Self::ALL.into_iter();
        let written = all.find(|(_, op)| op == self);
        f.write_str(written.map_or("", |(written, _)| written))
    }
}

/// `5m`, `1h 30m`, `500ms`.
fn in_words(duration: Duration) -> String {
    let signed = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    format!("{signed:#}")
}
