//! One connection: what is known of it, and its requests from the first to the last.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, Request, Response, Version, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::exchange::{Exchange, HeldBody};
use crate::http2;
use crate::limits::HttpLimits;
use crate::tasks::Tasks;
use crate::timed_heads::TimedHeads;
use crate::timed_stream::TimedStream;
use crate::tls::{Accepted, LiveTls};

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
    #[error("nothing was asked for too long")]
    Idle,
    #[error("the client took nothing of an answer for too long")]
    Untaken,
    #[error("its certificate was trusted by another client CA than the one that holds now")]
    Distrusted,
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
            let connection = Connection {
                peer,
                certificate: None,
            };
            let trust = CancellationToken::new();
            return self.http1(stream, connection, &trust).await;
        };
        let Accepted { stream, client } = tls.accept(stream, limits.handshake).await?;
        let speaks_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let (certificate, trust) = client.unzip();
        let connection = Connection { peer, certificate };
        let trust = trust.unwrap_or_default();
        // Boxed: connections of plain HTTP have no use for the room that these take.
        if speaks_http2 {
            Box::pin(self.http2(stream, connection, &trust)).await
        } else {
            Box::pin(self.http1(stream, connection, &trust)).await
        }
    }

    async fn http1<S>(
        &self,
        stream: S,
        connection: Connection,
        trust: &CancellationToken,
    ) -> Result<(), ConnectionError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limits = &self.limits;
        let requests = Requests::new(&self.router, connection, Exchange::of_whole_answers());
        let exchange = requests.exchange.clone();
        let stream = TimedHeads::new(stream, exchange.clone(), limits.first_request);
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            // It also runs while the next request is awaited; from its first byte on TimedHeads counts.
            .header_read_timeout(limits.idle)
            .max_headers(limits.headers)
            .max_header_size(limits.head_bytes)
            .max_buf_size(2 * limits.head_bytes)
            .serve_connection(
                TokioIo::new(stream),
                service_fn(move |request| requests.answer(request)),
            );
        self.run(served, &exchange, trust).await
    }

    async fn http2<S>(
        &self,
        stream: S,
        connection: Connection,
        trust: &CancellationToken,
    ) -> Result<(), ConnectionError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let requests = Requests::new(&self.router, connection, Exchange::of_pieces());
        let exchange = requests.exchange.clone();
        let served = http2::builder(self.tasks.clone(), &self.limits).serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| requests.answer(request)),
        );
        tokio::select! {
            ended = self.run(served, &exchange, trust) => ended,
            why = self.abuse(&exchange) => Err(why),
        }
    }

    /// Runs a connection until it ends: by itself, after the stop with what is under way, for want of a request, or of trust
    /// in its certificate. The last cuts off what is under way: who asked for it is not known any more.
    async fn run<C>(
        &self,
        served: C,
        exchange: &Exchange,
        trust: &CancellationToken,
    ) -> Result<(), ConnectionError>
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
                () = trust.cancelled() => return Err(ConnectionError::Distrusted),
                () = self.stop.cancelled(), if !stopping => {
                    stopping = true;
                    served.as_mut().graceful_shutdown();
                }
                () = &mut first, if waits => {
                    waits = false;
                    if exchange.begun() == 0 {
                        return Err(ConnectionError::FirstRequestTime);
                    }
                }
            }
        }
    }

    /// Waits until a connection of HTTP/2 holds on to what it has without using it. Its frames of all kinds move the stream
    /// below it, so that one does not see this.
    async fn abuse(&self, exchange: &Exchange) -> ConnectionError {
        let limits = &self.limits;
        let pause = limits.write_stall.min(limits.idle) / 4;
        loop {
            tokio::time::sleep(pause).await;
            if exchange.untaken() >= limits.write_stall {
                return ConnectionError::Untaken;
            }
            if exchange.idle() >= limits.idle {
                return ConnectionError::Idle;
            }
        }
    }
}

/// Answers the requests of one connection.
struct Requests {
    router: Router,
    connection: Connection,
    exchange: Exchange,
}

impl Requests {
    fn new(router: &Router, connection: Connection, exchange: Exchange) -> Self {
        Self {
            router: router.clone(),
            connection,
            exchange,
        }
    }

    fn answer(
        &self,
        mut request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<HeldBody>, Infallible>> + use<> {
        let under_way = self.exchange.begin();
        name_host(&mut request);
        request.extensions_mut().insert(self.connection.clone());
        let answering = self.router.clone().call(request);
        async move {
            let response = answering.await?;
            Ok(response.map(|body| under_way.hold(body)))
        }
    }
}

/// Says in `Host` what HTTP/2 says in `:authority`, where it does not say it in both: whoever looks at the name then looks at
/// one place.
fn name_host(request: &mut Request<Incoming>) {
    let is_unnamed =
        request.version() == Version::HTTP_2 && !request.headers().contains_key(header::HOST);
    let authority = request.uri().authority().filter(|_| is_unnamed);
    let host = authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let Some(host) = host {
        request.headers_mut().insert(header::HOST, host);
    }
}
