//! From an endpoint to a connection: resolve, connect, TLS, HTTP/2.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::connection::Connection;
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
    let stream = connector.connect(name, stream).await.map_err(|error| {
        let cause = classify_chain(&error);
        let cause = cause.unwrap_or_else(|| Cause::new(ErrorKind::Tls, error.to_string()));
        during_handshake(cause).with_source(error)
    })?;
    Connection::start(stream, loaded.generation, true).await
}

/// A peer that closes in the middle of a handshake does not look like a TLS server.
fn during_handshake(cause: Cause) -> Cause {
    match cause.kind {
        ErrorKind::Refused => Cause::new(
            ErrorKind::Refused,
            "the connection was closed during the TLS handshake; etcd may be stopping, or the port is not etcd's",
        ),
        _ => cause,
    }
}

fn server_name(name: &str) -> Result<ServerName<'static>, Cause> {
    ServerName::try_from(name.to_owned())
        .map_err(|_| Cause::new(ErrorKind::Tls, format!("`{name}` is not a server name")))
}

async fn connect(endpoint: &Endpoint, deadline: Duration) -> Result<TcpStream, Cause> {
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

/// The start of a TLS handshake: a record of a `ClientHello` too short to be valid, which a TLS server answers with an
/// alert and anything else with silence or an end.
const HELLO: [u8; 9] = [0x16, 0x03, 0x01, 0x00, 0x04, 0x01, 0x00, 0x00, 0x00];

/// Finds out whether a port that closes plain connections without a word speaks TLS. A member that is down behind a
/// proxy closes as well, so this is asked before anything is said about TLS.
pub(super) async fn speaks_tls(endpoint: &Endpoint, deadline: Duration) -> bool {
    let probe = async {
        let mut stream = connect(endpoint, deadline).await.ok()?;
        stream.write_all(&HELLO).await.ok()?;
        let mut first = [0u8; 2];
        stream.read_exact(&mut first).await.ok()?;
        Some(matches!(first, [0x15 | 0x16, 3]))
    };
    probe.await.unwrap_or(false)
}
