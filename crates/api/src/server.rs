//! The HTTP server: routes, what surrounds each of them, and its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::access::{self, Access, Guard};
use crate::admission::Admission;
use crate::connection::Server;
use crate::host::{self, HostPolicy};
use crate::limits::{self, HttpLimits, RequestLimits};
use crate::problem::Problem;
use crate::server_stats::ServerStats;
use crate::source::Source;
use crate::tasks::Tasks;
use crate::tls::LiveTls;
use crate::{accept, assets, cors, openapi, request_id, request_log, requests, routes};

/// No inline script or style, nothing from other hosts, no framing.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// No page of another origin has an answer in its own memory (but by CORS), or a hold on a window of ours.
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");
const CROSS_ORIGIN_OPENER_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-opener-policy");

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
    pub tls: Option<LiveTls>,
    /// Origins (`https://host:port`) whose pages may read the answers; none by default.
    pub cors_origins: Vec<String>,
    /// What a client may cost.
    pub limits: HttpLimits,
}

impl HttpOptions {
    /// Answers to these names, and lets callers do what `access` says; over plain HTTP, for pages of no other origin.
    pub fn new(hosts: HostPolicy, access: Access) -> Self {
        Self {
            hosts,
            access,
            tls: None,
            cors_origins: Vec::new(),
            limits: HttpLimits::default(),
        }
    }
}

/// Every route, with what surrounds it, from the outside in: its line in the log and its id, compression, security
/// headers, the `Host` check, pages of other origins, limits, and who asks.
pub fn router(source: Source, options: HttpOptions) -> Router {
    let requests = source.requests().clone();
    let limits = RequestLimits::from(&options.limits);
    let guard = Guard::new(
        options.access.clone(),
        &options.cors_origins,
        CONTENT_SECURITY_POLICY,
    );
    let described = routes::router(&source)
        .with_state(source)
        .merge(access::session_router(options.access));
    let routes = openapi::described(described)
        .merge(assets::router())
        .fallback(|request: Request| async move { Problem::route_unknown(request.uri().path()) })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(from_fn(request_log::note_caller))
        .layer(from_fn_with_state(guard, access::guard))
        .layer(from_fn_with_state(limits, limits::hold));
    let routes = if options.cors_origins.is_empty() {
        routes
    } else {
        routes.layer(cors::layer(&options.cors_origins))
    };
    let routes = routes
        .layer(from_fn_with_state(options.hosts, host::check))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::internal_error().into_response()
        }));
    with_fixed_headers(routes)
        .layer(from_fn(request_id::name_in_problems))
        .layer(CompressionLayer::new().compress_when(is_worth_compressing()))
        .layer(from_fn_with_state(requests, requests::count))
        .layer(from_fn(request_log::record))
        .layer(from_fn(request_id::assign))
}

fn with_fixed_headers(routes: Router) -> Router {
    let fixed = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    routes
        .layer(fixed(
            header::CONTENT_SECURITY_POLICY,
            CONTENT_SECURITY_POLICY,
        ))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::REFERRER_POLICY, "no-referrer"))
        .layer(fixed(CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"))
        .layer(fixed(CROSS_ORIGIN_OPENER_POLICY, "same-origin"))
        .layer(fixed(header::X_FRAME_OPTIONS, "DENY"))
        .layer(fixed(header::CACHE_CONTROL, "no-store"))
}

/// Neither live events, which would wait for a full block, nor recordings, which are compressed.
fn is_worth_compressing() -> impl Predicate {
    let recording = NotForContentType::const_new("application/octet-stream");
    DefaultPredicate::new().and(recording)
}

/// Serves until `stop` is cancelled, then ends live events, lets requests under way finish for 2 s, and returns.
pub async fn serve(
    listener: TcpListener,
    source: Source,
    options: HttpOptions,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    let limits = options.limits.clone();
    let tls = options.tls.clone();
    let admission = Admission::new(limits.connections, limits.connections_per_address);
    let stats = ServerStats::new(&admission, tls.as_ref());
    let source = source
        .with_stats(Arc::new(stats))
        .with_stats(Arc::new(options.access.clone()));
    let server = Arc::new(Server {
        router: router(source, options),
        tls: tls.clone(),
        tasks: Tasks::default(),
        stop,
        limits,
    });
    let pause = server.limits.tls_check;
    let accepting = accept::run(listener, server, admission);
    tokio::select! {
        () = accepting => {}
        () = follow(tls, pause) => {}
    }
    Ok(())
}

/// Follows the files of TLS; without end.
async fn follow(tls: Option<LiveTls>, pause: Duration) {
    match tls {
        Some(tls) => tls.follow_files(pause).await,
        None => std::future::pending().await,
    }
}
