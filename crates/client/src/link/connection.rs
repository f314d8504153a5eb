//! One HTTP/2 connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tonic::body::Body;

use super::watched::{Seen, Watched};
use crate::error::{Cause, ErrorKind, classify_chain};

/// Pings go out only while a call waits. etcd ends connections that ping more often than every 5 s
/// (`--grpc-keepalive-min-time`), or at all without a call.
const PING_EVERY: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer that a peer may send before we read them.
const WINDOW_BYTES: u32 = 1 << 20;

/// One HTTP/2 connection to a member. Dropping it ends its task and closes it.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: SendRequest<Body>,
    task: AbortHandle,
    generation: u64,
    tls: bool,
    seen: Arc<Seen>,
    last_answer: Mutex<Instant>,
    has_answered: AtomicBool,
}

impl Connection {
    /// Starts HTTP/2 on a stream. `generation` is that of the TLS files, 0 without TLS.
    pub(super) async fn start<S>(stream: S, generation: u64, tls: bool) -> Result<Self, Cause>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let seen = Arc::new(Seen::default());
        let stream = TokioIo::new(Watched::new(stream, Arc::clone(&seen)));
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(false)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES);
        let (sender, connection) = builder
            .handshake(stream)
            .await
            .map_err(|error| explain(&error, &seen, tls))?;
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
        });
        Ok(Self {
            sender,
            task: task.abort_handle(),
            generation,
            tls,
            seen,
            last_answer: Mutex::new(Instant::now()),
            has_answered: AtomicBool::new(false),
        })
    }

    pub(super) fn is_usable(&self, generation: u64) -> bool {
        !self.sender.is_closed() && self.generation == generation
    }

    pub(super) async fn send(
        &self,
        request: http::Request<Body>,
    ) -> Result<http::Response<Incoming>, Cause> {
        let mut sender = self.sender.clone();
        let answer = async {
            sender.ready().await?;
            sender.send_request(request).await
        };
        answer
            .await
            .map_err(|error| explain(&error, &self.seen, self.tls))
    }

    /// Notes an answer; true if it is the first.
    pub(super) fn answered(&self) -> bool {
        *self
            .last_answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Instant::now();
        !self.has_answered.swap(true, Ordering::Relaxed)
    }

    pub(super) fn has_answered(&self) -> bool {
        self.has_answered.load(Ordering::Relaxed)
    }

    /// When something was answered last; when it was made, if nothing was.
    pub(super) fn last_answer(&self) -> Instant {
        *self
            .last_answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// True if the peer sent anything at all.
    pub(super) fn was_heard(&self) -> bool {
        self.seen.heard()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Why a connection failed: by what was seen on the stream first, since HTTP/2 keeps only the texts of those errors.
fn explain(error: &hyper::Error, seen: &Seen, tls: bool) -> Cause {
    let cause = seen
        .cause(tls)
        .or_else(|| classify_chain(error))
        .unwrap_or_else(|| {
            if seen.closed() {
                return Cause::closed();
            }
            let message = format!("{error}; check that this is etcd's client port");
            Cause::new(ErrorKind::BadAnswer, message)
        });
    if cause.source.is_some() {
        cause
    } else {
        cause.with_source(error.to_string())
    }
}
