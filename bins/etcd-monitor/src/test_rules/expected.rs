//! What must come out of a test.

use etcd_monitor_alerting::{
    AlertPolicy, AlertState, Expectation, ExpectedAlert, ExpectedNotification, MetricRule,
    NotificationKind,
};
use etcd_monitor_model::Severity;

use super::Tested;
use super::written::{AlertText, ExpectationText, NotificationText};
use crate::config::duration;
use crate::config::place::{At, Remark};

/// What an alert can be that is not over.
const STATES: [AlertState; 2] = [AlertState::Firing, AlertState::Pending];

const KINDS: [NotificationKind; 6] = [
    NotificationKind::Fired,
    NotificationKind::Updated,
    NotificationKind::Repeated,
    NotificationKind::Resent,
    NotificationKind::Acknowledged,
    NotificationKind::Resolved,
];

pub(super) fn expectations(
    texts: &[ExpectationText],
    tested: &Tested,
) -> Result<Vec<Expectation>, Remark> {
    texts.iter().map(|text| expectation(text, tested)).collect()
}

fn expectation(text: &ExpectationText, tested: &Tested) -> Result<Expectation, Remark> {
    let mut expectation = Expectation::at(text.at.parsed_as("at", duration::hold)?);
    if text.alerts.is_none() && text.notifications.is_none() {
        return Err(text.at.remark(
            "nothing is expected here; write alerts, notifications or both, `[]` for none",
        ));
    }
    if let Some(alerts) = &text.alerts {
        let alerts = alerts.iter().map(|one| alert(one, tested));
        expectation.alerts = Some(alerts.collect::<Result<_, _>>()?);
    }
    if let Some(told) = &text.notifications {
        let told = told.iter().map(|one| notification(one, &tested.policy));
        expectation.notifications = Some(told.collect::<Result<_, _>>()?);
    }
    Ok(expectation)
}

fn alert(text: &AlertText, tested: &Tested) -> Result<ExpectedAlert, Remark> {
    known_rule(&text.rule, &tested.policy)?;
    let mut alert = ExpectedAlert::firing(text.rule.as_str());
    if let Some(state) = &text.state {
        alert.state = state.chosen("state of an alert", &STATES, AlertState::as_str)?;
    }
    if let Some(cluster) = &text.cluster {
        if !tested.clusters.is_empty() {
            cluster.one_of("cluster", tested.clusters.iter().map(String::as_str))?;
        }
        alert.cluster = Some(cluster.value.clone());
    }
    alert.severity = text.severity.as_ref().map(severity).transpose()?;
    alert.subject.clone_from(&text.subject);
    alert.labels.clone_from(&text.labels);
    alert.muted = text.muted;
    alert.unknown = text.unknown;
    Ok(alert)
}

fn notification(
    text: &NotificationText,
    policy: &AlertPolicy,
) -> Result<ExpectedNotification, Remark> {
    let channels = policy.channels.keys().map(String::as_str);
    text.channel.one_of("channel", channels)?;
    let kind = text
        .kind
        .chosen("kind of message", &KINDS, NotificationKind::as_str)?;
    let mut told = ExpectedNotification::new(text.channel.as_str(), kind);
    told.severity = text.severity.as_ref().map(severity).transpose()?;
    if let Some(rules) = &text.rules {
        let known = rules.iter().map(|rule| known_rule(rule, policy));
        known.collect::<Result<(), _>>()?;
        told.rules = Some(rules.iter().map(|rule| rule.value.clone()).collect());
    }
    Ok(told)
}

/// A rule that is on nowhere makes no alert: its name is a mistake.
fn known_rule(name: &At<String>, policy: &AlertPolicy) -> Result<(), Remark> {
    let own = policy.cluster_rules.values().flatten();
    let rules = policy.rules.iter().chain(own).map(|rule| &*rule.name);
    let metric = policy.metric_rules.iter().map(MetricRule::name);
    name.one_of("rule", rules.chain(metric))
}

fn severity(text: &At<String>) -> Result<Severity, Remark> {
    text.chosen("severity", &Severity::ALL, Severity::as_str)
}
