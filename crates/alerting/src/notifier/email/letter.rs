//! The e-mail itself: headers, text and HTML.

use std::time::SystemTime;

use etcd_monitor_model::plain_text as plain;
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes, MultiPart};
use sha2::{Digest, Sha256};

use crate::message::Message;
use crate::notifier::config_error::ConfigError;
use crate::templates::{TemplatePart, Templates};

/// Recipients of one message; the least that every server must take.
const MAX_RECIPIENTS: usize = 100;

/// Characters of a subject; mail programs show less.
const MAX_SUBJECT_CHARS: usize = 200;

/// Who writes to whom.
pub(super) struct Correspondents {
    from: Mailbox,
    to: Mailboxes,
    /// To all of them.
    pub(super) envelope: Envelope,
    /// To each of them alone.
    pub(super) recipients: Vec<Envelope>,
}

impl Correspondents {
    pub(super) fn parse(from: &str, to: &[String]) -> Result<Self, ConfigError> {
        let from = mailbox("from", from)?;
        let to: Vec<Mailbox> = to
            .iter()
            .map(|to| mailbox("to", to))
            .collect::<Result<_, _>>()?;
        if to.is_empty() || to.len() > MAX_RECIPIENTS {
            let reason = format!(
                "it names {} recipients; expected 1 to {MAX_RECIPIENTS}",
                to.len()
            );
            return Err(ConfigError::option("to", reason));
        }
        let envelope = |to| {
            let envelope = Envelope::new(Some(from.email.clone()), to);
            envelope.map_err(|error| ConfigError::option("to", error.to_string()))
        };
        let addresses = to.iter().map(|to| to.email.clone());
        Ok(Self {
            envelope: envelope(addresses.clone().collect())?,
            recipients: addresses
                .map(|to| envelope(vec![to]))
                .collect::<Result<_, _>>()?,
            to: to.into_iter().collect(),
            from,
        })
    }
}

fn mailbox(option: &'static str, text: &str) -> Result<Mailbox, ConfigError> {
    if text.chars().any(etcd_monitor_model::is_unprintable) {
        let reason = format!("{:?} has characters that no address has", plain(text));
        return Err(ConfigError::option(option, reason));
    }
    text.parse().map_err(|error| {
        let reason = format!("{text:?} is no e-mail address: {error}; expected NAME <USER@HOST>");
        ConfigError::option(option, reason)
    })
}

/// The bytes to send.
pub(super) fn letter(
    correspondents: &Correspondents,
    templates: &Templates,
    message: &mut Message,
) -> Result<Vec<u8>, String> {
    let subject = templates.render(TemplatePart::EmailSubject, message);
    let html = templates.render(TemplatePart::EmailHtml, message);
    let text = templates.render(TemplatePart::EmailText, message);
    let domain = correspondents.from.email.domain();
    let own = message_id(message, domain);
    let first = first_id(message, domain);
    let mut builder = lettre::Message::builder()
        .from(correspondents.from.clone())
        .mailbox(lettre::message::header::To::from(correspondents.to.clone()))
        .subject(one_line(&subject))
        .date(SystemTime::from(message.at))
        .message_id(Some(own.clone()))
        .raw_header(automatic());
    if own != first {
        builder = builder.in_reply_to(first.clone()).references(first);
    }
    let letter = builder.multipart(MultiPart::alternative_plain_html(text, html));
    letter
        .map(|letter| letter.formatted())
        .map_err(|error| error.to_string())
}

/// Keeps vacation messages away (RFC 3834).
fn automatic() -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    HeaderValue::new(name, "auto-generated".to_owned())
}

/// One line without anything that could begin another header.
fn one_line(subject: &str) -> String {
    plain(subject.trim())
        .chars()
        .take(MAX_SUBJECT_CHARS)
        .collect()
}

/// The first message of an incident is named by the incident, so that later ones can refer to it without having seen it.
fn message_id(message: &Message, domain: &str) -> String {
    if message.sequence == 0 {
        return first_id(message, domain);
    }
    id(&["message", &message.id], domain)
}

fn first_id(message: &Message, domain: &str) -> String {
    let began = message.incident_at.to_string();
    id(
        &["incident", &message.channel, &message.dedup_key, &began],
        domain,
    )
}

fn id(parts: &[&str], domain: &str) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    format!("<{:x}@{domain}>", hash.finalize())
}
