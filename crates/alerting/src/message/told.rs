//! An alert as a message tells it.

use std::collections::BTreeMap;

use etcd_monitor_model::{AlertType, Evidence, FindingKey, Severity, Subject, plain_text as plain};
use jiff::Timestamp;
use serde::Serialize;

use crate::alert::{Acknowledgement, Alert, AlertState, Fingerprint, MutedBy, ResolveReason};
use crate::links::MessageLinks;

/// Evidence that is told of one alert; a finding on a large cluster can rest on hundreds of values.
const MAX_EVIDENCE: usize = 20;

/// Every field of [`Alert`], and what people and templates need beside it.
#[derive(Debug, Serialize)]
pub(crate) struct ToldAlert {
    pub(crate) id: Fingerprint,
    pub(crate) rule: String,
    pub(crate) alert_type: AlertType,
    pub(crate) severity: Severity,
    pub(crate) state: AlertState,
    pub(crate) cluster: String,
    pub(crate) subject: Subject,
    pub(crate) cause: String,
    pub(crate) action: String,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) since: Timestamp,
    pub(crate) fired_at: Option<Timestamp>,
    pub(crate) resolved_at: Option<Timestamp>,
    pub(crate) resolve_reason: Option<ResolveReason>,
    pub(crate) unknown_since: Option<Timestamp>,
    pub(crate) explained_by: Option<FindingKey>,
    pub(crate) muted_by: Option<MutedBy>,
    pub(crate) acknowledged: Option<Acknowledgement>,
    pub(crate) flapping: bool,
    /// How much evidence is left out.
    pub(crate) evidence_left_out: usize,
    /// Cluster and subject in words.
    pub(crate) place: String,
    /// What is unusual about it, in words.
    pub(crate) marks: Vec<String>,
    /// How long it lasted; `None` while it does.
    pub(crate) lasted_seconds: Option<i64>,
    /// The same in words.
    pub(crate) lasted: Option<String>,
    /// The dashboard's page of it.
    pub(crate) link: Option<String>,
}

impl ToldAlert {
    pub(super) fn of(alert: &Alert, links: &MessageLinks) -> Self {
        let lasted_seconds = alert
            .resolved_at
            .map(|end| end.duration_since(alert.since).as_secs().max(0));
        Self {
            id: alert.id,
            rule: plain(&alert.rule),
            alert_type: alert.alert_type,
            severity: alert.severity,
            state: alert.state,
            cluster: plain(alert.cluster.as_str()),
            subject: plain_subject(&alert.subject),
            cause: plain(&alert.cause),
            action: plain(&alert.action),
            evidence: alert
                .evidence
                .iter()
                .take(MAX_EVIDENCE)
                .map(plain_evidence)
                .collect(),
            labels: alert
                .labels
                .iter()
                .map(|(name, value)| (plain(name), plain(value)))
                .collect(),
            since: alert.since,
            fired_at: alert.fired_at,
            resolved_at: alert.resolved_at,
            resolve_reason: alert.resolve_reason,
            unknown_since: alert.unknown_since,
            explained_by: alert.explained_by.as_ref().map(plain_key),
            muted_by: alert.muted_by.as_ref().map(plain_mute),
            acknowledged: alert.acknowledged.as_ref().map(plain_acknowledgement),
            flapping: alert.flapping,
            evidence_left_out: alert.evidence.len().saturating_sub(MAX_EVIDENCE),
            place: place(alert),
            marks: marks(alert),
            lasted_seconds,
            lasted: lasted_seconds.map(in_words),
            link: links.alert(alert),
        }
    }
}

fn plain_subject(subject: &Subject) -> Subject {
    Subject {
        kind: subject.kind,
        name: plain(&subject.name),
        id: subject.id,
    }
}

fn plain_evidence(seen: &Evidence) -> Evidence {
    Evidence {
        source: plain(&seen.source),
        value: plain(&seen.value),
        at: seen.at,
    }
}

fn plain_key(key: &FindingKey) -> FindingKey {
    FindingKey {
        rule: plain(&key.rule),
        subject: plain(&key.subject),
    }
}

fn plain_mute(muted: &MutedBy) -> MutedBy {
    match muted {
        MutedBy::Silence(id) => MutedBy::Silence(plain(id)),
        MutedBy::Maintenance(name) => MutedBy::Maintenance(plain(name)),
        MutedBy::Inhibition(by) => MutedBy::Inhibition(*by),
    }
}

fn plain_acknowledgement(given: &Acknowledgement) -> Acknowledgement {
    Acknowledgement {
        by: plain(&given.by),
        at: given.at,
        comment: plain(&given.comment),
    }
}

fn place(alert: &Alert) -> String {
    let cluster = plain(alert.cluster.as_str());
    let kind = alert.subject.kind.as_str();
    let subject = plain(&alert.subject.name);
    match alert.subject.id {
        Some(id) => format!("cluster: {cluster}, {kind}: {subject} ({id})"),
        None if kind == "cluster" => format!("cluster: {cluster}"),
        None => format!("cluster: {cluster}, {kind}: {subject}"),
    }
}

fn marks(alert: &Alert) -> Vec<String> {
    let unknown = alert
        .unknown_since
        .map(|since| format!("unknown since {}: its inputs are missing", second(since)));
    let flapping = alert
        .flapping
        .then(|| "flapping: told as over only after 5 min of quiet".to_owned());
    let acknowledged = alert.acknowledged.as_ref().map(acknowledged);
    let muted = alert.muted_by.as_ref().map(muted);
    [unknown, flapping, acknowledged, muted]
        .into_iter()
        .flatten()
        .collect()
}

fn acknowledged(given: &Acknowledgement) -> String {
    let (by, at) = (plain(&given.by), second(given.at));
    match given.comment.as_str() {
        "" => format!("acknowledged by {by} at {at}"),
        comment => format!("acknowledged by {by} at {at}: {}", plain(comment)),
    }
}

fn muted(by: &MutedBy) -> String {
    match by {
        MutedBy::Silence(id) => format!("muted by the silence {}", plain(id)),
        MutedBy::Maintenance(name) => format!("muted by the maintenance window {}", plain(name)),
        MutedBy::Inhibition(by) => format!("muted by the alert {by}"),
    }
}

/// A time to the second, which is as exact as a cycle.
pub(crate) fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `45 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`: the two largest units.
pub(crate) fn in_words(seconds: i64) -> String {
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let begin = parts.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let told = parts
        .iter()
        .skip(begin)
        .take(2)
        .filter(|(count, unit)| *count > 0 || *unit == "s");
    let words: Vec<String> = told
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    words.join(" ")
}
