//! What a client may cost.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::problem::Problem;

/// Limits of the server. The defaults suit a monitor that people, scripts and Prometheus ask; each is there so that no
/// client can take from the others what the process has.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpLimits {
    /// Connections in all; 4,096. The process needs that many file descriptors, and some for itself.
    pub connections: usize,
    /// Connections of one address, for IPv6 of one /64; 256. Loopback is not counted: a proxy on this host speaks for many.
    pub connections_per_address: usize,
    /// From the connection to the end of the TLS handshake; 10 s.
    pub handshake: Duration,
    /// From the connection to the first whole request head, and from the first byte of a further one to its end; 10 s.
    pub first_request: Duration,
    /// How long a connection may wait for its next request, whatever frames of HTTP/2 it sends meanwhile, or one that sends nothing and takes nothing may stay; 2 min,
    /// longer than between two scrapes of Prometheus.
    pub idle: Duration,
    /// How long a client may take nothing of an answer that waits for it, of HTTP/2 of any of its answers; 30 s.
    pub write_stall: Duration,
    /// From the head of a request to the end of its body; 10 s.
    pub body: Duration,
    /// From the whole request to the head of its answer; 30 s. Live events and recordings may go on after that.
    pub answer: Duration,
    /// How long requests under way may take after the stop; 2 s. Live events end at once.
    pub drain: Duration,
    /// Bytes of a request's body; 64 KiB.
    pub body_bytes: usize,
    /// Bytes of a request's head; 32 KiB.
    pub head_bytes: usize,
    /// Headers of a request; 100.
    pub headers: usize,
    /// Requests at once on one connection of HTTP/2; 64.
    pub streams: u32,
    /// Between two looks at the files of TLS; 5 s.
    pub tls_check: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            connections_per_address: 256,
            handshake: Duration::from_secs(10),
            first_request: Duration::from_secs(10),
            idle: Duration::from_mins(2),
            write_stall: Duration::from_secs(30),
            body: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            drain: Duration::from_secs(2),
            body_bytes: 64 << 10,
            head_bytes: 32 << 10,
            headers: 100,
            streams: 64,
            tls_check: Duration::from_secs(5),
        }
    }
}

/// What limits each request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestLimits {
    body: Duration,
    body_bytes: usize,
    answer: Duration,
}

impl From<&HttpLimits> for RequestLimits {
    fn from(limits: &HttpLimits) -> Self {
        Self {
            body: limits.body,
            body_bytes: limits.body_bytes,
            answer: limits.answer,
        }
    }
}

/// Hands a request on with its whole body, and answers for a route that takes too long. So no route waits for its client.
pub(crate) async fn hold(
    State(limits): State<RequestLimits>,
    request: Request,
    next: Next,
) -> Response {
    // Where a proxy before us saw another end of a body in chunks, what follows it is no request of its own.
    let mut last = request.headers().contains_key(header::TRANSFER_ENCODING);
    let keeps_alive = request.version() < Version::HTTP_2;
    let mut response = match limits.whole(request).await {
        Ok(request) => limits.answer(request, next).await,
        Err(problem) => {
            last = true;
            problem.into_response()
        }
    };
    if last && keeps_alive {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

impl RequestLimits {
    async fn answer(self, request: Request, next: Next) -> Response {
        tokio::time::timeout(self.answer, next.run(request))
            .await
            .unwrap_or_else(|_| Problem::took_too_long(self.answer).into_response())
    }

    /// The request with its body in memory.
    async fn whole(self, request: Request) -> Result<Request, Problem> {
        if request.body().is_end_stream() {
            return Ok(request);
        }
        if request.body().size_hint().lower() > self.body_bytes as u64 {
            return Err(Problem::body_too_large(self.body_bytes));
        }
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, self.body_bytes).collect();
        let body = tokio::time::timeout(self.body, body).await;
        let body = body.map_err(|_| Problem::body_too_slow(self.body))?;
        let body = body.map_err(|error| {
            if error.is::<LengthLimitError>() {
                Problem::body_too_large(self.body_bytes)
            } else {
                Problem::body_unreadable()
            }
        })?;
        Ok(Request::from_parts(parts, Body::from(body.to_bytes())))
    }
}
