//! Rules of the user's own: over findings, and over numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use etcd_monitor_alerting::{MetricRule, MetricRuleError, MetricRuleText, Rule};
use etcd_monitor_model::{AlertType, rule};
use serde::Deserialize;

use super::routes::matchers;
use super::rules::{RuleFile, RuleSet, severity};
use crate::config::duration;
use crate::config::place::{At, Remark};

/// A rule of the user's own as written: over a finding or over a metric.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CustomRuleFile {
    /// Its name.
    name: At<String>,
    /// The finding that it is one more rule over.
    finding: Option<At<String>>,
    /// The metric that it compares.
    metric: Option<At<String>>,
    /// What is taken of the samples in the window, such as `max`.
    aggregate: Option<At<String>>,
    /// The window over which samples are taken.
    window: Option<At<String>>,
    /// How they are compared, such as `>`.
    op: Option<At<String>>,
    /// With what: a number, or one with a unit such as 50ms.
    value: Option<At<String>>,
    /// Type of its alerts, one of the eight.
    alert_type: Option<At<String>>,
    /// Of which clusters and members, as matchers.
    #[serde(default)]
    matchers: Vec<At<String>>,
    /// Whether it is on (true).
    enabled: Option<bool>,
    /// Time for which it must be true before it is told, 0s to 31d.
    #[serde(rename = "for")]
    hold: Option<At<String>>,
    /// Time for which the alert goes on after that is over, 0s to 31d.
    keep_firing_for: Option<At<String>>,
    /// `info`, `warning` or `critical`.
    severity: Option<At<String>>,
    /// Further labels of its alerts.
    #[serde(default)]
    labels: BTreeMap<At<String>, At<String>>,
}

/// Adds the rules over findings to those that there are, and returns those over numbers that are on.
pub(super) fn check(
    files: &[CustomRuleFile],
    rules: &mut RuleSet,
) -> Result<Vec<MetricRule>, Remark> {
    let mut checked = Vec::new();
    for file in files {
        match (&file.finding, &file.metric) {
            (Some(finding), None) => file.over_finding(finding, rules)?,
            (None, Some(metric)) => {
                rules.check_new(&file.name)?;
                checked.push(file.over_metric(metric)?);
                let all = MetricRule::check_all(&checked);
                all.map_err(|error| file.name.remark(error.problem))?;
                if file.enabled == Some(false) {
                    checked.pop();
                }
            }
            _ => {
                return Err(file
                    .name
                    .remark("a rule needs either a finding or a metric"));
            }
        }
    }
    Ok(checked)
}

impl CustomRuleFile {
    fn over_finding(&self, finding: &At<String>, rules: &mut RuleSet) -> Result<(), Remark> {
        if let Some((key, at)) = self.of_metrics() {
            return Err(at.remark(format!("{key}: only a rule over a metric has this")));
        }
        finding.one_of("finding", rule::ALL)?;
        let mut rule = Rule::new(&self.name, Duration::ZERO);
        rule.finding.clone_from(&finding.value);
        let common = self.common();
        common.change(&mut rule)?;
        rules.add(&self.name, rule, common.is_on())
    }

    /// What it says that every rule may be given.
    fn common(&self) -> RuleFile {
        RuleFile {
            enabled: self.enabled,
            hold: self.hold.clone(),
            keep_firing_for: self.keep_firing_for.clone(),
            severity: self.severity.clone(),
            labels: self.labels.clone(),
        }
    }

    /// The first key that only a rule over a metric has.
    fn of_metrics(&self) -> Option<(&'static str, &At<String>)> {
        let keys = [
            "aggregate",
            "window",
            "op",
            "value",
            "alert_type",
            "matchers",
        ];
        keys.into_iter()
            .find_map(|key| Some((key, self.written(key)?)))
    }

    /// What stands under a key.
    fn written(&self, key: &str) -> Option<&At<String>> {
        match key {
            "metric" => self.metric.as_ref(),
            "aggregate" => self.aggregate.as_ref(),
            "window" => self.window.as_ref(),
            "op" => self.op.as_ref(),
            "value" => self.value.as_ref(),
            "alert_type" => self.alert_type.as_ref(),
            "matchers" => self.matchers.first(),
            "hold" => self.hold.as_ref(),
            "keep_firing" => self.keep_firing_for.as_ref(),
            "labels" => self.labels.keys().next(),
            _ => None,
        }
    }

    fn over_metric(&self, metric: &At<String>) -> Result<MetricRule, Remark> {
        let mut text = MetricRuleText::new(
            self.name.as_str(),
            metric.as_str(),
            self.needed("op")?.as_str(),
            self.needed("value")?.as_str(),
        );
        text.aggregate = self.aggregate.as_ref().map(|at| at.value.clone());
        text.window = duration_under("window", self.window.as_ref())?;
        text.hold = duration_under("for", self.hold.as_ref())?.unwrap_or_default();
        text.keep_firing =
            duration_under("keep_firing_for", self.keep_firing_for.as_ref())?.unwrap_or_default();
        if let Some(written) = &self.severity {
            text.severity = severity(written)?;
        }
        let alert_type = self.alert_type.as_ref();
        text.alert_type = alert_type
            .map(|at| at.chosen("alert type", &AlertType::ALL, AlertType::as_str))
            .transpose()?;
        let labels = self.labels.iter();
        text.labels = labels
            .map(|(name, value)| (name.value.clone(), value.value.clone()))
            .collect();
        text.matchers = matchers(&self.matchers)?;
        MetricRule::new(text).map_err(|error| self.wrong(&error))
    }

    fn needed(&self, key: &str) -> Result<&At<String>, Remark> {
        let missing = || {
            self.name
                .remark(format!("a rule over a metric needs {key}"))
        };
        self.written(key).ok_or_else(missing)
    }

    /// What the library has against it, where it stands.
    fn wrong(&self, error: &MetricRuleError) -> Remark {
        let key = match error.key {
            "hold" => "for",
            "keep_firing" => "keep_firing_for",
            key => key,
        };
        let at = self.written(error.key).unwrap_or(&self.name);
        at.remark(&error.problem).under(key)
    }
}

fn duration_under(key: &str, text: Option<&At<String>>) -> Result<Option<Duration>, Remark> {
    let parsed = text.map(|text| text.parsed_as(key, duration::hold));
    parsed.transpose()
}
