//! Alerts as Alertmanager takes them.

use std::collections::BTreeMap;

use etcd_monitor_model::SubjectKind;
use jiff::Timestamp;
use serde::Serialize;

use crate::message::told::{ToldAlert, second};

/// What an alert is found by in Alertmanager.
pub(super) type Labels = BTreeMap<String, String>;

/// One alert of `POST /api/v2/alerts`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostedAlert {
    labels: Labels,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'static str, String>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    #[serde(rename = "generatorURL", skip_serializing_if = "Option::is_none")]
    generator_url: Option<String>,
}

/// The alert, ending at `ends`, and before it the end of what it was told as under other labels, where it was.
///
/// Nothing ends on mere suspicion (an earlier process may have told it with another severity): Alertmanager would tell people
/// of that end. What is not sent again ends there by itself.
pub(super) fn posts(
    alert: &ToldAlert,
    before: Option<&Labels>,
    now: Timestamp,
    ends: Timestamp,
) -> Vec<PostedAlert> {
    let labels = labels(alert);
    let before = before.filter(|before| **before != labels);
    let mut posts: Vec<_> = before
        .map(|before| end(alert, before.clone(), now))
        .into_iter()
        .collect();
    posts.push(PostedAlert {
        labels,
        annotations: annotations(alert),
        starts_at: alert.since.min(ends).min(now),
        ends_at: ends,
        generator_url: alert.link.clone(),
    });
    posts
}

fn end(alert: &ToldAlert, labels: Labels, now: Timestamp) -> PostedAlert {
    PostedAlert {
        labels,
        annotations: BTreeMap::new(),
        starts_at: alert.since.min(now),
        ends_at: now,
        generator_url: None,
    }
}

/// The labels: those of the rule, and our own ones, which win. No label says which daemon sends it.
pub(super) fn labels(alert: &ToldAlert) -> Labels {
    let of_rule = alert.labels.iter();
    let mut labels: Labels = of_rule
        .map(|(name, value)| (label_name(name), value.clone()))
        .collect();
    let member = match alert.subject.kind {
        SubjectKind::Member => alert.subject.name.as_str(),
        _ => "",
    };
    for (name, value) in [
        ("alertname", alert.rule.as_str()),
        ("cluster", &alert.cluster),
        ("severity", alert.severity.as_str()),
        ("alert_type", alert.alert_type.as_str()),
        ("subject", &alert.subject.name),
        ("subject_kind", alert.subject.kind.as_str()),
        ("member", member),
    ] {
        labels.insert(name.to_owned(), value.to_owned());
    }
    // To Alertmanager an empty label is a missing one.
    labels.retain(|_, value| !value.is_empty());
    labels
}

/// A name that every version of Alertmanager takes: `[a-zA-Z_][a-zA-Z0-9_]*`.
fn label_name(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut name: String = name
        .chars()
        .map(|c| if allowed(c) { c } else { '_' })
        .collect();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

fn annotations(alert: &ToldAlert) -> BTreeMap<&'static str, String> {
    let mut annotations = BTreeMap::from([
        ("summary", format!("{}: {}", alert.rule, alert.cause)),
        ("description", description(alert)),
        ("since", second(alert.since)),
    ]);
    if !alert.action.is_empty() {
        annotations.insert("action", alert.action.clone());
    }
    if !alert.marks.is_empty() {
        annotations.insert("marks", alert.marks.join("; "));
    }
    annotations
}

fn description(alert: &ToldAlert) -> String {
    let mut lines = vec![alert.place.clone()];
    let seen = alert.evidence.iter();
    lines.extend(
        seen.map(|seen| format!("{}: {} (at {})", seen.source, seen.value, second(seen.at))),
    );
    if alert.evidence_left_out > 0 {
        lines.push(format!("and {} more values", alert.evidence_left_out));
    }
    lines.join("\n")
}
