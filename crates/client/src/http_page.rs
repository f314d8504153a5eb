//! Member HTTP: `/metrics`, `/health`, `/version`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Response, StatusCode, redirect};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::address;
use crate::answer::{DateAnswer, HealthAnswer, PageAnswer, VersionAnswer};
use crate::endpoint::Endpoint;
use crate::error::{Cause, ErrorKind, classify_chain};
use crate::link::why_closed;
use crate::message::clean;
use crate::tls::{TlsFiles, no_tls};

/// Largest `/health` or `/version` answer that is read; they have about 60 bytes.
const MAX_SMALL_PAGE_BYTES: u64 = 64 << 10;
/// Room that is made at most before anything came; a member's page has about 200 kB.
const MAX_ROOM_BYTES: usize = 1 << 20;
/// Time in which a page may come in before it is read: members send it in pieces of 4 kB, and reading each at once wakes
/// this process some fifty times for one page. Measured: a tenth of a cycle's CPU time.
const GATHER: Duration = Duration::from_millis(5);
/// Time for asking a port which scheme it speaks; within the deadline of the call in any case.
const ASK_SCHEME: Duration = Duration::from_secs(1);

/// The HTTP clients of one cluster: one without TLS, one for each generation of the TLS files.
#[derive(Debug)]
pub(crate) struct PageClient {
    plain: Client,
    tls: Arc<TlsFiles>,
    secure: Mutex<Option<(u64, Client)>>,
}

impl PageClient {
    pub(crate) fn new(tls: Arc<TlsFiles>) -> Result<Self, Cause> {
        Ok(Self {
            plain: build(no_tls())?,
            tls,
            secure: Mutex::new(None),
        })
    }

    async fn client(&self, endpoint: &Endpoint) -> Result<Client, Cause> {
        if !endpoint.is_tls() {
            return Ok(self.plain.clone());
        }
        let loaded = self.tls.current().await?;
        let mut secure = self.secure.lock().await;
        if let Some((generation, client)) = &*secure
            && *generation == loaded.generation
        {
            return Ok(client.clone());
        }
        let client = build(loaded.http.clone())?;
        *secure = Some((loaded.generation, client.clone()));
        Ok(client)
    }

    async fn get(&self, endpoint: &Endpoint, path: &str) -> Result<Response, Cause> {
        if let Some(ip) = endpoint.ip()
            && let Some(reason) = address::refusal(ip)
        {
            return Err(address::not_allowed(ip, reason));
        }
        let client = self.client(endpoint).await?;
        let request = client.get(format!("{endpoint}{path}"));
        // The OpenMetrics form would cost the member more and us another grammar.
        let request = request.header("accept", "text/plain;version=0.0.4");
        match request.send().await {
            Ok(response) => Ok(response),
            Err(error) => {
                let tls = endpoint.is_tls().then_some(&*self.tls);
                let cause = why_closed(explain(&error), endpoint, tls, ASK_SCHEME).await;
                if cause.kind == ErrorKind::Tls {
                    self.tls.doubt();
                }
                Err(cause.with_source(error.without_url()))
            }
        }
    }

    /// The bytes of `/metrics`, at most `limit` of them; about `expected` where the answer does not say how many.
    pub(crate) async fn metrics(
        &self,
        endpoint: &Endpoint,
        limit: u64,
        expected: usize,
    ) -> Result<PageAnswer, Cause> {
        let (sent_at, began) = (SystemTime::now(), Instant::now());
        let response = self.get(endpoint, "/metrics").await?;
        let answered_after = began.elapsed();
        if response.status() != StatusCode::OK {
            return Err(unexpected(response).await);
        }
        let date = date(&response).map(|date| DateAnswer {
            sent_at,
            answered_after,
            date,
        });
        let text = read(response, limit, expected).await?;
        Ok(PageAnswer { text, date })
    }

    pub(crate) async fn health(&self, endpoint: &Endpoint) -> Result<HealthAnswer, Cause> {
        let response = self.get(endpoint, "/health").await?;
        // An unhealthy member answers 503 with the same body.
        if !matches!(
            response.status(),
            StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE
        ) {
            return Err(unexpected(response).await);
        }
        let page: HealthPage = json(&read(response, MAX_SMALL_PAGE_BYTES, 0).await?)?;
        Ok(HealthAnswer {
            healthy: page.health == "true",
            reason: clean(&page.reason),
        })
    }

    pub(crate) async fn version(&self, endpoint: &Endpoint) -> Result<VersionAnswer, Cause> {
        let response = self.get(endpoint, "/version").await?;
        if response.status() != StatusCode::OK {
            return Err(unexpected(response).await);
        }
        let page: VersionPage = json(&read(response, MAX_SMALL_PAGE_BYTES, 0).await?)?;
        Ok(VersionAnswer {
            server: clean(&page.etcdserver),
            cluster: clean(&page.etcdcluster),
            storage: page
                .storage
                .map(|text| clean(&text))
                .filter(|text| !text.is_empty()),
        })
    }
}

/// When the answer was made by the clock of whoever made it.
fn date(response: &Response) -> Option<SystemTime> {
    let date = response.headers().get("date")?.to_str().ok()?;
    httpdate::parse_http_date(date).ok()
}

