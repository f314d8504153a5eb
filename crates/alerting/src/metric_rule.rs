//! Rules over numbers.

/// A condition on a metric, written by a user.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MetricRule {
    /// Its name, which is that of its alerts.
    pub name: String,
}
