//! Channels: where notifications go.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::notification::Notification;
use crate::policy::ChannelPace;

#[cfg(feature = "http")]
pub(crate) mod alertmanager;
#[cfg(any(feature = "http", feature = "smtp"))]
mod certificates;
pub(crate) mod config_error;
pub(crate) mod console;
#[cfg(feature = "http")]
pub(crate) mod door;
#[cfg(feature = "smtp")]
pub(crate) mod email;
#[cfg(feature = "http")]
pub(crate) mod pagerduty;
#[cfg(feature = "http")]
pub(crate) mod slack;
pub(crate) mod trial;
#[cfg(feature = "http")]
pub(crate) mod webhook;

/// A channel that notifications are delivered through.
///
/// # What a channel is called with, and what it promises
///
/// * One call is one attempt. Whoever delivers decides on another one, by the error: after
///   [`NotifyError::Unavailable`] the same notification comes again, after [`NotifyError::Rejected`] never. A channel
///   does not repeat by itself.
/// * Delivery is at least once: an attempt that timed out may have arrived, and after a crash what was not marked as
///   delivered comes again. A notification is the same in every attempt, with the same `id`; hand it to the service
///   as its idempotency key where it has one.
/// * Calls about one group come in order, and the next one only after the one before was taken, refused or given up.
///   Calls about different groups may run at the same time, up to the channel's limit.
/// * The call ends by itself in bounded time, whatever the service does.
/// * A panic is taken for a failed attempt.
/// * Text in a notification may quote what a member answered: a channel escapes it for where it goes to.
///
/// # Cancel safety
///
/// A call may be dropped at any await, when the process stops: the notification is then delivered or not, and counts as
/// not delivered. The channel stays usable.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// The name of the channel, for routes, counters and logs. Unique among the channels of a process.
    fn name(&self) -> &str;

    /// What kind of channel it is, for people: `slack`, say. Default `custom`.
    fn kind(&self) -> &'static str {
        "custom"
    }

    /// Tries once to deliver.
    ///
    /// The receipt, where there is one, is kept with the incident and handed in with its later messages
    /// ([`Delivery::receipt`]), also after a restart.
    async fn notify(
        &self,
        notification: &Notification,
        delivery: &Delivery,
    ) -> Result<Option<Receipt>, NotifyError>;

    /// How it wants to be told. Asked once, when the channel is put to use. Default: as the routes say, resolves
    /// included.
    fn pace(&self) -> ChannelPace {
        ChannelPace::default()
    }
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
