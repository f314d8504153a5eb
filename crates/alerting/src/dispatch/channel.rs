//! A channel as alerting is given it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::notifier::Notifier;

/// A way to tell, and what it may take at a time.
#[derive(Clone, derive_more::Debug)]
#[non_exhaustive]
pub struct Channel {
    /// What delivers.
    #[debug("{}", notifier.name())]
    pub notifier: Arc<dyn Notifier>,
    /// What it may take.
    pub limits: ChannelLimits,
}

/// What a channel may take at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelLimits {
    /// Attempts per minute; as many may be made at once after a quiet minute. `None`: no limit, which is the default.
    pub rate_per_minute: Option<NonZeroU32>,
    /// Groups of alerts that are told at once; within a group one message follows the other. At least 1, default 4.
    pub concurrency: usize,
    /// Notifications that wait. When one more comes, one that a newer of its group supersedes is dropped, else the oldest.
    /// At least 1, default 1,000.
    pub queue: usize,
    /// Time for one attempt; the notifier's own limit usually ends it before. Default 30 s.
    pub timeout: Duration,
}

impl Channel {
    /// A channel with the default limits.
    pub fn new(notifier: Arc<dyn Notifier>) -> Self {
        Self {
            notifier,
            limits: ChannelLimits::default(),
        }
    }

    /// The same channel with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: ChannelLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The channel's name.
    pub fn name(&self) -> &str {
        self.notifier.name()
    }
}

impl Default for ChannelLimits {
    fn default() -> Self {
        Self {
            rate_per_minute: None,
            concurrency: 4,
            queue: 1_000,
            timeout: Duration::from_secs(30),
        }
    }
}
