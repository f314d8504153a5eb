use std::path::PathBuf;

/// Why remote write or reading back cannot begin. No variant carries a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The text is not a URL of `http` or `https`: correct the configuration.
    #[error(
        "the URL of the remote store cannot be used: {reason}; expected http://HOST:PORT/PATH or https://…"
    )]
    InvalidUrl {
        /// What is wrong with it.
        reason: String,
    },
    /// A header's name or value has characters that HTTP does not allow.
    #[error("the header {name:?} for the remote store has characters that HTTP does not allow")]
    InvalidHeader {
        /// The header's name.
        name: String,
    },
    /// A label cannot be one: it is named twice, has a name that Prometheus does not allow or that is one of ours, or is too long.
    #[error("the label {name:?} for the remote store cannot be used: {reason}")]
    InvalidLabel {
        /// The label's name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file of the configuration (certificates, password, token) cannot be read or used.
    #[error("the file {} for the remote store cannot be used: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The process has no TLS provider yet.
    #[error(
        "no TLS provider is installed; call rustls::crypto::ring::default_provider().install_default() first"
    )]
    NoTlsProvider,
    /// The HTTP client cannot be built, for example for want of trusted certificates.
    #[error("the HTTP client for the remote store cannot be built: {reason}")]
    Client {
        /// What is wrong.
        reason: String,
    },
    /// The folder of the queue cannot be read or written.
    #[error("the queue of remote write in {} cannot be used: {reason}", path.display())]
    Queue {
        /// The file or folder.
        path: PathBuf,
        /// What came back.
        reason: String,
    },
    /// Another process has the queue open.
    #[error("the queue of remote write in {} is in use by another process; give each its own folder", path.display())]
    QueueInUse {
        /// The folder.
        path: PathBuf,
    },
    /// A later release wrote the queue.
    #[error("the file {} of remote write has format version {found}, this release knows {known}; use the release that wrote it, or delete the folder and what is in it", path.display())]
    NewerQueue {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u32,
        /// The newest version that this release reads.
        known: u32,
    },
}
