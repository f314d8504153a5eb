//! What it means when a mail server does not take a message.

use std::error::Error as _;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use etcd_monitor_model::plain_text as plain;
use lettre::transport::smtp::Error;
use secrecy::{ExposeSecret, SecretString};

use super::EmailOptions;
use crate::notifier::NotifyError;

/// Characters of what a server says that are told.
const MAX_REASON_CHARS: usize = 300;

/// To a recipient it says that the mailbox is over its quota, to a message that it is too large (RFC 5321).
const MAILBOX_OR_MESSAGE: u16 = 552;

/// Names the server in errors, and keeps the password out of them.
pub(super) struct Refusals {
    target: String,
    /// The password in every form in which it is sent.
    secrets: Vec<SecretString>,
}

impl Refusals {
    pub(super) fn new(options: &EmailOptions) -> Self {
        let secrets = options.credentials.iter().flat_map(|(user, password)| {
            let password = password.expose_secret();
            let plain = BASE64_STANDARD.encode(format!("\0{user}\0{password}"));
            let login = BASE64_STANDARD.encode(password);
            [password.to_owned(), plain, login].map(SecretString::from)
        });
        Self {
            target: format!("the mail server {}:{}", options.host, options.port()),
            secrets: secrets.collect(),
        }
    }

    pub(super) fn unavailable(&self, reason: impl Into<String>) -> NotifyError {
        NotifyError::Unavailable {
            target: self.target.clone(),
            reason: reason.into(),
            retry_after: None,
        }
    }

    pub(super) fn rejected(&self, reason: impl Into<String>) -> NotifyError {
        NotifyError::Rejected {
            target: self.target.clone(),
            reason: reason.into(),
        }
    }

    /// What an error means: a refusal for good (5xx, or nothing that both sides can do), or for now.
    pub(super) fn judge(&self, error: &Error) -> NotifyError {
        let reason = self.reason(error);
        if !error.is_permanent() && !error.is_client() {
            return self.unavailable(reason);
        }
        let code = error.status().map_or(0, u16::from);
        self.rejected(match advice(code) {
            Some(what) => format!("{reason}; {what}"),
            None => reason,
        })
    }

    fn reason(&self, error: &Error) -> String {
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            let more = error.to_string();
            if !reason.contains(&more) {
                reason = format!("{reason}: {more}");
            }
            source = error.source();
        }
        if self
            .secrets
            .iter()
            .any(|secret| reason.contains(secret.expose_secret()))
        {
            return "its text quotes the password".to_owned();
        }
        plain(&reason).chars().take(MAX_REASON_CHARS).collect()
    }
}

/// Whether the refusal may be about one of several recipients: 5xx, but not about who sends, or a mailbox that is busy,
/// full or not there now.
pub(super) fn may_be_one_recipients(error: &Error) -> bool {
    let code = error.status().map_or(0, u16::from);
    matches!(code, 450..=452 | MAILBOX_OR_MESSAGE)
        || (error.is_permanent() && advice(code).is_none())
}

/// What to do about a code (RFC 4954, RFC 5321).
fn advice(code: u16) -> Option<&'static str> {
    match code {
        530 | 534 | 535 | 538 => Some("check user and password, and what the server wants of them"),
        MAILBOX_OR_MESSAGE => {
            Some("the mailbox is full, or the message is too large for the server")
        }
        _ => None,
    }
}