#[derive(Deserialize)]
struct HealthPage {
    health: String,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
struct VersionPage {
    etcdserver: String,
    etcdcluster: String,
    storage: Option<String>,
}

fn build(tls: rustls::ClientConfig) -> Result<Client, Cause> {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .dns_resolver(Guarded)
        .pool_max_idle_per_host(1)
        .build()
        .map_err(|error| {
            Cause::new(ErrorKind::Other, "no HTTP client could be made").with_source(error)
        })
}

/// A resolver that keeps back addresses that may not be contacted.
struct Guarded;

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = address::resolve(name.as_str(), 0).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Reads a body while it comes in, and stops at the limit whatever its length is said to be.
///
/// `expected`: the bytes for which there is room at once where the answer does not say its length, as the large pages of
/// members do not.
async fn read(mut response: Response, limit: u64, expected: usize) -> Result<Vec<u8>, Cause> {
    let too_large = || {
        let message = format!("the page is larger than {limit} bytes; check what serves this port");
        Cause::new(ErrorKind::BadAnswer, message)
    };
    if response
        .content_length()
        .is_some_and(|length| length > limit)
    {
        return Err(too_large());
    }
    let mut page = Vec::with_capacity(room(response.content_length(), limit, expected));
    tokio::time::sleep(GATHER).await;
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if page.len() as u64 + chunk.len() as u64 <= limit => {
                page.extend_from_slice(&chunk);
            }
            Ok(Some(_)) => return Err(too_large()),
            Ok(None) => return Ok(page),
            Err(error) => return Err(broken_off(error)),
        }
    }
}

fn room(said: Option<u64>, limit: u64, expected: usize) -> usize {
    let said = said.and_then(|length| usize::try_from(length).ok());
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    said.unwrap_or(expected).min(most).min(MAX_ROOM_BYTES)
}

fn broken_off(error: reqwest::Error) -> Cause {
    let unknown = || Cause::new(ErrorKind::BadAnswer, root_text(&error));
    let mut cause = classify_chain(&error).unwrap_or_else(unknown);
    cause.message = format!("the page broke off: {}", cause.message);
    cause.with_source(error.without_url())
}

/// The cause of an HTTP status that is no answer.
async fn unexpected(response: Response) -> Cause {
    let status = response.status();
    let text = read(response, MAX_SMALL_PAGE_BYTES, 0)
        .await
        .unwrap_or_default();
    let text = clean(&String::from_utf8_lossy(&text[..text.len().min(1024)]));
    let hint = match status {
        StatusCode::NOT_FOUND => {
            "; the member may serve it on another port (--listen-metrics-urls), give --metrics-url"
        }
        _ => "; check what serves this port",
    };
    Cause::new(
        ErrorKind::BadAnswer,
        format!("HTTP status {status} {text}{hint}"),
    )
}

fn explain(error: &reqwest::Error) -> Cause {
    classify_chain(error).unwrap_or_else(|| {
        let text = root_text(error);
        if error.is_connect() {
            return Cause::new(ErrorKind::Refused, format!("no connection: {text}"));
        }
        Cause::new(ErrorKind::BadAnswer, format!("no HTTP answer: {text}"))
    })
}

/// The text of the innermost error.
fn root_text(error: &reqwest::Error) -> String {
    let mut root: &dyn std::error::Error = error;
    for _ in 0..16 {
        match root.source() {
            Some(source) => root = source,
            None => break,
        }
    }
    root.to_string()
}

fn json<'a, T: Deserialize<'a>>(page: &'a [u8]) -> Result<T, Cause> {
    serde_json::from_slice(page).map_err(|error| {
        let start = String::from_utf8_lossy(&page[..page.len().min(100)]);
        let message = format!("the answer is not etcd's JSON ({error}): {}", clean(&start));
        Cause::new(ErrorKind::BadAnswer, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etcd_pages_are_read() {
        let health: HealthPage =
            json(b"{\"health\":\"false\",\"reason\":\"ALARM NOSPACE\"}\n").unwrap();
        assert_eq!(
            (health.health.as_str(), health.reason.as_str()),
            ("false", "ALARM NOSPACE")
        );
        let health: HealthPage = json(b"{\"health\":\"true\"}").unwrap();
        assert_eq!(health.reason, "");
        let version: VersionPage =
            json(b"{\"etcdserver\":\"3.5.35\",\"etcdcluster\":\"3.5.0\"}").unwrap();
        assert_eq!(version.storage, None);
    }

    #[test]
    fn room_is_made_for_what_is_said_or_expected_within_the_limit() {
        assert_eq!(room(Some(300), 1000, 500), 300);
        assert_eq!(room(None, 1000, 500), 500);
        assert_eq!(room(None, 1000, 5000), 1000);
        assert_eq!(room(Some(u64::MAX), u64::MAX, 0), MAX_ROOM_BYTES);
    }

    #[test]
    fn anything_else_is_a_bad_answer() {
        let cause = json::<HealthPage>(b"<html>").err().unwrap();
        assert_eq!(cause.kind, ErrorKind::BadAnswer);
        assert!(cause.message.contains("<html>"), "{cause}");
    }
}
