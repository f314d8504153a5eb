//! Finding out that a port speaks the other scheme.
//!
//! etcd's ports close a connection of the other scheme without a word, and so does a proxy in front of a member that is
//! down. So the port is asked before anything is said about TLS.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::dial::connect;
use crate::endpoint::Endpoint;
use crate::error::{Cause, ErrorKind};

/// The record of a `ClientHello` that is too short to be valid: a TLS server answers it with an alert.
const HELLO: &[u8] = &[0x16, 0x03, 0x01, 0x00, 0x04, 0x01, 0x00, 0x00, 0x00];
/// A request that costs an etcd without TLS nothing.
const REQUEST: &[u8] = b"GET /version HTTP/1.0\r\n\r\n";

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
