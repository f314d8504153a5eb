//! Why a channel cannot be built.

use std::path::PathBuf;

use crate::templates::TemplateError;

/// Why a channel cannot be built. No variant carries a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The text is not a URL.
    #[error("the URL cannot be read: {reason}; expected http://HOST:PORT/PATH or https://…")]
    InvalidUrl {
        /// What is wrong with it.
        reason: String,
    },
    /// The URL has another scheme than `http` and `https`.
    #[error("nothing can be called by the scheme {scheme:?}; use http or https")]
    UnsupportedScheme {
        /// The scheme.
        scheme: String,
    },
    /// A header's name or value has characters that HTTP does not allow.
    #[error("the header {name:?} has characters that HTTP does not allow")]
    InvalidHeader {
        /// The header's name.
        name: String,
    },
    /// An option has a value that cannot work.
    #[error("{option}: {reason}")]
    InvalidOption {
        /// The option, by the name of its field.
        option: &'static str,
        /// What is wrong with its value, and what would be right.
        reason: String,
    },
    /// The file of trusted certificates cannot be used.
    #[error("the certificates in {} cannot be used: {reason}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A template cannot be read.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The process has no TLS provider yet.
    #[error(
        "no TLS provider is installed; call rustls::crypto::ring::default_provider().install_default() first"
    )]
    NoTlsProvider,
    /// The client cannot be built, for example for want of trusted certificates.
    #[error("the channel's client cannot be built: {reason}")]
    Client {
        /// What is wrong.
        reason: String,
    },
}

#[cfg(any(feature = "http", feature = "smtp"))]
impl ConfigError {
    /// The value of `option` cannot work, for this reason.
    pub(crate) fn option(option: &'static str, reason: impl Into<String>) -> Self {
        Self::InvalidOption {
            option,
            reason: reason.into(),
        }
    }
}
