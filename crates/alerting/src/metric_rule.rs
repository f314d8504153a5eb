//! Rules over numbers.

use etcd_monitor_model::{Finding, Snapshot};

use crate::rule::Rule;

/// A condition on a metric, written by a user.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MetricRule {
    /// Its name, which is that of its alerts.
    pub name: String,
    /// What becomes of the findings that it makes: `for`, severity and labels.
    pub rule: Rule,
}

impl MetricRule {
    /// What becomes of the findings that it makes.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }
}

/// Metric rules at work.
#[derive(Debug, Default)]
pub struct MetricRules;

impl MetricRules {
    /// The rules, without any numbers yet.
    pub fn new(_rules: &[MetricRule]) -> Self {
        Self
    }

    /// What the rules say of a cluster by a further snapshot.
    pub fn observe(&mut self, _snapshot: &Snapshot) -> Vec<Finding> {
        Vec::new()
    }
}
