//! Channels: where notifications go.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::notification::Notification;

pub(crate) mod console;
pub(crate) mod webhook;

/// A channel that notifications are delivered through.
///
/// One call is one attempt: whoever delivers decides on another one by the error. A notification may come twice (an
/// attempt that timed out may have arrived); its `id` tells a receiver.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// The name of the channel, for counters and logs. Unique among the channels of a process.
    fn name(&self) -> &str;

    /// Tries once to deliver. Must end by itself in bounded time. Cancelling it may leave the notification delivered
    /// or not.
    ///
    /// The receipt, where there is one, is handed in with the later messages of the same incident.
    async fn notify(
        &self,
        notification: &Notification,
        delivery: &Delivery,
    ) -> Result<Option<Receipt>, NotifyError>;
}

/// The circumstances of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// What the channel returned last for an earlier message of the incident.
    pub receipt: Option<Receipt>,
    /// Whether the message is on disk; else it is lost when the process ends.
    pub durable: bool,
}

/// What a channel needs to find its earlier message again, such as the time stamp of a chat message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt(pub String);

impl Default for Delivery {
    fn default() -> Self {
        Self {
            attempt: 1,
            receipt: None,
            durable: true,
        }
    }
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
