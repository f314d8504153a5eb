//! What can go wrong while a test cluster is built or steered.

use std::time::Duration;
use std::{fmt, io};

/// Why a test cluster could not be built or steered.
///
/// Every message says what was tried; where etcd itself misbehaved, the tail of its log is part of
/// the message, because that is what the reader of a failed test needs next. `Debug` prints the
/// same text with the sources, since that is what the test harness shows of a test that returned an
/// error.
#[derive(thiserror::Error)]
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
    /// A fault cannot be injected on this machine.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// A certificate could not be made.
    #[error("cannot issue a certificate")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A fault cannot be injected on this machine. A test that needs it prints this and passes.
#[derive(Debug, Clone, thiserror::Error)]
#[error("not available here: {reason}")]
#[non_exhaustive]
pub struct Unavailable {
    /// What is missing or forbidden.
    pub reason: String,
}

impl Unavailable {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")?;
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            write!(formatter, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl Error {
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }

    pub(crate) fn operation(operation: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self::Operation {
            operation: operation.into(),
            reason: reason.to_string(),
        }
    }
}
