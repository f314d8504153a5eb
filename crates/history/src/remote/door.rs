//! HTTP to a remote store, for writing and reading: authentication, TLS, bounded answers, messages without secrets.

use std::error::Error;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use etcd_monitor_model::plain_text;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, RequestBuilder, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncReadExt;

use super::RemoteError;

/// Bytes of a refusing answer that are read, to say why.
const REASON_BYTES_MAX: usize = 4_096;

/// Characters of it that are told: a sentence, not a page.
const REASON_CHARS_MAX: usize = 300;

/// Parts of the URL and the headers from this length on may be a token; shorter ones are words such as `v1`.
const SECRET_BYTES_MIN: usize = 8;

/// Largest file with a secret: a token of an identity provider has 2 to 4 KB.
const SECRET_FILE_BYTES_MAX: u64 = 64 << 10;

/// Largest file with certificates: a bundle of all public authorities has about 250 KB.
const CA_FILE_BYTES_MAX: u64 = 1 << 20;

/// How a remote store is called.
///
/// Redirects are not followed, proxies from the environment are not used. Messages and logs name scheme, host and port of the URL alone.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpOptions {
    /// Where: `http` or `https`. User and password in it are basic authentication, too.
    pub url: SecretString,
    /// Who asks. Default nobody.
    pub auth: HttpAuth,
    /// Headers to send along, such as `X-Scope-OrgID` for the tenant of a Mimir.
    pub headers: Vec<(String, SecretString)>,
    /// Certificates (PEM) of the authorities to trust, and no others. Default those of the system.
    pub ca_file: Option<PathBuf>,
    /// Time for one request, from connecting to the end of the answer. Default 10 s: a store that needs longer for a few thousand samples
    /// is overloaded, and asking again later helps it.
    pub timeout: Duration,
}

impl HttpOptions {
    /// Defaults for a URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: SecretString::from(url.into()),
            auth: HttpAuth::None,
            headers: Vec::new(),
            ca_file: None,
            timeout: Duration::from_secs(10),
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum HttpAuth {
    /// Nobody.
    #[default]
    None,
    /// Basic authentication.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A bearer token.
    Bearer(Secret),
}

/// A secret, or the file that has it.
#[derive(Debug, Clone)]
pub enum Secret {
    /// The secret itself.
    Value(SecretString),
    /// A file, read for each request, so that a secret that is replaced in it holds at once. White space at its end is no part of the secret.
    File(PathBuf),
}

/// The built client.
pub(super) struct Door {
    url: Url,
    target: String,
    headers: HeaderMap,
    auth: HttpAuth,
    client: Client,
}

impl Door {
    /// The process must have installed a `rustls` provider before, also when the URL is plain `http`.
    pub(super) fn new(options: &HttpOptions) -> Result<Self, RemoteError> {
        let url = parse_url(options.url.expose_secret())?;
        Ok(Self {
            target: url.origin().ascii_serialization(),
            url,
            headers: parse_headers(&options.headers)?,
            auth: checked(&options.auth)?,
            client: build_client(options)?,
        })
    }

    /// Scheme, host and port, for messages.
    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// A POST to the URL with a path added to its own. The error says which secret cannot be read.
    pub(super) async fn post(&self, path: &str) -> Result<RequestBuilder, String> {
        let mut url = self.url.clone();
        if !path.is_empty() {
            url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        }
        let request = self.client.post(url).headers(self.headers.clone());
        Ok(match &self.auth {
            HttpAuth::None => request,
            HttpAuth::Bearer(token) => request.bearer_auth(read(token).await?.expose_secret()),
            HttpAuth::Basic { user, password } => {
                let password = read(password).await?;
                request.basic_auth(user, Some(password.expose_secret()))
            }
        })
    }

    /// The beginning of a refusing answer's text, unless it quotes a secret of ours. Empty or begins with `: `.
    pub(super) async fn said(&self, response: Response) -> String {
        let body = beginning(response, REASON_BYTES_MAX).await;
        let body = String::from_utf8_lossy(&body).into_owned();
        if self
            .secrets()
            .await
            .iter()
            .any(|secret| body.contains(secret))
        {
            return ", and its text quotes the request".to_owned();
        }
        match plain_text(&body).trim() {
            "" => String::new(),
            said => format!(
                ": {}",
                said.chars().take(REASON_CHARS_MAX).collect::<String>()
            ),
        }
    }

