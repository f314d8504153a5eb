//! Rules: which findings become alerts, as written and checked.

use std::collections::BTreeMap;
use std::time::Duration;

use etcd_monitor_alerting::{ALERT_LABELS, MatchOp, Matcher, Rule, SeverityPolicy, default_rules};
use etcd_monitor_model::{Severity, rule};
use serde::Deserialize;

use crate::config::duration;
use crate::config::place::{At, Remark};

/// What a rule may be given, as written. What is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RuleFile {
    /// Whether it makes alerts (true where the rule is named).
    pub(super) enabled: Option<bool>,
    /// Time for which the finding must be true before it is told, 0s to 31d.
    #[serde(rename = "for")]
    pub(super) hold: Option<At<String>>,
    /// Time for which the alert goes on after the finding is over, 0s to 31d.
    pub(super) keep_firing_for: Option<At<String>>,
    /// `info`, `warning` or `critical`, in the place of the finding's.
    pub(super) severity: Option<At<String>>,
    /// Further labels of its alerts, to route by.
    pub(super) labels: BTreeMap<At<String>, At<String>>,
}

/// Rules by name, as written.
pub(in crate::config) type RulesFile = BTreeMap<At<String>, RuleFile>;

/// The rules of one cluster, or of all that have none of their own; those that are off are still known.
#[derive(Debug, Clone)]
pub(super) struct RuleSet(Vec<(Rule, bool)>);

impl RuleSet {
    /// The default rules, and, off, those of the model that need nobody.
    pub(super) fn defaults() -> Self {
        let on = default_rules().into_iter().map(|rule| (rule, true));
        let mut all: Vec<(Rule, bool)> = on.collect();
        for name in rule::ALL {
            if !all.iter().any(|(rule, _)| rule.finding == name) {
                all.push((Rule::new(name, Duration::ZERO), false));
            }
        }
        Self(all)
    }

    /// Those that are on.
    pub(super) fn on(&self) -> Vec<Rule> {
        let on = self.0.iter().filter(|(_, on)| *on);
        on.map(|(rule, _)| rule.clone()).collect()
    }

    /// The names of all, those that are off included.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(rule, _)| rule.name.as_str())
    }

    /// Takes over holds: the short form of rules that are given nothing else.
    pub(super) fn hold(&mut self, holds: &BTreeMap<At<String>, At<String>>) -> Result<(), Remark> {
        for (name, text) in holds {
            let hold = text.parsed_as(name, duration::hold)?;
            self.known(name)?.0.hold = hold;
        }
        Ok(())
    }

    /// Lays what is written over the rules of these names. A rule that is named is on, unless it is said to be off.
    pub(super) fn lay_over(&mut self, files: &RulesFile) -> Result<(), Remark> {
        for (name, file) in files {
            let (rule, on) = self.known(name)?;
            file.change(rule)?;
            *on = file.enabled.unwrap_or(true);
        }
        Ok(())
    }

    /// Adds a rule; its name must be new.
    pub(super) fn add(&mut self, name: &At<String>, rule: Rule, on: bool) -> Result<(), Remark> {
        self.check_new(name)?;
        self.0.push((rule, on));
        Ok(())
    }

    /// Sees that no rule has this name.
    pub(super) fn check_new(&self, name: &At<String>) -> Result<(), Remark> {
        let is_known = self.0.iter().any(|(rule, _)| rule.name == name.value);
        let wrong = || {
            name.remark(format!(
                "a rule named {:?} is there already; choose another name, or change it under alerts.rules",
                name.value
            ))
        };
        if is_known { Err(wrong()) } else { Ok(()) }
    }

    fn known(&mut self, name: &At<String>) -> Result<&mut (Rule, bool), Remark> {
        name.one_of("rule", self.names())?;
        let found = self.0.iter_mut().find(|(rule, _)| rule.name == name.value);
        found.ok_or_else(|| name.remark("no such rule"))
    }
}

impl RuleFile {
    /// Whether the rule is to be used.
    pub(super) fn is_on(&self) -> bool {
        self.enabled.unwrap_or(true)
    }

