//! From an endpoint to a connection: resolve, connect, TLS, HTTP/2.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::connection::Connection;
use super::scheme::other_scheme;
use crate::address;
use crate::endpoint::Endpoint;
use crate::error::{Cause, ErrorKind, classify_chain};
use crate::tls::LoadedTls;

/// Connects to an endpoint. The caller's deadline covers the whole; `deadline` is shared by the addresses of a name, so
/// that one which does not answer leaves time for the next.
pub(super) async fn dial(
    endpoint: &Endpoint,
    tls: Option<(Arc<LoadedTls>, Option<&str>)>,
    deadline: Duration,
) -> Result<Connection, Cause> {
    let stream = connect(endpoint, deadline).await?;
    let Some((loaded, name)) = tls else {
        return Connection::start(stream, 0, false).await;
    };
    let name = server_name(name.unwrap_or(endpoint.host()))?;
    let connector = TlsConnector::from(Arc::clone(&loaded.grpc));
    let error = match connector.connect(name, stream).await {
        Ok(stream) => return Connection::start(stream, loaded.generation, true).await,
        Err(error) => error,
    };
    let cause = classify_chain(&error);
    let cause = cause.unwrap_or_else(|| Cause::new(ErrorKind::Tls, error.to_string()));
    let cause = other_scheme(cause, endpoint, deadline).await;
    Err(cause.with_source(error))
}

/// The name to ask a TLS server for.
pub(crate) fn server_name(name: &str) -> Result<ServerName<'static>, Cause> {
    ServerName::try_from(name.to_owned())
        .map_err(|_| Cause::new(ErrorKind::Tls, format!("`{name}` is not a server name")))
}

/// A TCP connection to an endpoint, if its address may be contacted.
pub(crate) async fn connect(endpoint: &Endpoint, deadline: Duration) -> Result<TcpStream, Cause> {
    let addresses = address::resolve(endpoint.host(), endpoint.port()).await?;
    let share = deadline / u32::try_from(addresses.len()).unwrap_or(1).max(1);
    let mut last = None;
    for address in addresses {
        match connect_to(address, share).await {
            Ok(stream) => return Ok(stream),
            Err(cause) => last = Some(cause),
        }
    }
    Err(last.unwrap_or_else(|| Cause::new(ErrorKind::NameResolution, "the host has no address")))
}

async fn connect_to(address: SocketAddr, within: Duration) -> Result<TcpStream, Cause> {
    let connecting = tokio::time::timeout(within, TcpStream::connect(address)).await;
    let stream = connecting
        .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
        .and_then(|stream| stream.set_nodelay(true).map(|()| stream));
    stream.map_err(|error| {
        let cause = classify_chain(&error);
        cause
            .unwrap_or_else(|| Cause::new(ErrorKind::Other, error.to_string()))
            .with_source(error)
    })
}
