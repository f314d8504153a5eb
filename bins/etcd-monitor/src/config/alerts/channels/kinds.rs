//! The types of channels, and how each is built.

use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_alerting::{
    AlertmanagerNotifier, AlertmanagerOptions, ConfigError, ConsoleNotifier, ConsoleOptions,
    EmailNotifier, EmailOptions, HttpAuth, HttpOptions, MessageLinks, Notifier, PagerDutyNotifier,
    PagerDutyOptions, SlackNotifier, SlackOptions, SlackTarget, SmtpEncryption, Templates,
    WebhookMethod, WebhookNotifier, WebhookOptions,
};
use secrecy::{ExposeSecret, SecretString};

use super::ChannelFile;
use crate::config::duration;
use crate::config::place::{At, Remark};
use crate::config::secret::{Secrets, Written};

/// A type of channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Console,
    Webhook,
    Email,
    Slack,
    PagerDuty,
    Alertmanager,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Console,
        Self::Webhook,
        Self::Email,
        Self::Slack,
        Self::PagerDuty,
        Self::Alertmanager,
    ];

    pub(super) fn of(name: &At<String>) -> Result<Self, Remark> {
        name.chosen("type of channel", &Self::ALL, Self::as_str)
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Webhook => "webhook",
            Self::Email => "email",
            Self::Slack => "slack",
            Self::PagerDuty => "pagerduty",
            Self::Alertmanager => "alertmanager",
        }
    }

    /// The keys that it has beside those of every channel.
    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Console => &[],
            Self::Webhook => &[
                "url",
                "url_file",
                "method",
                "headers",
                "content_type",
                "signing_key",
                "signing_key_file",
                "timeout",
                "cacert",
            ],
            Self::Email => &[
                "host",
                "port",
                "encryption",
                "user",
                "password",
                "password_file",
                "from",
                "to",
                "hello_name",
                "timeout",
                "cacert",
            ],
            Self::Slack => &[
                "url",
                "url_file",
                "token",
                "token_file",
                "channel",
                "api_url",
                "timeout",
                "cacert",
            ],
            Self::PagerDuty => &[
                "routing_key",
                "routing_key_file",
                "api_url",
                "timeout",
                "cacert",
            ],
            Self::Alertmanager => &[
                "urls",
                "user",
                "password",
                "password_file",
                "bearer_token",
                "bearer_token_file",
                "resend_every",
                "timeout",
                "cacert",
            ],
        }
    }

    pub(super) fn has(self, key: &str) -> bool {
        self.keys().contains(&key)
    }
}

/// What a channel is built of.
pub(super) struct Parts<'a> {
    pub(super) name: &'a At<String>,
    pub(super) file: &'a At<ChannelFile>,
    pub(super) links: MessageLinks,
    pub(super) templates: Templates,
}

type Built = Result<Arc<dyn Notifier>, Remark>;

