//! The webhook channel: one JSON POST per notification.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use etcd_monitor_model::plain_text;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::{Delivery, Notifier, NotifyError, Receipt};
use crate::alert::Alert;
use crate::notification::{Notification, NotificationKind};

/// Bytes of a refusing answer that are read, to say why. The body of an accepting answer is not read.
const MAX_BODY_BYTES: usize = 4_096;

/// Characters of it that are told: a sentence, not a page.
const MAX_REASON_CHARS: usize = 300;

/// Parts of the URL and the headers from this length on may be a token; shorter ones are words such as `v1`.
const MIN_SECRET_BYTES: usize = 8;

/// Posts each notification as JSON:
/// `{"version": 1, "status": "firing|resolved", "kind": "fired|updated|resolved", "at", "dedup_key", "alert": {…}}`.
///
/// Any 2xx accepts. Redirects are not followed, proxies from the environment are not used. The URL and the headers
/// are taken for secrets: messages name scheme, host and port alone.
pub struct WebhookNotifier {
    name: String,
    url: Url,
    target: String,
    headers: HeaderMap,
    client: Client,
}

/// How a webhook is called.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WebhookOptions {
    /// The channel's name. Default `webhook`.
    pub name: String,
    /// Time for one attempt, from connecting to the end of the answer. Default 10 s.
    pub timeout: Duration,
    /// Headers to send along, such as `Authorization`.
    pub headers: Vec<(String, SecretString)>,
}

impl Default for WebhookOptions {
    fn default() -> Self {
        Self {
            name: "webhook".to_owned(),
            timeout: Duration::from_secs(10),
            headers: Vec::new(),
        }
    }
}

/// Why a channel cannot be built. No variant carries a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The text is not a URL.
    #[error(
        "the webhook's URL cannot be read: {reason}; expected http://HOST:PORT/PATH or https://…"
    )]
    InvalidUrl {
        /// What is wrong with it.
        reason: String,
    },
    /// The URL has another scheme than `http` and `https`.
    #[error("a webhook cannot be called by the scheme {scheme:?}; use http or https")]
    UnsupportedScheme {
        /// The scheme.
        scheme: String,
    },
    /// A header's name or value has characters that HTTP does not allow.
    #[error("the webhook's header {name:?} has characters that HTTP does not allow")]
    InvalidHeader {
        /// The header's name.
        name: String,
    },
    /// The process has no TLS provider yet.
    #[error(
        "no TLS provider is installed; call rustls::crypto::ring::default_provider().install_default() first"
    )]
    NoTlsProvider,
    /// The HTTP client cannot be built, for example for want of trusted certificates.
    #[error("the webhook's HTTP client cannot be built: {reason}")]
    Client {
        /// What is wrong.
        reason: String,
    },
}

impl WebhookNotifier {
    /// A channel that posts to `url`. User and password in the URL become basic authentication.
    ///
    /// The process must have installed a `rustls` provider before, also when `url` is plain `http`.
    pub fn new(url: &str, options: WebhookOptions) -> Result<Self, ConfigError> {
        let url = parse_url(url)?;
        Ok(Self {
            name: options.name,
            target: origin(&url),
            url,
            headers: parse_headers(&options.headers)?,
            client: build_client(options.timeout)?,
        })
    }

    fn unavailable(&self, reason: String, retry_after: Option<Duration>) -> NotifyError {
        NotifyError::Unavailable {
            target: self.target.clone(),
            reason,
            retry_after,
        }
    }

    /// What an answer means.
    async fn judge(&self, response: Response) -> Result<(), NotifyError> {
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        if is_temporary(status) {
            let retry_after = retry_after(response.headers());
            return Err(self.unavailable(format!("it answered {status}"), retry_after));
        }
        let reason = if status.is_redirection() {
            format!("it answered {status}, and redirects are not followed")
        } else {
            format!("it answered {status}{}", self.said(response).await)
        };
        Err(NotifyError::Rejected {
            target: self.target.clone(),
            reason,
        })
    }

