//! What a message says: a notification made ready for people and templates, with every foreign text made plain.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use etcd_monitor_model::{Severity, plain_text as plain};
use jiff::Timestamp;
use serde::Serialize;

use crate::links::MessageLinks;
use crate::notification::{Group, Notification, NotificationKind};
use crate::notifier::Delivery;
use told::ToldAlert;

pub(crate) mod told;

/// The version of the shape, as in JSON. Fields may be added to a version, never renamed or removed.
const VERSION: u32 = 1;

/// Labels that need no bracket in the name of a group.
const LABELS_IN_WORDS: [&str; 4] = ["rule", "subject", "subject_kind", "cluster"];

/// A notification as templates see it, and as the webhook posts it.
#[derive(Debug, Serialize)]
pub(crate) struct Message {
    pub(crate) version: u32,
    pub(crate) status: &'static str,
    pub(crate) kind: NotificationKind,
    pub(crate) id: String,
    pub(crate) channel: String,
    pub(crate) at: Timestamp,
    pub(crate) dedup_key: String,
    pub(crate) incident_at: Timestamp,
    pub(crate) sequence: u64,
    pub(crate) severity: Severity,
    /// One line that says it all.
    pub(crate) title: String,
    /// The group in words; the same for all messages of an incident.
    pub(crate) about: String,
    pub(crate) group: Group,
    pub(crate) counts: Counts,
    /// The alert to speak of first.
    pub(crate) alert: Option<Arc<ToldAlert>>,
    /// What fires, worst first.
    pub(crate) alerts: Vec<Arc<ToldAlert>>,
    pub(crate) resolved: Vec<Arc<ToldAlert>>,
    pub(crate) links: Links,
    pub(crate) durable: bool,
    /// What the reader has to know about the message itself.
    pub(crate) notes: Vec<String>,
}

/// How many alerts there are, those that are not told one by one included.
#[derive(Debug, Serialize)]
pub(crate) struct Counts {
    pub(crate) firing: usize,
    pub(crate) resolved: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct Links {
    pub(crate) dashboard: Option<String>,
    pub(crate) alert: Option<String>,
}

impl Message {
    pub(crate) fn of(
        notification: &Notification,
        delivery: &Delivery,
        links: &MessageLinks,
    ) -> Self {
        let tell = |alert| Arc::new(ToldAlert::of(alert, links));
        let alerts: Vec<_> = notification.firing.iter().map(tell).collect();
        let resolved: Vec<_> = notification.resolved.iter().map(tell).collect();
        let alert = alerts.first().or(resolved.first()).cloned();
        let group = plain_group(&notification.group);
        let about = about(&group.labels, alert.as_deref());
        Self {
            version: VERSION,
            status: notification.kind.status(),
            kind: notification.kind,
            id: notification.id.clone(),
            channel: notification.channel.clone(),
            at: notification.at,
            dedup_key: notification.dedup_key.clone(),
            incident_at: notification.incident_at,
            sequence: notification.sequence,
            severity: notification.severity,
            title: title(notification, alert.as_deref(), &about),
            about,
            group,
            counts: Counts {
                firing: notification.firing_count,
                resolved: notification.resolved_count,
            },
            links: Links {
                dashboard: links.dashboard.as_ref().map(ToString::to_string),
                alert: alert.as_ref().and_then(|alert| alert.link.clone()),
            },
            alert,
            alerts,
            resolved,
            durable: delivery.durable,
            notes: notes(delivery),
        }
    }
}

fn notes(delivery: &Delivery) -> Vec<String> {
    let lost = "not stored on disk: the monitor cannot write its alert store";
    let note = (!delivery.durable).then(|| lost.to_owned());
    note.into_iter().collect()
}

fn plain_group(group: &Group) -> Group {
    let labels = group.labels.iter();
    Group {
        id: group.id,
        labels: labels
            .map(|(name, value)| (plain(name), plain(value)))
            .collect(),
    }
}

/// `MemberDown in prod`, or `MemberDown of m1 in prod`, with the other labels in brackets.
fn about(labels: &BTreeMap<String, String>, alert: Option<&ToldAlert>) -> String {
    let label = |name: &str, own: fn(&ToldAlert) -> &str| {
        let given = labels.get(name).map(String::as_str);
        given.or(alert.filter(|_| labels.is_empty()).map(own))
    };
    let rule = label("rule", |alert| &alert.rule).unwrap_or("alerts");
    let cluster = label("cluster", |alert| &alert.cluster);
    let part = |word: &str, name: Option<&str>| {
        name.map_or_else(String::new, |name| format!(" {word} {name}"))
    };
    let subject = part("of", labels.get("subject").map(String::as_str));
    let place = part("in", cluster);
    let more: Vec<String> = labels
        .iter()
        .filter(|(name, _)| !LABELS_IN_WORDS.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if more.is_empty() {
        format!("{rule}{subject}{place}")
    } else {
        format!("{rule}{subject}{place} ({})", more.join(", "))
    }
}

fn title(notification: &Notification, alert: Option<&ToldAlert>, about: &str) -> String {
    let head = head(notification);
    let Some(alert) = alert else {
        return format!("{head} {about}");
    };
    match notification.firing_count.max(notification.resolved_count) {
        0 | 1 => format!("{head} {}: {}", alert.rule, alert.cause),
        _ => format!(
            "{head} {}, {about}; the worst: {}: {}",
            counted(notification),
            alert.rule,
            alert.cause
        ),
    }
}

fn head(notification: &Notification) -> String {
    let severity = notification.severity;
    match notification.kind {
        NotificationKind::Fired => format!("[FIRING {severity}]"),
        NotificationKind::Updated => format!("[FIRING, now {severity}]"),
        NotificationKind::Repeated | NotificationKind::Resent => {
            format!("[STILL FIRING {severity}]")
        }
        NotificationKind::Acknowledged => format!("[ACKNOWLEDGED {severity}]"),
        NotificationKind::Resolved => "[RESOLVED]".to_owned(),
    }
}

fn counted(notification: &Notification) -> Cow<'static, str> {
    match (notification.firing_count, notification.resolved_count) {
        (firing, 0) => format!("{firing} alerts").into(),
        (0, over) => format!("{over} alerts over").into(),
        (firing, over) => format!("{firing} firing, {over} over").into(),
    }
}

#[cfg(test)]
#[path = "message/tests.rs"]
mod tests;
