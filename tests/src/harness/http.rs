//! Asking the daemon.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, ClientBuilder, RequestBuilder};
use serde_json::Value;

use super::wait::until;

/// For a server to start.
const START_LIMIT: Duration = Duration::from_secs(30);

/// For one answer of the daemon, which never waits for etcd.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// An HTTP client for tests: no proxy of the environment, no decompression, and no connection kept, since each test has
/// a runtime of its own.
pub fn http_client() -> Client {
    client_builder()
        .build()
        .expect("the options are fixed and the provider is installed")
}

/// The same before it is built.
pub fn client_builder() -> ClientBuilder {
    // An error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().pool_max_idle_per_host(0)
}

/// Waits until a server says at this URL that it is ready; panics when it does not within 30 s.
pub(super) async fn until_ready(http: &Client, url: &str, server: &str) {
    let ready = async || match http.get(url).send().await {
        Ok(reply) if reply.status().is_success() => Ok(()),
        Ok(reply) => Err(reply.status().to_string()),
        Err(error) => Err(error.to_string()),
    };
    until(START_LIMIT, &format!("{server} is ready"), ready).await;
}

/// A whole answer.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Reply {
    /// Sends a request and reads the whole answer; the error says what failed.
    pub async fn of(request: RequestBuilder) -> Result<Self, String> {
        let response = request.timeout(ANSWER_LIMIT).send().await;
        let response = response.map_err(|error| format!("{error:?}"))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response
            .bytes()
            .await
            .map_err(|error| format!("{error:?}"))?;
        Ok(Self {
            status,
            headers,
            body: body.to_vec(),
        })
    }

    /// A header as text; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text()))
    }
}
