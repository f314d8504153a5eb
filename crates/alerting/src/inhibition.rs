//! Inhibition: an alert that fires mutes others.

use crate::alert::Alert;
use crate::matcher::{Matcher, all_match, is_label_name};

/// While an alert that matches `source` fires, nothing new is told about those that match `target` and have the same
/// values of the labels in `equal`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Inhibition {
    /// What mutes.
    pub source: Vec<Matcher>,
    /// What is muted.
    pub target: Vec<Matcher>,
    /// Labels that must be alike. One that both alerts lack is alike.
    pub equal: Vec<String>,
}

/// Why an inhibition cannot be used. A variant is what to correct.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InhibitionError {
    /// One side says nothing.
    #[error(
        "an inhibition needs matchers on both sides, and {0} has none; {0}: ['rule=~\".+\"'] means every alert"
    )]
    Unlimited(&'static str),
    /// A text that is no label's name.
    #[error(
        "equal: {0:?} is no name of a label; names have letters, digits and _, and begin with no digit"
    )]
    Label(String),
}

impl Inhibition {
    /// An inhibition of its parts.
    ///
    /// # Errors
    ///
    /// When a side has no matcher, or `equal` holds what is no label's name.
    pub fn new(
        source: Vec<Matcher>,
        target: Vec<Matcher>,
        equal: Vec<String>,
    ) -> Result<Self, InhibitionError> {
        for (side, matchers) in [("source", &source), ("target", &target)] {
            if matchers.is_empty() {
                return Err(InhibitionError::Unlimited(side));
            }
        }
        match equal.iter().find(|label| !is_label_name(label)) {
            Some(label) => Err(InhibitionError::Label(label.clone())),
            None => Ok(Self {
                source,
                target,
                equal,
            }),
        }
    }

    /// Whether `source`, while it fires, mutes `target`.
    ///
    /// No alert mutes itself, and of two that both match both sides neither mutes the other: both would be silent.
    pub fn mutes(&self, source: &Alert, target: &Alert) -> bool {
        self.is_source(source)
            && self.is_target(target)
            && !(self.is_source(target) && self.is_target(source))
            && self.are_equal(source, target)
    }

    /// Whether an alert can mute others by this.
    pub fn is_source(&self, alert: &Alert) -> bool {
        all_match(&self.source, alert)
    }

    /// Whether an alert can be muted by this.
    pub fn is_target(&self, alert: &Alert) -> bool {
        all_match(&self.target, alert)
    }

    fn are_equal(&self, source: &Alert, target: &Alert) -> bool {
        let mut labels = self.equal.iter();
        // As everywhere a label that is missing is the empty text.
        labels.all(|label| {
            source.label(label).unwrap_or_default() == target.label(label).unwrap_or_default()
        })
    }
}

#[cfg(test)]
mod tests {
    use etcd_monitor_model::Severity;

    use super::*;
    use crate::fixtures::{alert, matchers};

    fn inhibition(source: &str, target: &str, equal: &[&str]) -> Inhibition {
        let equal = equal.iter().map(|&label| label.to_owned()).collect();
        Inhibition::new(matchers(&[source]), matchers(&[target]), equal).unwrap()
    }

    #[test]
    fn a_source_mutes_the_targets_that_are_alike_in_the_equal_labels() {
        let by = inhibition("rule=QuorumLost", "severity=warning", &["cluster"]);
        let source = alert("a", "QuorumLost", Severity::Critical);
        let target = alert("a", "MemberDown", Severity::Warning);
        assert!(by.mutes(&source, &target));
        assert!(!by.mutes(&target, &source));
        assert!(!by.mutes(&source, &alert("b", "MemberDown", Severity::Warning)));
        assert!(!by.mutes(&source, &alert("a", "MemberDown", Severity::Critical)));
    }

    #[test]
    fn an_equal_label_that_both_lack_is_alike_and_one_that_only_one_has_is_not() {
        let by = inhibition("rule=QuorumLost", "rule=MemberDown", &["team"]);
        let source = alert("a", "QuorumLost", Severity::Critical);
        let mut target = alert("a", "MemberDown", Severity::Warning);
        assert!(by.mutes(&source, &target));
        target.labels.insert("team".into(), String::new());
        assert!(by.mutes(&source, &target), "missing is the empty text");
        target.labels.insert("team".into(), "red".into());
        assert!(!by.mutes(&source, &target));
    }

    #[test]
    fn alerts_that_are_on_both_sides_do_not_mute_each_other() {
        let by = inhibition("severity=critical", "cluster=a", &[]);
        let both = alert("a", "QuorumLost", Severity::Critical);
        let other = alert("a", "NoLeader", Severity::Critical);
        assert!(!by.mutes(&both, &both), "least of all itself");
        assert!(!by.mutes(&both, &other) && !by.mutes(&other, &both));
        let target = alert("a", "MemberDown", Severity::Warning);
        assert!(
            by.mutes(&both, &target),
            "one that is only a target is muted"
        );
        let source = alert("b", "QuorumLost", Severity::Critical);
        assert!(
            by.mutes(&source, &both),
            "one that is only a source mutes one on both sides"
        );
    }

    #[test]
    fn sides_without_matchers_and_impossible_labels_are_refused() {
        let some = || matchers(&["rule=x"]);
        let error = Inhibition::new(some(), Vec::new(), Vec::new()).unwrap_err();
        assert_eq!(error, InhibitionError::Unlimited("target"));
        let error = Inhibition::new(some(), some(), vec!["a b".into()]).unwrap_err();
        assert!(error.to_string().contains("\"a b\""), "{error}");
    }
}
