//! The HTTP server: routes, what surrounds each of them, and its end.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::from_fn_with_state;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::access::{self, Access};
use crate::host::{self, HostPolicy};
use crate::problem::Problem;
use crate::source::Source;
use crate::tls::TlsSettings;
use crate::{assets, routes};

/// How long requests under way may take after the stop; live events end at once.
const DRAIN: Duration = Duration::from_secs(2);

/// No inline script or style, nothing from other hosts, no framing.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Why the server could not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Another process listens there.
    #[error(
        "port {port} of {host} is in use; stop what listens there (ss -ltnp 'sport = :{port}') or choose another with --api-port", port = .0.port(), host = .0.ip()
    )]
    PortInUse(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}; --listen must be an address of this host")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What came back.
        source: std::io::Error,
    },
    /// The server ended by itself.
    #[error("the HTTP server ended")]
    Ended(#[source] std::io::Error),
}

/// Listens on an address. Port 0 takes a free one; ask the listener which.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| match source.kind() {
            std::io::ErrorKind::AddrInUse => ServeError::PortInUse(address),
            _ => ServeError::Bind { address, source },
        })
}

/// How the server meets its clients.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpOptions {
    /// Which names it answers to.
    pub hosts: HostPolicy,
    /// Who may do what.
    pub access: Access,
    /// TLS; without it the server speaks plain HTTP.
    pub tls: Option<TlsSettings>,
    /// Origins (`https://host:port`) whose pages may read the answers; none by default.
    pub cors_origins: Vec<String>,
}

impl HttpOptions {
    /// Answers to these names, and lets callers do what `access` says; over plain HTTP, for pages of no other origin.
    pub fn new(hosts: HostPolicy, access: Access) -> Self {
        Self {
            hosts,
            access,
            tls: None,
            cors_origins: Vec::new(),
        }
    }
}

/// Every route, with what surrounds it: the `Host` check, who asks, compression and security headers.
pub fn router(source: Source, options: HttpOptions) -> Router {
    let fixed = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    routes::router()
        .with_state(source)
        .merge(assets::router())
        .fallback(|request: Request| async move { Problem::route_unknown(request.uri().path()) })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(CompressionLayer::new())
        .layer(fixed(
            header::CONTENT_SECURITY_POLICY,
            CONTENT_SECURITY_POLICY,
        ))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::REFERRER_POLICY, "no-referrer"))
        .layer(fixed(header::X_FRAME_OPTIONS, "DENY"))
        .layer(fixed(header::CACHE_CONTROL, "no-store"))
        .layer(from_fn_with_state(options.access, access::identify))
        .layer(from_fn_with_state(options.hosts, host::check))
}

/// Serves until `stop` is cancelled, then ends live events, lets requests under way finish for 2 s, and returns.
pub async fn serve(
    listener: TcpListener,
    source: Source,
    options: HttpOptions,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    let stopped = stop.clone();
    let server = axum::serve(listener, router(source, options))
        .with_graceful_shutdown(async move { stopped.cancelled().await });
    let drained = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        ended = server.into_future() => ended.map_err(ServeError::Ended),
        () = drained => {
            tracing::warn!(seconds = DRAIN.as_secs(), "Requests that were still under way were cut off");
            Ok(())
        }
    }
}
