//! What is told: a group of alerts, through one channel.

use std::collections::BTreeMap;

use etcd_monitor_model::Severity;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::{Alert, Fingerprint};

/// Alerts of a group that a notification carries in full, the worst ones; the counts tell of all.
pub const MAX_ALERTS_TOLD: usize = 100;

/// One message about one group of alerts, for one channel.
///
/// A group is what belongs together for the people who read it: by default the alerts of one rule in one cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Notification {
    /// Names this message, through all attempts to deliver it and over restarts: an idempotency key.
    pub id: String,
    /// The channel it is for.
    pub channel: String,
    /// What is told.
    pub kind: NotificationKind,
    /// When it was decided to tell it.
    pub at: Timestamp,
    /// What the alerts of the group have in common.
    pub group: Group,
    /// Names the group in every daemon that watches the cluster: what a receiver merges messages by. It is the same
    /// for a later incident of the same group.
    pub dedup_key: String,
    /// When the incident began: the group's first message. A re-fire within the dedup window belongs to it.
    pub incident_at: Timestamp,
    /// How many messages of the incident came before, through this channel.
    pub sequence: u64,
    /// The worst severity of what fires, or, where nothing does any more, of what is over.
    pub severity: Severity,
    /// What fires, worst first, at most [`MAX_ALERTS_TOLD`]. Among it is what was told before and is muted by now, and
    /// what is over while that is held back; what is muted and was never told is not.
    pub firing: Vec<Alert>,
    /// What is over since the message before, worst first, at most [`MAX_ALERTS_TOLD`].
    pub resolved: Vec<Alert>,
    /// How many alerts of the group fire. To a channel that is told everything again and again: how many the message
    /// carries.
    pub firing_count: usize,
    /// How many are over since the message before.
    pub resolved_count: usize,
}

/// What the alerts of a group have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Group {
    /// The group's fingerprint: over its labels alone.
    pub id: Fingerprint,
    /// The labels it is made by, with their values: `cluster`, `rule`, …
    pub labels: BTreeMap<String, String>,
}

/// What is told about a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NotificationKind {
    /// The group fires, and nothing was told of it, or that it was over.
    Fired,
    /// It still fires, and more, less or worse than was told.
    Updated,
    /// It still fires, as was told some time ago.
    Repeated,
    /// It still fires, for a receiver that forgets what it hears no more of. It is worth nothing once it is late, and so is
    /// neither kept nor tried for long.
    Resent,
    /// Somebody takes care of all of it.
    Acknowledged,
    /// All of it is over.
    Resolved,
}

impl Notification {
    /// The alert to speak of first: the worst that fires, else the worst that is over.
    pub fn worst(&self) -> Option<&Alert> {
        self.firing.first().or_else(|| self.resolved.first())
    }
}

impl NotificationKind {
    /// The kind in lower case, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Updated => "updated",
            Self::Repeated => "repeated",
            Self::Resent => "resent",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }

    /// `resolved` for a resolve, else `firing`: the two states that a receiver knows.
    pub fn status(self) -> &'static str {
        match self {
            Self::Resolved => "resolved",
            Self::Fired | Self::Updated | Self::Repeated | Self::Resent | Self::Acknowledged => {
                "firing"
            }
        }
    }
}
