//! Channels: where notifications go.

use std::time::Duration;

use async_trait::async_trait;

use crate::alert::Notification;

pub(crate) mod console;
pub(crate) mod webhook;

/// A channel that notifications are delivered through.
///
/// One call is one attempt: whoever delivers decides on another one by the error. A notification may come twice (an
/// attempt that timed out may have arrived); its `dedup_key`, `kind` and `at` tell a receiver.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// The name of the channel, for counters and logs. Unique among the channels of a process.
    fn name(&self) -> &str;

    /// Tries once to deliver. Must end by itself in bounded time. Cancelling it may leave the notification delivered
    /// or not.
    async fn notify(&self, notification: &Notification) -> Result<(), NotifyError>;
}

/// Why an attempt failed. A variant is what to do about it. No variant carries a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotifyError {
    /// Not now: no connection, no answer in time, or the receiver is overloaded or broken. Another attempt may work.
    #[error("{target} did not take the notification: {reason}")]
    Unavailable {
        /// Where it was sent, without secrets.
        target: String,
        /// What came back.
        reason: String,
        /// How long the receiver asks to wait.
        retry_after: Option<Duration>,
    },
    /// Never: the receiver refuses it as it is. Another attempt fails alike; the configuration must change.
    #[error(
        "{target} refused the notification: {reason}; check the channel's address and credentials"
    )]
    Rejected {
        /// Where it was sent, without secrets.
        target: String,
        /// What came back.
        reason: String,
    },
}

impl NotifyError {
    /// Whether another attempt may work.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
