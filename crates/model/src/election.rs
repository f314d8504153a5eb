//! Changes of leader, and why they happened.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Evidence, MemberId};

/// One change of leader.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeaderChange {
    /// When it was first seen.
    pub at: Timestamp,
    /// The leader before; `None` when there was none.
    pub from: Option<MemberId>,
    /// The new leader.
    pub to: MemberId,
    /// The new term.
    pub term: u64,
    /// By how much the term rose from the leader before; more than 1 where elections in between found none that was seen.
    #[serde(default)]
    pub term_rise: Option<u64>,
    /// Seconds for which there may have been no leader, at most: from the last cycle that saw the one before to the one that
    /// saw this one first, so no less than an interval. `None` where the monitor did not watch in between.
    #[serde(default)]
    pub leaderless_max_seconds: Option<f64>,
    /// Why the old leader lost its office, from what was seen in the two minutes before.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cause: LeaderChangeCause,
    /// What the cause rests on; where it is unknown, what is missing.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub evidence: Vec<Evidence>,
}

/// Why a leader lost its office.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LeaderChangeCause {
    /// It handed over to another member while it was well.
    PlannedTransfer,
    /// Its process ended; it may have started again.
    ProcessRestart,
    /// It answered nobody: its process hangs or is stopped, its host is down, or it is cut off from everything.
    Unresponsive,
    /// Its WAL disk stalled.
    DiskStall,
    /// The network between it and its peers failed.
    Network,
    /// Its backend was being defragmented, during which it serves nothing.
    Defragmentation,
    /// It could not send its heartbeats in time, though its disk was not slow.
    Overload,
    /// Nothing seen tells.
    #[default]
    Unknown,
}

impl LeaderChangeCause {
    /// The cause in plain words.
    pub fn as_words(self) -> &'static str {
        match self {
            Self::PlannedTransfer => "planned transfer",
            Self::ProcessRestart => "process restart",
            Self::Unresponsive => "unresponsive leader",
            Self::DiskStall => "disk stall of the leader",
            Self::Network => "network between members",
            Self::Defragmentation => "defragmentation of the leader",
            Self::Overload => "overloaded leader",
            Self::Unknown => "unknown cause",
        }
    }
}
