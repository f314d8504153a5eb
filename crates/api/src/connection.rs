//! What is known of the connection that a request came by.

use std::net::SocketAddr;

/// The connection of a request, an extension of every one that the server took from a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(dead_code, reason = "read by whoever asks who the caller is")]
pub(crate) struct Connection {
    /// Who connected; a proxy where there is one.
    pub(crate) peer: SocketAddr,
    /// The client's certificate, where one was shown and its signer is trusted.
    pub(crate) certificate: Option<ClientCertificate>,
}

/// Who a client's certificate says it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(dead_code, reason = "read by whoever asks who the caller is")]
pub(crate) struct ClientCertificate {
    /// The common name of its subject.
    pub(crate) common_name: Option<String>,
    /// Its alternative names: DNS names, addresses, mail addresses and URIs.
    pub(crate) names: Vec<String>,
}