    /// The beginning of a refusing answer's body, unless it quotes a secret of ours.
    async fn said(&self, response: Response) -> String {
        let body = beginning(response).await;
        if self.secrets().any(|secret| body.contains(&secret)) {
            return ", and its text quotes the request".to_owned();
        }
        match plain_text(&body).trim() {
            "" => String::new(),
            said => format!(
                ": {}",
                said.chars().take(MAX_REASON_CHARS).collect::<String>()
            ),
        }
    }

    /// The parts of URL and headers that are long enough to be a token.
    fn secrets(&self) -> impl Iterator<Item = String> {
        let path = self
            .url
            .path_segments()
            .into_iter()
            .flatten()
            .map(str::to_owned);
        let query = self.url.query_pairs().map(|(_, value)| value.into_owned());
        let password = self.url.password().map(str::to_owned);
        let headers = self
            .headers
            .values()
            .filter_map(|value| value.to_str().ok());
        let headers = headers.flat_map(str::split_whitespace).map(str::to_owned);
        let parts = path.chain(query).chain(password).chain(headers);
        parts.filter(|part| part.len() >= MIN_SECRET_BYTES)
    }
}

impl fmt::Debug for WebhookNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookNotifier")
            .field("name", &self.name)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Notifier for WebhookNotifier {
    fn name(&self) -> &str {
        &self.name
    }

    async fn notify(
        &self,
        notification: &Notification,
        _delivery: &Delivery,
    ) -> Result<Option<Receipt>, NotifyError> {
        let request = self
            .client
            .post(self.url.clone())
            .headers(self.headers.clone())
            .json(&Payload::of(notification));
        match request.send().await {
            Ok(response) => self.judge(response).await.map(|()| None),
            Err(error) => Err(self.unavailable(reason_of(error), None)),
        }
    }
}

/// What is posted.
#[derive(Serialize)]
struct Payload<'a> {
    version: u32,
    status: &'static str,
    kind: NotificationKind,
    at: jiff::Timestamp,
    dedup_key: &'a str,
    alert: Option<&'a Alert>,
}

impl<'a> Payload<'a> {
    fn of(notification: &'a Notification) -> Self {
        Self {
            version: 1,
            status: notification.kind.status(),
            kind: notification.kind,
            at: notification.at,
            dedup_key: &notification.dedup_key,
            alert: notification.worst(),
        }
    }
}

fn parse_url(text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text).map_err(|error| ConfigError::InvalidUrl {
        reason: error.to_string(),
    })?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        scheme => Err(ConfigError::UnsupportedScheme {
            scheme: scheme.to_owned(),
        }),
    }
}

fn parse_headers(headers: &[(String, SecretString)]) -> Result<HeaderMap, ConfigError> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let invalid = || ConfigError::InvalidHeader { name: name.clone() };
        let key = HeaderName::try_from(name.as_str()).map_err(|_| invalid())?;
        let mut value = HeaderValue::try_from(value.expose_secret()).map_err(|_| invalid())?;
        value.set_sensitive(true);
        map.append(key, value);
    }
    Ok(map)
}

fn build_client(timeout: Duration) -> Result<Client, ConfigError> {
    // reqwest panics when it finds no provider.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        return Err(ConfigError::NoTlsProvider);
    }
    Client::builder()
        .timeout(timeout)
        .redirect(Policy::none())
        .no_proxy()
        .user_agent(concat!("etcd-monitor/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| ConfigError::Client {
            reason: reason_of(error),
        })
}

/// The part of a URL that is no secret: paths and queries of webhooks carry tokens.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// An error and its sources, without the URL.
fn reason_of(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "it did not answer in time".to_owned();
    }
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        reason = format!("{reason}: {error}");
        source = error.source();
    }
    reason
}

fn is_temporary(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
}

/// `Retry-After` in seconds; its other form, a date, is not understood and counts as absent.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

/// The beginning of an answer's body.
async fn beginning(mut response: Response) -> String {
    let mut body = Vec::new();
    while body.len() < MAX_BODY_BYTES
        && let Ok(Some(chunk)) = response.chunk().await
    {
        let room = MAX_BODY_BYTES - body.len();
        body.extend(chunk.iter().take(room));
    }
    String::from_utf8_lossy(&body).into_owned()
}
