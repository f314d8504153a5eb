//! Notifications as text for people, safe to show on a terminal.

use std::fmt::Write;

use etcd_monitor_model::plain_text as plain;
use jiff::Timestamp;

use crate::alert::Alert;
use crate::notification::{Notification, NotificationKind};

/// Evidence lines that are shown; a finding on a large cluster can rest on hundreds of values.
const MAX_EVIDENCE_LINES: usize = 20;

/// A notification as one block of lines: the cause first, then what it rests on, what to do, and since when.
pub(crate) fn block(notification: &Notification) -> String {
    let Some(alert) = notification.worst() else {
        return String::new();
    };
    let mut lines = vec![headline(notification, alert)];
    lines.push(format!("  {}", place(alert)));
    if notification.kind != NotificationKind::Resolved {
        lines.extend(evidence(alert));
        if !alert.action.is_empty() {
            lines.push(format!("  do: {}", plain(&alert.action)));
        }
    }
    lines.push(format!("  {}", times(alert)));
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn headline(notification: &Notification, alert: &Alert) -> String {
    let mut text = match notification.kind {
        NotificationKind::Fired | NotificationKind::Repeated | NotificationKind::Acknowledged => {
            format!("[FIRING {}]", alert.severity)
        }
        NotificationKind::Updated => format!("[FIRING, now {}]", alert.severity),
        NotificationKind::Resolved => "[RESOLVED]".to_owned(),
    };
    let _ = write!(text, " {}: {}", plain(&alert.rule), plain(&alert.cause));
    text
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

fn evidence(alert: &Alert) -> Vec<String> {
    let shown = alert.evidence.iter().take(MAX_EVIDENCE_LINES);
    let mut lines: Vec<String> = shown
        .map(|seen| {
            let (source, value) = (plain(&seen.source), plain(&seen.value));
            format!("  seen: {source}: {value} (at {})", second(seen.at))
        })
        .collect();
    let more = alert.evidence.len().saturating_sub(MAX_EVIDENCE_LINES);
    if more > 0 {
        lines.push(format!("  seen: {more} more"));
    }
    lines
}

fn times(alert: &Alert) -> String {
    let since = second(alert.since);
    let Some(resolved_at) = alert.resolved_at else {
        return format!("since {since}, alert {}", alert.id);
    };
    let reason = alert
        .resolve_reason
        .map_or("over", |reason| reason.as_str());
    let until = second(resolved_at);
    format!(
        "{reason}; it lasted from {since} to {until}, alert {}",
        alert.id
    )
}

/// A time to the second, which is as exact as a cycle.
fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
