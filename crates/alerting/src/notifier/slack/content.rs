//! What a Slack message consists of.

use etcd_monitor_model::Severity;
use serde_json::{Value, json};

use crate::message::Message;
use crate::notifier::door;
use crate::templates::slack_escaped;

/// Characters of the text of a block; Slack's limit.
const MAX_SECTION_CHARS: usize = 3_000;

/// Characters of the line that notifications on phones show: one line, not the message.
const MAX_TITLE_CHARS: usize = 300;

/// A line for the notification on the phone, and the text in a coloured attachment.
pub(super) fn of(message: &Message, text: &str) -> Value {
    let mut blocks = vec![section(&cut(text.trim_end(), MAX_SECTION_CHARS))];
    if let Some(link) = &message.links.alert {
        blocks.push(section(&format!(
            "<{}|Open the dashboard>",
            slack_escaped(link)
        )));
    }
    let title = cut(&slack_escaped(&message.title), MAX_TITLE_CHARS);
    json!({
        "text": title,
        "attachments": [{ "color": colour(message), "fallback": title, "blocks": blocks }],
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

fn colour(message: &Message) -> &'static str {
    match (message.status, message.severity) {
        ("resolved", _) => "#2e7d32",
        (_, Severity::Critical) => "#c62828",
        (_, Severity::Warning) => "#ef6c00",
        (_, Severity::Info) => "#1565c0",
    }
}

/// At most so many characters, and no half of an escaped character at the end.
fn cut(text: &str, limit: usize) -> String {
    let mut head = door::cut(text, limit);
    if head != text
        && let Some(begin) = head.rfind('&')
        && !head[begin..].contains(';')
    {
        head.truncate(begin);
        head.push('…');
    }
    head
}
