//! What can go wrong while a test cluster is built or steered.

use std::io;
use std::time::Duration;

/// Why a test cluster could not be built or steered.
///
/// Every message says what was tried; where etcd itself misbehaved, the tail of its log is part of the message, because
/// that is what the reader of a failed test needs next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No fitting etcd binaries were found, and none could be made.
    #[error("no etcd {version} found; tried:\n{tried}")]
    Binaries {
        /// The version asked for.
        version: String,
        /// One line for each place, with what was wrong there.
        tried: String,
    },
    /// No private loopback address with free ports was found.
    #[error("no free loopback address for a cluster: {reason}")]
    Address {
        /// The last refusal.
        reason: String,
    },
    /// The operating system refused something.
    #[error("cannot {action}")]
    Io {
        /// What was tried, with the path or program.
        action: String,
        /// The refusal.
        source: io::Error,
    },
    /// The members did not become ready in time, or died while starting.
    #[error("not ready after {waited:.1?}:\n{members}")]
    NotReady {
        /// How long was waited.
        waited: Duration,
        /// One paragraph for each member that is not ready, with the tail of its log.
        members: String,
    },
    /// etcd refused an operation, or did not answer it in time.
    #[error("{operation} failed: {reason}")]
    Operation {
        /// The operation and the member it was sent to.
        operation: String,
        /// What came back.
        reason: String,
    },
    /// The cluster cannot do this as it was built.
    #[error("{0}")]
    Usage(String),
    /// A certificate could not be made.
    #[error("cannot issue a certificate: {0}")]
    Certificate(String),
}

impl Error {
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }

    pub(crate) fn operation(operation: impl Into<String>, reason: impl ToString) -> Self {
        Self::Operation {
            operation: operation.into(),
            reason: reason.to_string(),
        }
    }
}
