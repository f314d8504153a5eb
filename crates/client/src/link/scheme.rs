//! Finding out that a port speaks the other scheme.
//!
//! etcd's ports close a connection of the other scheme without a word, and so does a proxy in front of a member that is
//! down. So the port is asked before anything is said about TLS.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::dial::{connect, server_name};
use crate::endpoint::Endpoint;
use crate::error::{Cause, ErrorKind, classify_chain};
use crate::tls::TlsFiles;

/// The record of a `ClientHello` that is too short to be valid: a TLS server answers it with an alert.
const HELLO: &[u8] = &[0x16, 0x03, 0x01, 0x00, 0x04, 0x01, 0x00, 0x00, 0x00];
/// A request that costs an etcd without TLS nothing.
const REQUEST: &[u8] = b"GET /version HTTP/1.0\r\n\r\n";

/// How long a member may take to say that it wants a certificate.
const LISTENING: Duration = Duration::from_secs(1);

/// Gives a better cause for a connection that was closed, if the port turns out to speak the other scheme.
pub(crate) async fn other_scheme(cause: Cause, endpoint: &Endpoint, deadline: Duration) -> Cause {
    if !cause.closed {
        return cause;
    }
    let say = if endpoint.is_tls() { REQUEST } else { HELLO };
    match (
        first_words(endpoint, deadline, say).await,
        endpoint.is_tls(),
    ) {
        (Some([0x15 | 0x16, 3, ..]), false) => wants_tls(),
        (Some([b'H', b'T', b'T', b'P']), true) => Cause::new(
            ErrorKind::Tls,
            "the port answers without TLS; use http:// for this endpoint",
        ),
        _ => cause,
    }
}

/// Gives a better cause for a connection that was closed before anything was heard on it: by the scheme that the port speaks,
/// or by what a member says to who shows no certificate.
pub(crate) async fn why_closed(
    cause: Cause,
    endpoint: &Endpoint,
    tls: Option<&TlsFiles>,
    deadline: Duration,
) -> Cause {
    let cause = other_scheme(cause, endpoint, deadline).await;
    let Some(files) = tls.filter(|_| cause.closed) else {
        return cause;
    };
    let refusal = timeout(deadline, refusal(endpoint, files)).await;
    refusal.ok().flatten().unwrap_or(cause)
}

/// Why a member ends a connection over TLS on which nothing is asked, where we show no certificate: by TLS 1.3 it says so after
/// the handshake, and what was written meanwhile can keep that from being read. `None` where it does not end it.
async fn refusal(endpoint: &Endpoint, files: &TlsFiles) -> Option<Cause> {
    let loaded = files.current().await.ok()?;
    if !loaded.identity.is_empty() {
        return None;
    }
    let name = server_name(files.server_name().unwrap_or(endpoint.host())).ok()?;
    let stream = connect(endpoint, LISTENING).await.ok()?;
    let connector = TlsConnector::from(Arc::clone(&loaded.grpc));
    let mut stream = connector.connect(name, stream).await.ok()?;
    let mut first = [0];
    let heard = timeout(LISTENING, stream.read(&mut first)).await.ok()?;
    let cause = match heard {
        Ok(0) => Cause::closed(),
        Ok(_) => return None,
        Err(error) => classify_chain(&error)?,
    };
    if !cause.closed {
        return Some(cause);
    }
    let message = "the connection was closed by the other side right after TLS was made, without --cert and --key: the member may want a client certificate";
    Some(Cause {
        message: message.to_owned(),
        ..cause
    })
}

/// The cause of a call without TLS to a port with it.
pub(super) fn wants_tls() -> Cause {
    let message = "the port speaks TLS; use https:// for this endpoint, and --cacert";
    Cause::new(ErrorKind::Tls, message)
}

async fn first_words(endpoint: &Endpoint, deadline: Duration, say: &[u8]) -> Option<[u8; 4]> {
    let mut stream = connect(endpoint, deadline).await.ok()?;
    stream.write_all(say).await.ok()?;
    let mut first = [0; 4];
    stream.read_exact(&mut first).await.ok()?;
    Some(first)
}
