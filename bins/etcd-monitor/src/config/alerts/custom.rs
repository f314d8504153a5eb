//! Rules of the user's own.

use std::collections::BTreeMap;

use etcd_monitor_alerting::{MetricRule, Rule};
use etcd_monitor_model::rule;
use serde::Deserialize;

use super::rules::{RuleFile, RuleSet};
use crate::config::place::{At, Remark};

/// A rule of the user's own as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CustomRuleFile {
    name: At<String>,
    finding: Option<At<String>>,
    enabled: Option<bool>,
    #[serde(rename = "for")]
    hold: Option<At<String>>,
    keep_firing_for: Option<At<String>>,
    severity: Option<At<String>>,
    #[serde(default)]
    labels: BTreeMap<At<String>, At<String>>,
}

/// Adds the rules to those that there are, and returns those over numbers.
pub(super) fn check(
    files: &[CustomRuleFile],
    rules: &mut RuleSet,
) -> Result<Vec<MetricRule>, Remark> {
    for file in files {
        let Some(finding) = &file.finding else {
            return Err(file.name.remark("a rule needs a finding or a metric"));
        };
        finding.one_of("finding", rule::ALL)?;
        let changes = file.changes();
        let mut rule = Rule::new(&file.name, std::time::Duration::ZERO);
        rule.finding.clone_from(&finding.value);
        changes.change(&mut rule)?;
        rules.add(&file.name, rule, changes.is_on())?;
    }
    Ok(Vec::new())
}

impl CustomRuleFile {
    /// What it says that every rule may be given.
    fn changes(&self) -> RuleFile {
        RuleFile {
            enabled: self.enabled,
            hold: self.hold.clone(),
            keep_firing_for: self.keep_firing_for.clone(),
            severity: self.severity.clone(),
            labels: self.labels.clone(),
        }
    }
}
