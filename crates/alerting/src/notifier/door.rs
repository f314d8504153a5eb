//! The one door through which channels call services by HTTP.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use etcd_monitor_model::plain_text;
use percent_encoding::percent_decode_str;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};

use super::NotifyError;
use super::certificates::{read, unusable};
use super::config_error::ConfigError;

/// Bytes of an answer that are read.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// Characters of a refusing answer that are told: a sentence, not a page.
const MAX_REASON_CHARS: usize = 300;

/// Parts of the URL and the headers from this length on may be a token; shorter ones are words such as `v1`.
const MIN_SECRET_BYTES: usize = 8;

/// The longest time to wait that is believed; a receiver that asks for more is asked again after it.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// How a service is called by HTTP. Redirects are not followed, and proxies from the environment are not used.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpOptions {
    /// Time for one request, from connecting to the end of the answer. Default 10 s.
    pub timeout: Duration,
    /// A PEM file with the certificates that are trusted in the place of the system's.
    pub ca_file: Option<PathBuf>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            ca_file: None,
        }
    }
}

/// How a caller says who it is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum HttpAuth {
    /// By user and password.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: SecretString,
    },
    /// By a token: `Authorization: Bearer …`.
    Bearer(SecretString),
}

impl HttpAuth {
    fn header(&self) -> SecretString {
        let header = match self {
            Self::Basic { user, password } => basic(user, password.expose_secret()),
            Self::Bearer(token) => format!("Bearer {}", token.expose_secret().trim()),
        };
        SecretString::from(header)
    }
}

fn basic(user: &str, password: &str) -> String {
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{user}:{password}"))
    )
}

/// What a refusal means for whoever configured the channel, by status and text; `None` where the answer says enough.
pub(crate) type Explain = fn(StatusCode, &str) -> Option<&'static str>;

/// Calls one service. The URL and what is hidden never get into an error.
pub(crate) struct Door {
    client: Client,
    url: Url,
    target: String,
    headers: HeaderMap,
    secrets: Vec<SecretString>,
}

impl fmt::Debug for Door {
    /// Scheme, host and port: the rest may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.target)
    }
}

impl Door {
    /// A door to `url`. User and password in the URL become basic authentication.
    ///
    /// The process must have installed a `rustls` provider before, also when `url` is plain `http`.
    pub(crate) fn new(url: &str, options: &HttpOptions) -> Result<Self, ConfigError> {
        let url = parse_url(url)?;
        Ok(Self {
            client: build_client(options)?,
            target: url.origin().ascii_serialization(),
            headers: HeaderMap::new(),
            secrets: secrets_of(&url),
            url,
        })
    }

    /// The same door with one more text that never gets into an error, nor any longer word of it.
    pub(super) fn hiding(mut self, secret: &SecretString) -> Self {
        let parts = secret.expose_secret().split_whitespace();
        let long = parts.filter(|part| part.len() >= MIN_SECRET_BYTES);
        self.secrets.extend(long.map(SecretString::from));
        self
    }

    /// The same door, saying who calls.
    pub(super) fn authenticated(mut self, auth: &HttpAuth) -> Result<Self, ConfigError> {
        let header = auth.header();
        self = self.hiding(&header);
        if let HttpAuth::Basic { password, .. } = auth {
            self = self.hiding(password);
        }
        self.headers = secret_headers(&[("Authorization".to_owned(), header)])?;
        Ok(self)
    }

    /// A request to the URL.
    pub(crate) fn request(&self, method: Method) -> RequestBuilder {
        let request = self.client.request(method, self.url.clone());
        request.headers(self.headers.clone())
    }

    /// A POST to a path below the URL.
    pub(super) fn post(&self, path: &[&str]) -> RequestBuilder {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        self.client.post(url).headers(self.headers.clone())
    }

    /// Sends a request. What comes back is an answer that accepts it, its body unread.
    pub(crate) async fn send(
        &self,
        request: RequestBuilder,
        explain: Explain,
    ) -> Result<Response, NotifyError> {
        match request.send().await {
            Ok(response) => self.judge(response, explain).await,
            Err(error) => Err(self.unavailable(reason_of(error), None)),
        }
    }

    pub(super) fn unavailable(
        &self,
        reason: impl Into<String>,
        retry_after: Option<Duration>,
    ) -> NotifyError {
        NotifyError::Unavailable {
            target: self.target.clone(),
            reason: reason.into(),
            retry_after,
        }
    }

