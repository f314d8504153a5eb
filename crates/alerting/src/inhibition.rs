//! Inhibition: an alert that fires mutes others.

use crate::matcher::Matcher;

/// While an alert that matches `source` fires, nothing new is told about those that match `target` and have the same
/// values of the labels in `equal`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Inhibition {
    /// What mutes.
    pub source: Vec<Matcher>,
    /// What is muted.
    pub target: Vec<Matcher>,
    /// Labels that must be alike.
    pub equal: Vec<String>,
}