impl Parts<'_> {
    pub(super) fn notifier(self, kind: Kind, secrets: &mut Secrets) -> Built {
        match kind {
            Kind::Console => Ok(self.console()),
            Kind::Webhook => self.webhook(secrets),
            Kind::Email => self.email(secrets),
            Kind::Slack => self.slack(secrets),
            Kind::PagerDuty => self.pagerduty(secrets),
            Kind::Alertmanager => self.alertmanager(secrets),
        }
    }

    fn console(self) -> Arc<dyn Notifier> {
        let mut options = ConsoleOptions::default();
        options.name.clone_from(&self.name.value);
        options.links = self.links;
        options.templates = self.templates;
        Arc::new(ConsoleNotifier::stderr(options))
    }

    fn webhook(self, secrets: &mut Secrets) -> Built {
        let file = &self.file.value;
        let url = self.needed(Written::new("url", &file.url, &file.url_file), secrets)?;
        let key = Written::new("signing_key", &file.signing_key, &file.signing_key_file);
        let mut options = WebhookOptions::default();
        options.name.clone_from(&self.name.value);
        options.http = self.http()?;
        options.method = file
            .method
            .as_ref()
            .map(method)
            .transpose()?
            .unwrap_or_default();
        if let Some(headers) = &file.headers {
            secrets.written_down(headers);
            let headers = headers.iter();
            options.headers = headers
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
        }
        if let Some(content_type) = &file.content_type {
            options.content_type.clone_from(&content_type.value);
        }
        options.signing_key = secrets.read(&key)?;
        options.links = self.links.clone();
        options.templates = self.templates.clone();
        self.built(WebhookNotifier::new(url.expose_secret(), options))
    }

    fn email(self, secrets: &mut Secrets) -> Built {
        let file = &self.file.value;
        let host = self.text("host", file.host.as_ref())?;
        let from = self.text("from", file.from.as_ref())?;
        let to = file.to.as_ref().ok_or_else(|| self.missing("to"))?;
        let mut options = EmailOptions::new(host, from, to.value.clone());
        options.name.clone_from(&self.name.value);
        options.port = file.port.as_ref().map(|port| port.value);
        if let Some(text) = &file.encryption {
            options.encryption = encryption(text)?;
        }
        options.credentials = self.user(secrets)?;
        options.hello_name = file.hello_name.as_ref().map(|name| name.value.clone());
        options.timeout = self.timeout()?.unwrap_or(options.timeout);
        options.ca_file = file.cacert.as_ref().map(|path| path.value.clone());
        options.links = self.links.clone();
        options.templates = self.templates.clone();
        self.built(EmailNotifier::new(options))
    }

    fn slack(self, secrets: &mut Secrets) -> Built {
        let mut options = SlackOptions::new(self.slack_target(secrets)?);
        options.name.clone_from(&self.name.value);
        options.http = self.http()?;
        options.links = self.links.clone();
        options.templates = self.templates.clone();
        self.built(SlackNotifier::new(options))
    }

    /// An incoming webhook, or a bot with the channel that it writes to.
    fn slack_target(&self, secrets: &mut Secrets) -> Result<SlackTarget, Remark> {
        let file = &self.file.value;
        let url = secrets.read(&Written::new("url", &file.url, &file.url_file))?;
        let token = secrets.read(&Written::new("token", &file.token, &file.token_file))?;
        let target = match (url, token, &file.channel) {
            (Some(url), None, None) => SlackTarget::webhook(url),
            (None, Some(token), Some(channel)) => SlackTarget::bot(token, channel.value.clone()),
            _ => {
                let wrong = "a channel of type slack has either url_file (an incoming webhook), or token_file (a bot) and channel";
                return Err(self.file.remark(wrong));
            }
        };
        Ok(match &file.api_url {
            Some(api_url) => target.with_api_url(api_url.value.clone()),
            None => target,
        })
    }

    fn pagerduty(self, secrets: &mut Secrets) -> Built {
        let file = &self.file.value;
        let key = Written::new("routing_key", &file.routing_key, &file.routing_key_file);
        let mut options = PagerDutyOptions::new(self.needed(key, secrets)?);
        options.name.clone_from(&self.name.value);
        if let Some(url) = &file.api_url {
            options.url.clone_from(&url.value);
        }
        options.http = self.http()?;
        options.links = self.links.clone();
        options.templates = self.templates.clone();
        self.built(PagerDutyNotifier::new(options))
    }

    fn alertmanager(self, secrets: &mut Secrets) -> Built {
        let file = &self.file.value;
        let urls = file.urls.as_ref().ok_or_else(|| self.missing("urls"))?;
        let urls = urls.iter().map(|url| url.value.clone());
        let mut options = AlertmanagerOptions::new(urls);
        options.name.clone_from(&self.name.value);
        options.auth = self.auth(secrets)?;
        if let Some(text) = &file.resend_every {
            options.resend_every = text.parsed_as("resend_every", duration::hold)?;
        }
        options.http = self.http()?;
        options.links = self.links.clone();
        self.built(AlertmanagerNotifier::new(options))
    }

    fn auth(&self, secrets: &mut Secrets) -> Result<Option<HttpAuth>, Remark> {
        let file = &self.file.value;
        let token = Written::new("bearer_token", &file.bearer_token, &file.bearer_token_file);
        match (self.user(secrets)?, secrets.read(&token)?) {
            (Some(_), Some(_)) => Err(self
                .file
                .remark("give either user and password_file, or bearer_token_file")),
            (Some((user, password)), None) => Ok(Some(HttpAuth::Basic { user, password })),
            (None, token) => Ok(token.map(HttpAuth::Bearer)),
        }
    }

    /// User and password, which belong together.
    fn user(&self, secrets: &mut Secrets) -> Result<Option<(String, SecretString)>, Remark> {
        let file = &self.file.value;
        let password = secrets.read(&Written::new(
            "password",
            &file.password,
            &file.password_file,
        ))?;
        match (&file.user, password) {
            (Some(user), Some(password)) => Ok(Some((user.value.clone(), password))),
            (None, None) => Ok(None),
            (Some(user), None) => Err(user.remark("user is given without password_file")),
            (None, Some(_)) => Err(self.file.remark("password_file is given without user")),
        }
    }

    fn http(&self) -> Result<HttpOptions, Remark> {
        let mut http = HttpOptions::default();
        http.timeout = self.timeout()?.unwrap_or(http.timeout);
        http.ca_file = self.file.cacert.as_ref().map(|path| path.value.clone());
        Ok(http)
    }

    fn timeout(&self) -> Result<Option<Duration>, Remark> {
        let text = self.file.timeout.as_ref();
        text.map(|text| text.parsed_as("timeout", duration::timeout))
            .transpose()
    }

    fn text(&self, key: &'static str, text: Option<&At<String>>) -> Result<String, Remark> {
        text.map(|text| text.value.clone())
            .ok_or_else(|| self.missing(key))
    }

    fn needed(&self, secret: Written<'_>, secrets: &mut Secrets) -> Result<SecretString, Remark> {
        let key = secret.key;
        secrets
            .read(&secret)?
            .ok_or_else(|| self.missing(&format!("{key}_file")))
    }

    fn missing(&self, key: &str) -> Remark {
        let (name, kind) = (&self.name.value, &self.file.kind.value);
        self.name
            .remark(format!("the channel {name:?} of type {kind} needs {key}"))
    }

    /// The notifier, or what the library has against it, at the key that it is about.
    fn built<N: Notifier + 'static>(&self, built: Result<N, ConfigError>) -> Built {
        let built = built.map_err(|error| {
            let key = match &error {
                ConfigError::InvalidOption { option, .. } => option,
                ConfigError::InvalidHeader { .. } => "headers",
                ConfigError::CaFile { .. } => "cacert",
                ConfigError::InvalidUrl { .. } | ConfigError::UnsupportedScheme { .. } => {
                    self.url_key()
                }
                _ => "type",
            };
            match self.file.written(key) {
                Some(at) => at(&error.to_string()),
                None => self.file.remark(error),
            }
        });
        Ok(Arc::new(built?))
    }

    /// The key under which the URL is written.
    fn url_key(&self) -> &'static str {
        let keys = ["url", "url_file", "urls", "api_url"];
        keys.into_iter()
            .find(|key| self.file.written(key).is_some())
            .unwrap_or("type")
    }
}

fn method(text: &At<String>) -> Result<WebhookMethod, Remark> {
    let known = [
        ("POST", WebhookMethod::Post),
        ("PUT", WebhookMethod::Put),
        ("PATCH", WebhookMethod::Patch),
    ];
    let (_, method) = text.chosen("method", &known, |(name, _)| name)?;
    Ok(method)
}

fn encryption(text: &At<String>) -> Result<SmtpEncryption, Remark> {
    let known = [
        ("starttls", SmtpEncryption::StartTls),
        ("starttls_if_offered", SmtpEncryption::StartTlsIfOffered),
        ("tls", SmtpEncryption::Tls),
        ("none", SmtpEncryption::None),
    ];
    let (_, encryption) = text.chosen("encryption", &known, |(name, _)| name)?;
    Ok(encryption)
}
