//! Channels: where alerts go, as written and checked.

mod kinds;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use etcd_monitor_alerting::{
    Channel, ChannelLimits, ChannelPace, ConsoleNotifier, ConsoleOptions, MessageLinks, Notifier,
    Templates, WebhookNotifier, WebhookOptions,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::templates::{self, TemplatesFile, Texts};
use crate::config::duration;
use crate::config::place::{At, Remark};
use crate::config::secret::Secrets;
use kinds::Kind;

/// Declares the keys that only some types of channels have, so that one that does not belong can be named.
macro_rules! keys_of_types {
    ($($(#[$about:meta])* $key:ident: $value:ty,)*) => {
        /// A channel as written.
        #[derive(Debug, Clone, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct ChannelFile {
            /// `console`, `webhook`, `email`, `slack`, `pagerduty` or `alertmanager`.
            #[serde(rename = "type")]
            kind: At<String>,
            /// Whether it is told that an alert is over.
            send_resolved: Option<bool>,
            /// Whether it is told that somebody takes care.
            send_acknowledged: Option<bool>,
            /// Messages a minute at most.
            rate_per_minute: Option<At<u32>>,
            /// Messages under way at once at most.
            concurrency: Option<At<usize>>,
            /// Messages that may wait.
            queue: Option<At<usize>>,
            /// What its messages say, as `alerts.templates`.
            #[serde(default)]
            templates: TemplatesFile,
            $($(#[$about])* #[serde(default)] $key: Option<At<$value>>,)*
        }

        impl ChannelFile {
            /// What there is to say about a key that only some types have; `None` where it is not written.
            fn written(&self, key: &str) -> Option<Box<dyn Fn(&str) -> Remark + '_>> {
                match key {
                    $(stringify!($key) => {
                        let at = self.$key.as_ref()?;
                        Some(Box::new(move |message| at.remark(message)))
                    })*
                    _ => None,
                }
            }

            /// Those keys.
            const KEYS: &[&str] = &[$(stringify!($key),)*];
        }
    };
}

keys_of_types! {
    /// webhook, slack: where messages are sent.
    url: SecretString,
    /// File that holds this URL; for one that is a secret.
    url_file: PathBuf,
    /// alertmanager: its instances; each is told everything.
    urls: Vec<At<String>>,
    /// slack, pagerduty: the service, where it is another than the public one.
    api_url: String,
    /// webhook: `POST` (the default), `PUT` or `PATCH`.
    method: String,
    /// webhook: further headers.
    headers: BTreeMap<String, SecretString>,
    /// webhook: type of the body (default application/json).
    content_type: String,
    /// webhook: key by which each request is signed.
    signing_key: SecretString,
    /// File that holds this key.
    signing_key_file: PathBuf,
    /// slack: token of a bot, with `channel`.
    token: SecretString,
    /// File that holds this token.
    token_file: PathBuf,
    /// slack: where the bot writes.
    channel: String,
    /// pagerduty: key of an integration of the type "Events API v2".
    routing_key: SecretString,
    /// File that holds this key.
    routing_key_file: PathBuf,
    /// email: the mail server.
    host: String,
    /// email: its port; by the encryption, where it is left out.
    port: u16,
    /// email: `starttls` (the default), `starttls_if_offered`, `tls` or `none`.
    encryption: String,
    /// email, alertmanager: user of the server.
    user: String,
    /// email, alertmanager: the user's password.
    password: SecretString,
    /// File that holds this password.
    password_file: PathBuf,
    /// alertmanager: token, in the place of user and password.
    bearer_token: SecretString,
    /// File that holds this token.
    bearer_token_file: PathBuf,
    /// email: the sender.
    from: String,
    /// email: the receivers.
    to: Vec<String>,
    /// email: name by which the monitor introduces itself.
    hello_name: String,
    /// alertmanager: time after which it is told everything again (default 1m).
    resend_every: String,
    /// Time that one attempt may take, 100ms to 5m.
    timeout: String,
    /// Authority that signed the server's certificate (PEM).
    cacert: PathBuf,
}

/// What all channels share.
#[derive(Debug)]
pub(super) struct Common {
    /// What messages link to.
    pub(super) links: MessageLinks,
    /// What messages say, in the place of what is built in.
    pub(super) texts: Texts,
}

impl Common {
    /// The channel on stderr.
    pub(super) fn console(&self) -> Result<ConfiguredChannel, Remark> {
        let mut options = ConsoleOptions::default();
        options.links = self.links.clone();
        options.templates = self.templates()?;
        let notifier = Arc::new(ConsoleNotifier::stderr(options));
        Ok(ConfiguredChannel::new(Kind::Console, notifier))
    }

    /// The channel that calls a URL, with the defaults.
    pub(super) fn webhook(&self, url: &SecretString) -> Result<ConfiguredChannel, Remark> {
        let mut options = WebhookOptions::default();
        options.links = self.links.clone();
        options.templates = self.templates()?;
        let notifier = WebhookNotifier::new(url.expose_secret(), options);
        let wrong = |error| Remark::general(format!("--webhook-url, webhook_url: {error}"));
        let notifier = Arc::new(notifier.map_err(wrong)?);
        Ok(ConfiguredChannel::new(Kind::Webhook, notifier))
    }

    fn templates(&self) -> Result<Templates, Remark> {
        let templates = Templates::with_overrides(self.texts.clone());
        templates.map_err(|error| Remark::general(error.to_string()))
    }
}

/// A channel that alerts can go to.
#[derive(Debug, Clone)]
pub struct ConfiguredChannel {
    /// Its type: `email`, `slack`, …
    pub kind: &'static str,
    /// How it wants to be told.
    pub pace: ChannelPace,
    /// What delivers, and how much at a time.
    pub channel: Channel,
}

impl ConfiguredChannel {
    fn new(kind: Kind, notifier: Arc<dyn Notifier>) -> Self {
        Self {
            kind: kind.as_str(),
            pace: notifier.pace(),
            channel: Channel::new(notifier),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.channel.name()
    }
}

/// One channel.
pub(super) fn check(
    name: &At<String>,
    file: &At<ChannelFile>,
    common: &Common,
    secrets: &mut Secrets,
) -> Result<ConfiguredChannel, Remark> {
    check_name(name)?;
    let kind = Kind::of(&file.kind)?;
    file.only_of(kind)?;
    let mut texts = common.texts.clone();
    texts.extend(own_texts(file, kind)?);
    let templates = Templates::with_overrides(texts).map_err(|error| file.remark(error))?;
    let parts = kinds::Parts {
        name,
        file,
        links: common.links.clone(),
        templates,
    };
    let mut checked = ConfiguredChannel::new(kind, parts.notifier(kind, secrets)?);
    let pace = &mut checked.pace;
    pace.sends_resolved = file.send_resolved.unwrap_or(pace.sends_resolved);
    pace.sends_acknowledged = file.send_acknowledged.unwrap_or(pace.sends_acknowledged);
    checked.channel.limits = limits(file)?;
    Ok(checked)
}

/// Names stand in metrics, file names of nobody, and on command lines.
fn check_name(name: &At<String>) -> Result<(), Remark> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=64).contains(&name.chars().count()) && name.chars().all(fits) {
        return Ok(());
    }
    let wrong = "a channel's name has 1 to 64 letters, digits, -, _ and .; for example oncall-mail";
    Err(name.remark(wrong))
}

/// The channel's own texts, of pieces that it writes.
fn own_texts(file: &ChannelFile, kind: Kind) -> Result<Texts, Remark> {
    let prefix = format!("{}.", kind.as_str());
    for name in file.templates.keys() {
        if !name.starts_with(&prefix) {
            let wrong = format!(
                "a channel of type {} writes nothing by this template",
                kind.as_str()
            );
            templates::part(name)?;
            return Err(name.remark(wrong));
        }
    }
    templates::check(&file.templates)
}

fn limits(file: &ChannelFile) -> Result<ChannelLimits, Remark> {
    let mut limits = ChannelLimits::default();
    if let Some(rate) = &file.rate_per_minute {
        let wrong = || rate.remark("rate_per_minute: at least 1; leave it out for no limit");
        limits.rate_per_minute = Some(NonZeroU32::new(rate.value).ok_or_else(wrong)?);
    }
    let within = |key, at: &Option<At<usize>>, most, default| match at {
        None => Ok(default),
        Some(at) if (1..=most).contains(&at.value) => Ok(at.value),
        Some(at) => Err(at.remark(format!("{key}: {} is not between 1 and {most}", at.value))),
    };
    limits.concurrency = within(
        "concurrency",
        &file.concurrency,
        CONCURRENCY_MAX,
        limits.concurrency,
    )?;
    limits.queue = within("queue", &file.queue, QUEUE_MAX, limits.queue)?;
    if let Some(timeout) = &file.timeout {
        // The notifier's own limit ends an attempt first, and says why.
        limits.timeout = timeout.parsed_as("timeout", duration::timeout)? * 2;
    }
    Ok(limits)
}

/// More at once is a flood.
const CONCURRENCY_MAX: usize = 64;

/// More that waits is never read.
const QUEUE_MAX: usize = 10_000;

impl ChannelFile {
    /// Sees that no key is written that a channel of this type does not have.
    fn only_of(&self, kind: Kind) -> Result<(), Remark> {
        for key in Self::KEYS {
            if let Some(at) = self.written(key).filter(|_| !kind.has(key)) {
                let (kind, known) = (kind.as_str(), kind.keys().join(", "));
                return Err(at(&format!(
                    "a channel of type {kind} has no {key}; it has {known}"
                )));
            }
        }
        Ok(())
    }
}