    /// Changes a rule as it is written.
    pub(super) fn change(&self, rule: &mut Rule) -> Result<(), Remark> {
        if let Some(text) = &self.hold {
            rule.hold = text.parsed_as("for", duration::hold)?;
        }
        if let Some(text) = &self.keep_firing_for {
            rule.keep_firing = text.parsed_as("keep_firing_for", duration::hold)?;
        }
        if let Some(text) = &self.severity {
            rule.severity = SeverityPolicy::Fixed(severity(text)?);
        }
        for (name, value) in &self.labels {
            check_label(name)?;
            rule.labels.insert(name.value.clone(), value.value.clone());
        }
        Ok(())
    }
}

pub(super) fn severity(text: &At<String>) -> Result<Severity, Remark> {
    text.chosen("severity", &Severity::ALL, Severity::as_str)
}

/// A label of a rule has a name that matchers can name, and that no alert has by itself.
fn check_label(name: &At<String>) -> Result<(), Remark> {
    if ALERT_LABELS.contains(&name.as_str()) {
        let wrong = format!(
            "every alert has the label {:?} by itself; choose another name",
            name.value
        );
        return Err(name.remark(wrong));
    }
    name.parsed(|name| Matcher::new(name, MatchOp::Equal, "").map(|_| ()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid_over(yaml: &str) -> Result<RuleSet, Remark> {
        let mut set = RuleSet::defaults();
        set.lay_over(&serde_saphyr::from_str(yaml).unwrap())?;
        Ok(set)
    }

    fn refused(yaml: &str) -> String {
        laid_over(yaml).unwrap_err().to_string()
    }

    fn rule(set: &RuleSet, name: &str) -> Option<Rule> {
        set.on().into_iter().find(|rule| rule.name == name)
    }

    #[test]
    fn what_is_written_is_changed_and_the_rest_stays() {
        let yaml = "NoLeader: {for: 2m, labels: {team: storage}}\nMemberDown: {severity: info, keep_firing_for: 30s}\n";
        let set = laid_over(yaml).unwrap();
        let no_leader = rule(&set, "NoLeader").unwrap();
        assert_eq!(no_leader.hold, Duration::from_mins(2));
        assert_eq!(
            no_leader.severity,
            SeverityPolicy::Fixed(Severity::Critical)
        );
        assert_eq!(no_leader.labels["team"], "storage");
        let member_down = rule(&set, "MemberDown").unwrap();
        assert_eq!(member_down.hold, Duration::from_secs(9));
        assert_eq!(member_down.keep_firing, Duration::from_secs(30));
        assert_eq!(member_down.severity, SeverityPolicy::Fixed(Severity::Info));
    }

    #[test]
    fn a_rule_is_off_where_that_is_said_and_on_where_it_is_named() {
        let set =
            laid_over("MemberDown: {enabled: false}\nMetricsUnreadable: {for: 1h}\n").unwrap();
        assert_eq!(rule(&set, "MemberDown"), None);
        assert_eq!(
            rule(&set, "MetricsUnreadable").unwrap().hold,
            Duration::from_hours(1)
        );
        assert_eq!(rule(&RuleSet::defaults(), "MetricsUnreadable"), None);
        assert_eq!(RuleSet::defaults().on(), default_rules());
    }

    #[test]
    fn what_is_wrong_is_told_with_line_and_column() {
        let error = refused("NoLeader: {for: 2m}\nMemberDwon: {for: 1s}\n");
        assert_eq!(
            error,
            "line 2 column 1: no rule is named \"MemberDwon\"; did you mean MemberDown?"
        );
        let error = refused("NoLeader: {for: soon}\n");
        assert!(
            error.starts_with("line 1 column 17: for: \"soon\" is not a duration"),
            "{error}"
        );
        let error = refused("NoLeader: {severity: warn}\n");
        assert_eq!(
            error,
            "line 1 column 22: no severity is named \"warn\"; did you mean warning?"
        );
        let error = refused("NoLeader: {labels: {severity: x}}\n");
        assert!(
            error.starts_with("line 1 column 21: every alert has the label"),
            "{error}"
        );
        assert!(refused("NoLeader: {labels: {a-b: x}}\n").contains("no name of a label"));
    }
}
