//! Who hears of an alert with some labels.

use etcd_monitor_alerting::{Alert, AlertPolicy, MetricRule, Notification, SeverityPolicy};
use etcd_monitor_model::{AlertType, ClusterName, Severity, Subject, SubjectKind};
use jiff::Timestamp;
use serde::Serialize;

use crate::config::{ConfigError, not_there};

/// Where an alert goes.
#[derive(Debug, Serialize)]
pub(super) struct Hearers {
    pub(super) channels: Vec<Hearer>,
}

/// One channel that hears of it.
#[derive(Debug, Serialize)]
pub(super) struct Hearer {
    pub(super) channel: String,
    pub(super) group_by: Vec<String>,
    pub(super) group_wait_seconds: f64,
    pub(super) group_interval_seconds: f64,
    pub(super) repeat_interval_seconds: f64,
    pub(super) mute_during: Vec<String>,
}

impl Hearers {
    pub(super) fn of(policy: &AlertPolicy, labels: &[String]) -> Result<Self, ConfigError> {
        let alert = alert(policy, labels)?;
        let targets = policy.route.targets(&alert).into_iter();
        let channels = targets.map(|target| Hearer {
            channel: target.channel.to_owned(),
            group_by: target.group_by.to_vec(),
            group_wait_seconds: target.timing.group_wait.as_secs_f64(),
            group_interval_seconds: target.timing.group_interval.as_secs_f64(),
            repeat_interval_seconds: target.timing.repeat_interval.as_secs_f64(),
            mute_during: target.mute_during.iter().map(ToString::to_string).collect(),
        });
        Ok(Self {
            channels: channels.collect(),
        })
    }
}

/// An alert with these labels; what they leave open is that of a warning about a cluster without a name.
fn alert(policy: &AlertPolicy, written: &[String]) -> Result<Alert, ConfigError> {
    let words = written.iter().flat_map(|text| text.split_whitespace());
    let labels: Vec<(&str, &str)> = words.map(label).collect::<Result<_, _>>()?;
    let mut alert = blank()?;
    // The rule first: what else is said wins over what it brings along.
    for (_, rule) in labels.iter().filter(|(name, _)| *name == "rule") {
        take_over(policy, rule, &mut alert);
    }
    for (name, value) in labels {
        set(&mut alert, name, value)?;
    }
    Ok(alert)
}

fn label(word: &str) -> Result<(&str, &str), ConfigError> {
    let (name, value) = word.split_once('=').ok_or_else(|| {
        ConfigError::new(format!(
            "--route {word:?} is no label; for example severity=critical"
        ))
    })?;
    Ok((name, value.trim_matches('"')))
}

fn blank() -> Result<Alert, ConfigError> {
    let trial = Notification::trial("", Timestamp::UNIX_EPOCH);
    let alert = trial.firing.into_iter().next();
    let mut alert = alert.ok_or_else(|| ConfigError::new("there is no alert to route"))?;
    alert.rule.clear();
    alert.severity = Severity::Warning;
    alert.cluster = ClusterName::new("");
    alert.subject = Subject::cluster(&alert.cluster);
    Ok(alert)
}

/// What a rule of the configuration brings along.
fn take_over(policy: &AlertPolicy, name: &str, alert: &mut Alert) {
    let of_metrics = policy.metric_rules.iter().map(MetricRule::rule);
    let mut rules = policy.rules.iter().chain(of_metrics);
    if let Some(rule) = rules.find(|rule| rule.name == name) {
        alert.labels.clone_from(&rule.labels);
        if let SeverityPolicy::Fixed(severity) = rule.severity {
            alert.severity = severity;
        }
    }
}

fn set(alert: &mut Alert, name: &str, value: &str) -> Result<(), ConfigError> {
    match name {
        "rule" => value.clone_into(&mut alert.rule),
        "cluster" => alert.cluster = ClusterName::new(value),
        "severity" => alert.severity = chosen(name, value, &Severity::ALL, Severity::as_str)?,
        "alert_type" => alert.alert_type = chosen(name, value, &AlertType::ALL, AlertType::as_str)?,
        "member" => alert.subject = Subject::member(value, None),
        "subject" => value.clone_into(&mut alert.subject.name),
        "subject_kind" => {
            let kinds = [
                SubjectKind::Cluster,
                SubjectKind::Member,
                SubjectKind::Monitor,
            ];
            alert.subject.kind = chosen(name, value, &kinds, SubjectKind::as_str)?;
        }
        own => {
            alert.labels.insert(own.to_owned(), value.to_owned());
        }
    }
    Ok(())
}

fn chosen<T: Copy>(
    label: &str,
    value: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, ConfigError> {
    let found = all.iter().find(|one| name(**one) == value);
    let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
    found
        .copied()
        .ok_or_else(|| ConfigError::new(not_there(label, value, &names)))
}
