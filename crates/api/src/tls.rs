//! TLS of the server: which certificate it shows, and whose it asks for.

use std::path::PathBuf;

use serde::Deserialize;

/// What the server's TLS is made of; the names of the values are those of the Prometheus exporter-toolkit.
///
/// The files are read again when they change, so that rotated certificates need no restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// The server's certificate and what lies between it and its root, PEM.
    pub cert_file: PathBuf,
    /// Its private key, PEM.
    pub key_file: PathBuf,
    /// Who may sign the certificates of clients, PEM.
    pub client_ca_file: Option<PathBuf>,
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
            cert_file: PathBuf::new(),
            key_file: PathBuf::new(),
            client_ca_file: None,
            client_auth: ClientAuth::None,
            client_allowed_sans: Vec::new(),
            min_version: TlsVersion::Tls12,
            max_version: TlsVersion::Tls13,
            cipher_suites: Vec::new(),
            curve_preferences: Vec::new(),
        }
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
    #[serde(rename = "RequireAnyClientCert")]
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