    pub(super) fn rejected(&self, reason: impl Into<String>) -> NotifyError {
        NotifyError::Rejected {
            target: self.target.clone(),
            reason: reason.into(),
        }
    }

    /// What an answer means.
    async fn judge(&self, response: Response, explain: Explain) -> Result<Response, NotifyError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if is_temporary(status) {
            let retry_after = retry_after(response.headers());
            return Err(self.unavailable(format!("it answered {status}"), retry_after));
        }
        if status.is_redirection() {
            let reason = format!("it answered {status}, and redirects are not followed");
            return Err(self.rejected(reason));
        }
        let body = beginning(response).await;
        let advice = explain(status, &body).map_or_else(String::new, |what| format!("; {what}"));
        Err(self.rejected(format!(
            "it answered {status}{}{advice}",
            self.quoted(&body)
        )))
    }

    /// The beginning of a refusing answer's body, unless it quotes a secret of ours.
    pub(super) fn quoted(&self, body: &str) -> String {
        let quotes = |secret: &SecretString| body.contains(secret.expose_secret());
        if self.secrets.iter().any(quotes) {
            return ", and its text quotes the request".to_owned();
        }
        match plain_text(body).trim() {
            "" => String::new(),
            said => format!(
                ": {}",
                said.chars().take(MAX_REASON_CHARS).collect::<String>()
            ),
        }
    }
}

/// The parts of a URL that are long enough to be a token: paths and queries of webhooks carry them.
fn secrets_of(url: &Url) -> Vec<SecretString> {
    let path = url.path_segments().into_iter().flatten().map(str::to_owned);
    let query = url.query_pairs().map(|(_, value)| value.into_owned());
    let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = (decoded(url.username()), url.password().map(decoded));
    let header = password.as_ref().map(|password| basic(&user, password));
    let parts = path.chain(query).chain(password).chain(header);
    let words = parts.flat_map(|part| {
        let words = part.split_whitespace();
        words.map(str::to_owned).collect::<Vec<_>>()
    });
    words
        .filter(|part| part.len() >= MIN_SECRET_BYTES)
        .map(SecretString::from)
        .collect()
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

/// Headers whose values are secrets.
pub(super) fn secret_headers(headers: &[(String, SecretString)]) -> Result<HeaderMap, ConfigError> {
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

fn build_client(options: &HttpOptions) -> Result<Client, ConfigError> {
    // reqwest panics when it finds no provider.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        return Err(ConfigError::NoTlsProvider);
    }
    let mut builder = Client::builder()
        .timeout(options.timeout)
        .redirect(Policy::none())
        .no_proxy()
        .user_agent(concat!("etcd-monitor/", env!("CARGO_PKG_VERSION")));
    if let Some(path) = &options.ca_file {
        builder = builder.tls_certs_only(certificates(path)?);
    }
    builder.build().map_err(|error| ConfigError::Client {
        reason: reason_of(error),
    })
}

fn certificates(path: &std::path::Path) -> Result<Vec<Certificate>, ConfigError> {
    let pem = read(path)?;
    let found =
        Certificate::from_pem_bundle(&pem).map_err(|error| unusable(path, reason_of(error)))?;
    if found.is_empty() {
        return Err(unusable(path, "there is no certificate in it".to_owned()));
    }
    Ok(found)
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

/// `Retry-After` in either form, seconds or a date; at most [`MAX_RETRY_AFTER`].
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text.parse().ok().map(Duration::from_secs);
    let wait = seconds.or_else(|| {
        let date = httpdate::parse_http_date(text).ok()?;
        Some(date.duration_since(SystemTime::now()).unwrap_or_default())
    });
    wait.map(|wait| wait.min(MAX_RETRY_AFTER))
}

/// The text, or as much of it as fits with `…` behind it.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut head: String = text.chars().take(limit - 1).collect();
    head.push('…');
    head
}

/// The beginning of an answer's body.
pub(super) async fn beginning(mut response: Response) -> String {
    let mut body = Vec::new();
    while body.len() < MAX_BODY_BYTES
        && let Ok(Some(chunk)) = response.chunk().await
    {
        let room = MAX_BODY_BYTES - body.len();
        body.extend(chunk.iter().take(room));
    }
    String::from_utf8_lossy(&body).into_owned()
}
