//! How to reach and talk to the members of one cluster.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::metrics_url::MetricsUrl;

/// How TLS connections are made. All files are PEM, and are read again when they change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsOptions {
    /// Certificates of the authorities that may sign members' certificates; without it the system's are used.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate (with its chain), for members started with `--client-cert-auth`. Needs `key_file`.
    pub cert_file: Option<PathBuf>,
    /// The private key of `cert_file`.
    pub key_file: Option<PathBuf>,
    /// The name that members' certificates must carry, when it is not the host of the endpoint.
    pub server_name: Option<String>,
}

impl TlsOptions {
    /// TLS with the system's authorities and no certificate of our own.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the authorities of this file instead of the system's.
    #[must_use]
    pub fn with_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Shows this certificate to the members.
    #[must_use]
    pub fn with_client_certificate(
        mut self,
        cert_file: impl Into<PathBuf>,
        key_file: impl Into<PathBuf>,
    ) -> Self {
        self.cert_file = Some(cert_file.into());
        self.key_file = Some(key_file.into());
        self
    }

    /// Expects this name in members' certificates.
    #[must_use]
    pub fn with_server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }
}

/// An etcd user.
#[derive(Debug, Clone, PartialEq)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The user's password.
    pub password: Password,
}

/// Where a password comes from. Never printed.
#[derive(Debug, Clone)]
pub enum Password {
    /// The password itself.
    Text(SecretString),
    /// A file that holds it; read at each authentication, one trailing line end is taken off.
    File(PathBuf),
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one.expose_secret() == other.expose_secret(),
            (Self::File(one), Self::File(other)) => one == other,
            _ => false,
        }
    }
}

/// How to reach and talk to the members of one cluster.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ClientOptions {
    /// TLS for `https` endpoints; `None` means the system's authorities and no certificate of our own.
    pub tls: Option<TlsOptions>,
    /// The etcd user; `None` for clusters without authentication, or where the client certificate names the user.
    pub credentials: Option<Credentials>,
    /// Time that one call may take, connecting and authenticating included. Default 2 s.
    pub deadline: Duration,
    /// Where `/metrics` and `/health` are served, when that is not the client port.
    pub metrics_url: Option<MetricsUrl>,
    /// Largest `/metrics` page that is read, in bytes. Default 4 MiB: a member's page has about 200 KB.
    pub metrics_limit_bytes: u64,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            tls: None,
            credentials: None,
            deadline: Duration::from_secs(2),
            metrics_url: None,
            metrics_limit_bytes: 4 << 20,
        }
    }
}

impl ClientOptions {
    /// The defaults: no TLS files, no user, 2 s per call.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes TLS connections in this way.
    #[must_use]
    pub fn with_tls(mut self, tls: TlsOptions) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Authenticates as this user.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Gives each call this much time.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Reads `/metrics` and `/health` there.
    #[must_use]
    pub fn with_metrics_url(mut self, url: MetricsUrl) -> Self {
        self.metrics_url = Some(url);
        self
    }

    /// Reads at most this many bytes of a `/metrics` page.
    #[must_use]
    pub fn with_metrics_limit_bytes(mut self, limit: u64) -> Self {
        self.metrics_limit_bytes = limit;
        self
    }
}
