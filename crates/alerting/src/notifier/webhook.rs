//! The webhook channel: one request per notification.

use std::time::SystemTime;

use async_trait::async_trait;
use percent_encoding::{CONTROLS, utf8_percent_encode};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::SecretString;

use super::config_error::ConfigError;
use super::door::{Door, HttpOptions, secret_headers};
use super::{Delivery, Notifier, NotifyError, Receipt};
use crate::links::MessageLinks;
use crate::message::Message;
use crate::notification::Notification;
use crate::templates::{TemplatePart, Templates, note_failure};

mod signature;

/// Names the message through all attempts.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Proves where the message comes from.
const SIGNATURE: &str = "x-etcd-monitor-signature";

const JSON: &str = "application/json";

/// Calls a URL with each notification: the message as JSON, or what a template makes of it.
///
/// The JSON, the headers `Idempotency-Key` and `X-Etcd-Monitor-Signature` and how to verify the latter are described
/// in `docs/webhook.md`. Any 2xx accepts. Redirects are not followed, proxies from the environment are not used. The URL and the headers
/// are taken for secrets: errors name scheme, host and port alone.
#[derive(Debug)]
pub struct WebhookNotifier {
    options: WebhookOptions,
    door: Door,
    headers: HeaderMap,
}

/// How a webhook is called.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WebhookOptions {
    /// The channel's name. Default `webhook`.
    pub name: String,
    /// Timeout and trusted certificates.
    pub http: HttpOptions,
    /// How it is called. Default POST.
    pub method: WebhookMethod,
    /// Headers to send along, such as `Authorization`. They win over the channel's own ones.
    pub headers: Vec<(String, SecretString)>,
    /// What the body is. Default `application/json`.
    pub content_type: String,
    /// The key of the signature; `None`: requests are not signed.
    pub signing_key: Option<SecretString>,
    /// What messages link to.
    pub links: MessageLinks,
    /// What is sent, where it is not the built-in JSON.
    pub templates: Templates,
}

/// The method that a webhook is called by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookMethod {
    /// POST.
    #[default]
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
}

impl Default for WebhookOptions {
    fn default() -> Self {
        Self {
            name: "webhook".to_owned(),
            http: HttpOptions::default(),
            method: WebhookMethod::default(),
            headers: Vec::new(),
            content_type: JSON.to_owned(),
            signing_key: None,
            links: MessageLinks::default(),
            templates: Templates::default(),
        }
    }
}

impl WebhookMethod {
    fn http(self) -> Method {
        match self {
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Patch => Method::PATCH,
        }
    }
}

impl WebhookNotifier {
    /// A channel that calls `url`. User and password in the URL become basic authentication.
    ///
    /// The process must have installed a `rustls` provider before, also when `url` is plain `http`.
    pub fn new(url: &str, options: WebhookOptions) -> Result<Self, ConfigError> {
        let mut door = Door::new(url, &options.http)?;
        for (_, value) in &options.headers {
            door = door.hiding(value);
        }
        let mut headers = HeaderMap::new();
        let kind = HeaderValue::try_from(&options.content_type);
        let kind = kind.map_err(|error| ConfigError::option("content_type", error.to_string()))?;
        headers.insert(CONTENT_TYPE, kind);
        for (name, value) in secret_headers(&options.headers)? {
            headers.extend([(name, value)]);
        }
        Ok(Self {
            options,
            door,
            headers,
        })
    }

    fn body(&self, message: &mut Message) -> Result<String, NotifyError> {
        let part = TemplatePart::WebhookBody;
        if let Some(body) = self.options.templates.render_own(part, message) {
            match self.fits(&body) {
                Ok(()) => return Ok(body),
                Err(reason) => note_failure(part, &reason, message),
            }
        }
        let json = serde_json::to_string(message);
        json.map_err(|error| self.door.rejected(error.to_string()))
    }

    /// Whether a body is what its content type says.
    fn fits(&self, body: &str) -> Result<(), String> {
        if !self.options.content_type.starts_with(JSON) {
            return Ok(());
        }
        let parsed = serde_json::from_str::<serde::de::IgnoredAny>(body);
        let wrong = |error| format!("what it wrote is not JSON: {error}");
        parsed.map(drop).map_err(wrong)
    }
}

#[async_trait]
impl Notifier for WebhookNotifier {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn kind(&self) -> &'static str {
        "webhook"
    }

    async fn notify(
        &self,
        notification: &Notification,
        delivery: &Delivery,
    ) -> Result<Option<Receipt>, NotifyError> {
        let mut message = Message::of(notification, delivery, &self.options.links);
        let body = self.body(&mut message)?;
        let mut request = self.door.request(self.options.method.http());
        // A header takes no other characters than ASCII's.
        let id = utf8_percent_encode(&notification.id, CONTROLS).to_string();
        request = request.header(IDEMPOTENCY_KEY, id);
        if let Some(key) = &self.options.signing_key {
            let header = signature::header(key, SystemTime::now(), body.as_bytes());
            request = request.header(SIGNATURE, header);
        }
        let request = request.headers(self.headers.clone()).body(body);
        self.door.send(request, |_, _| None).await.map(|_| None)
    }
}
