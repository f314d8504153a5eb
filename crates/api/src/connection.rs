//! One connection: what is known of it, and its requests from the first to the last.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::limits::HttpLimits;
use crate::tasks::Tasks;
use crate::timed_stream::TimedStream;
use crate::tls::LiveTls;

/// The connection of a request, an extension of every one that the server took from a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connection {
    /// Who connected; a proxy where there is one.
    pub(crate) peer: SocketAddr,
    /// The client's certificate, where one was shown and its signer is trusted.
    pub(crate) certificate: Option<ClientCertificate>,
}

/// Who a client's certificate says it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ClientCertificate {
    /// The common name of its subject.
    pub(crate) common_name: Option<String>,
    /// Its alternative names: DNS names, addresses, mail addresses and URIs.
    pub(crate) names: Vec<String>,
    /// The last moment at which it is valid.
    pub(crate) not_after: Timestamp,
}

/// What connections are served with.
pub(crate) struct Server {
    pub(crate) router: Router,
    pub(crate) tls: Option<LiveTls>,
    pub(crate) limits: HttpLimits,
    pub(crate) tasks: Tasks,
    pub(crate) stop: CancellationToken,
}

/// A connection that ended otherwise than by its client or by the stop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    #[error("the TLS handshake failed: {0}")]
    Handshake(#[source] io::Error),
    #[error("the TLS handshake took too long")]
    HandshakeTime,
    #[error("no whole request came in time")]
    FirstRequestTime,
    #[error(transparent)]
    Http(#[from] hyper::Error),
}

impl Server {
    /// Serves a connection to its end.
    pub(crate) async fn serve(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> Result<(), ConnectionError> {
        // Answers are written whole; small ones shall not wait for more. One that fails is as good without it.
        let _ = stream.set_nodelay(true);
        let limits = &self.limits;
        let stream = TimedStream::new(stream, limits.idle, limits.write_stall);
        let Some(tls) = &self.tls else {
            return self
                .http1(
                    stream,
                    Connection {
                        peer,
                        certificate: None,
                    },
                )
                .await;
        };
        let stream = tls.accept(stream, limits.handshake).await?;
        let (_, session) = stream.get_ref();
        let speaks_http2 = session.alpn_protocol() == Some(b"h2");
        let certificate = tls.client_certificate(session);
        let connection = Connection { peer, certificate };
        if speaks_http2 {
            self.http2(stream, connection).await
        } else {
            self.http1(stream, connection).await
        }
    }

    async fn http1<S>(&self, stream: S, connection: Connection) -> Result<(), ConnectionError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limits = &self.limits;
        let requests = Requests::new(&self.router, connection);
        let arrived = Arc::clone(&requests.arrived);
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            // It also runs while the next request is awaited.
            .header_read_timeout(limits.idle)
            .max_headers(limits.headers)
            .max_header_size(limits.head_bytes)
            .max_buf_size(2 * limits.head_bytes)
            .serve_connection(
                TokioIo::new(stream),
                service_fn(move |request| requests.answer(request)),
            );
        self.run(served, &arrived).await
    }

    async fn http2<S>(&self, stream: S, connection: Connection) -> Result<(), ConnectionError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limits = &self.limits;
        let requests = Requests::new(&self.router, connection);
        let arrived = Arc::clone(&requests.arrived);
        let head_bytes = u32::try_from(limits.head_bytes).unwrap_or(u32::MAX);
        let served = http2::Builder::new(self.tasks.clone())
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(head_bytes)
            .serve_connection(
                TokioIo::new(stream),
                service_fn(move |request| requests.answer(request)),
            );
        self.run(served, &arrived).await
    }

    /// Runs a connection until it ends: by itself, after the stop with what is under way, or for want of a request.
    async fn run<C>(&self, served: C, arrived: &AtomicBool) -> Result<(), ConnectionError>
    where
        C: GracefulConnection<Error = hyper::Error>,
    {
        tokio::pin!(served);
        let first = tokio::time::sleep(self.limits.first_request);
        tokio::pin!(first);
        let mut waits = true;
        let mut stopping = false;
        loop {
            tokio::select! {
                ended = served.as_mut() => return Ok(ended?),
                () = self.stop.cancelled(), if !stopping => {
                    stopping = true;
                    served.as_mut().graceful_shutdown();
                }
                () = &mut first, if waits => {
                    waits = false;
                    if !arrived.load(Ordering::Relaxed) {
                        return Err(ConnectionError::FirstRequestTime);
                    }
                }
            }
        }
    }
}

/// Answers the requests of one connection.
struct Requests {
    router: Router,
    connection: Connection,
    /// Whether there was one.
    arrived: Arc<AtomicBool>,
}

impl Requests {
    fn new(router: &Router, connection: Connection) -> Self {
        Self {
            router: router.clone(),
            connection,
            arrived: Arc::default(),
        }
    }

    fn answer(
        &self,
        mut request: Request<Incoming>,
    ) -> <Router as Service<Request<Incoming>>>::Future {
        self.arrived.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(self.connection.clone());
        self.router.clone().call(request)
    }
}