    /// The parts of URL, headers and authentication that are long enough to be a token.
    async fn secrets(&self) -> Vec<String> {
        let query = self.url.query_pairs().map(|(_, value)| value.into_owned());
        let password = self.url.password().map(str::to_owned);
        let headers = self.headers.values().filter_map(|it| it.to_str().ok());
        let headers = headers.flat_map(str::split_whitespace).map(str::to_owned);
        let mut parts: Vec<_> = query.chain(password).chain(headers).collect();
        if let HttpAuth::Basic {
            password: secret, ..
        }
        | HttpAuth::Bearer(secret) = &self.auth
            && let Ok(secret) = read(secret).await
        {
            parts.push(secret.expose_secret().to_owned());
        }
        parts.retain(|part| part.len() >= SECRET_BYTES_MIN);
        parts
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// The beginning of an answer's body.
async fn beginning(mut response: Response, most: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < most
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend(chunk.iter().take(most - body.len()));
    }
    body
}

/// An error and its sources, without the URL.
pub(super) fn reason_of(error: reqwest::Error) -> String {
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

/// `Retry-After`, in seconds or as a date.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(SystemTime::now()).unwrap_or_default())
}

fn parse_url(text: &str) -> Result<Url, RemoteError> {
    let invalid = |reason: String| RemoteError::InvalidUrl { reason };
    let url = Url::parse(text).map_err(|error| invalid(error.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        scheme => Err(invalid(format!("its scheme is {scheme:?}"))),
    }
}

fn parse_headers(headers: &[(String, SecretString)]) -> Result<HeaderMap, RemoteError> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let invalid = || RemoteError::InvalidHeader { name: name.clone() };
        let key = HeaderName::try_from(name.as_str()).map_err(|_| invalid())?;
        let mut value = HeaderValue::try_from(value.expose_secret()).map_err(|_| invalid())?;
        value.set_sensitive(true);
        map.append(key, value);
    }
    Ok(map)
}

/// A secret's file that cannot be read is told at the start, not with the first request.
fn checked(auth: &HttpAuth) -> Result<HttpAuth, RemoteError> {
    if let HttpAuth::Basic {
        password: Secret::File(path),
        ..
    }
    | HttpAuth::Bearer(Secret::File(path)) = auth
    {
        read_now(path, SECRET_FILE_BYTES_MAX)?;
    }
    Ok(auth.clone())
}

fn build_client(options: &HttpOptions) -> Result<Client, RemoteError> {
    // reqwest panics when it finds no provider.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        return Err(RemoteError::NoTlsProvider);
    }
    let mut builder = Client::builder()
        .timeout(options.timeout)
        .redirect(Policy::none())
        .no_proxy()
        .user_agent(concat!("etcd-monitor/", env!("CARGO_PKG_VERSION")));
    if let Some(path) = &options.ca_file {
        builder = builder.tls_certs_only(certificates(path)?);
    }
    builder.build().map_err(|error| RemoteError::Client {
        reason: reason_of(error),
    })
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, RemoteError> {
    let unusable = |reason: String| RemoteError::File {
        path: path.to_owned(),
        reason,
    };
    let pem = read_now(path, CA_FILE_BYTES_MAX)?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|error| unusable(reason_of(error)))?;
    if found.is_empty() {
        return Err(unusable("there is no certificate in it".to_owned()));
    }
    Ok(found)
}

fn read_now(path: &Path, most: u64) -> Result<Vec<u8>, RemoteError> {
    let unusable = |reason: String| RemoteError::File {
        path: path.to_owned(),
        reason,
    };
    let mut content = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| unusable(error.to_string()))?;
    let read = file.take(most + 1).read_to_end(&mut content);
    read.map_err(|error| unusable(error.to_string()))?;
    if content.len() as u64 > most {
        return Err(unusable(format!("it has more than {most} bytes")));
    }
    Ok(content)
}

async fn read(secret: &Secret) -> Result<SecretString, String> {
    let path = match secret {
        Secret::Value(value) => return Ok(value.clone()),
        Secret::File(path) => path,
    };
    let mut content = String::new();
    let read = async {
        let file = tokio::fs::File::open(path).await?;
        let mut file = file.take(SECRET_FILE_BYTES_MAX);
        file.read_to_string(&mut content).await
    };
    match read.await {
        Ok(_) => Ok(SecretString::from(content.trim_end())),
        Err(error) => Err(format!(
            "the file {} cannot be read: {error}",
            path.display()
        )),
    }
}
