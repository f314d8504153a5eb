//! TLS of the server: which certificate it shows, and whose it asks for.

mod cipher;
mod client;
mod files;
mod live;
mod pem;

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use serde::Deserialize;

use client::Verifier;
use files::Files;
pub(crate) use live::Accepted;
pub use live::{LiveTls, PreparedTls};
pub use pem::{InlinePem, Pem};

/// What the server's TLS is made of; the names of the values are those of the Prometheus exporter-toolkit.
///
/// Files are read again when they change, so that rotated certificates need no restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// The server's certificate and what lies between it and its root.
    pub cert: Pem,
    /// Its private key.
    pub key: Pem,
    /// Who may sign the certificates of clients.
    pub client_ca: Option<Pem>,
    /// Whether clients show certificates.
    pub client_auth: ClientAuth,
    /// Names of which a client's certificate must bear one; any will do where the list is empty.
    pub client_allowed_sans: Vec<String>,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
    /// The newest version that is spoken.
    pub max_version: TlsVersion,
    /// Cipher suites of TLS 1.2 by Go's names; all that are safe where the list is empty.
    pub cipher_suites: Vec<String>,
    /// Curves by Go's names, the preferred one first; all that are safe where the list is empty.
    pub curve_preferences: Vec<String>,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            cert: Pem::File(PathBuf::new()),
            key: Pem::File(PathBuf::new()),
            client_ca: None,
            client_auth: ClientAuth::None,
            client_allowed_sans: Vec::new(),
            min_version: TlsVersion::Tls12,
            max_version: TlsVersion::Tls13,
            cipher_suites: Vec::new(),
            curve_preferences: Vec::new(),
        }
    }
}

/// What is wrong with the settings or their files. The message names the key and the file, and shows nothing of it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(String);

impl TlsError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    fn of(place: &str, reason: impl Display) -> Self {
        Self(format!("{place}: {reason}"))
    }
}

impl TlsSettings {
    fn server_config(&self, files: &Files, http2: bool) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(cipher::provider(self)?);
        let signers = files.client_signers()?;
        if signers.is_some() && self.client_auth == ClientAuth::None {
            let what = "there is a client CA, and client_auth_type says that no client is asked";
            return Err(TlsError::new(what));
        }
        let names = &self.client_allowed_sans;
        let verifier = Verifier::new(self.client_auth, signers, names, &provider)?;
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&cipher::versions(self)?)
            .map_err(|error| TlsError::new(error.to_string()))?;
        let builder = match verifier {
            Some(verifier) => builder.with_client_cert_verifier(Arc::new(verifier)),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder
            .with_single_cert(files.chain()?, files.key()?)
            .map_err(|error| TlsError::of(files.place_of_cert(), error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if http2 {
            config.alpn_protocols.insert(0, b"h2".to_vec());
        }
        if self.client_auth != ClientAuth::None {
            // Each connection shows its certificate again: one that has expired meanwhile resumes no session.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(config)
    }
}

/// Whether clients show certificates, by Go's names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub enum ClientAuth {
    /// They are not asked.
    #[default]
    #[serde(rename = "NoClientCert", alias = "")]
    None,
    /// They are asked, and nothing is checked.
    #[serde(rename = "RequestClientCert")]
    Request,
    /// They must show one, whoever signed it.
    #[serde(rename = "RequireAnyClientCert", alias = "RequireClientCert")]
    RequireAny,
    /// One that is shown must be signed by the client CA.
    #[serde(rename = "VerifyClientCertIfGiven")]
    VerifyIfGiven,
    /// They must show one that is signed by the client CA.
    #[serde(rename = "RequireAndVerifyClientCert")]
    RequireAndVerify,
}

/// A version of TLS. Versions before 1.2 are not spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2.
    #[serde(rename = "TLS12")]
    Tls12,
    /// TLS 1.3.
    #[serde(rename = "TLS13")]
    Tls13,
}

#[cfg(test)]
mod tests;
