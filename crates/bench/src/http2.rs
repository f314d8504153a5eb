//! HTTP/2 (RFC 9113) as far as a load generator and its null server need it: frames and header compression.

pub(crate) mod frame;
pub(crate) mod hpack;

/// Why a connection cannot go on: the other side broke the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the other side broke HTTP/2: {0}")]
pub(crate) struct ProtocolError(pub(crate) &'static str);
