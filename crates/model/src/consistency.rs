//! Whether members hold the same data, by hashes that they compute themselves.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ClusterId, MemberId, Probe};

/// One round of `Maintenance.HashKV`: voters asked for the hash of their keys and values up to one revision, one after
/// the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HashRound {
    /// When it began.
    pub began_at: Timestamp,
    /// What made the monitor suspect that data differs; `None` for a round by schedule.
    pub suspicion: Option<String>,
    /// The revision that all were asked for: the lowest that a voter was at.
    pub revision: i64,
    /// The answers, in the order in which they were asked for.
    pub answers: Vec<HashAnswer>,
    /// True when compaction went on during the round, so that not all answers can be compared.
    pub compaction_moved: bool,
}

/// What one member answered in a round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HashAnswer {
    /// The endpoint that was asked.
    pub endpoint: String,
    /// The member that is behind it.
    pub member: MemberId,
    /// The hash, or why there is none.
    pub hash: Probe<KvHash>,
}

/// A hash over keys and values. Two of them compare only at equal revision and equal compact revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KvHash {
    /// The cluster of the member that answered.
    pub cluster_id: ClusterId,
    /// The member that answered.
    pub member_id: MemberId,
    /// CRC-32C over the keys and values.
    pub hash: u32,
    /// The revision up to which the member had compacted; -1 where it never has.
    pub compact_revision: i64,
    /// The revision up to which was hashed, as the member says it; `None` before 3.6.
    pub hash_revision: Option<i64>,
    /// Revision of the member when it answered.
    pub revision: i64,
}

/// What a snapshot says of the rounds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ConsistencySummary {
    /// The latest round; `None` while there was none, or where they are off.
    pub latest: Option<HashRound>,
    /// HashKV calls since the monitor's state began.
    pub calls: u64,
    /// What makes it likely that data differs and has not been looked at since; `None` when nothing does. Asks the
    /// probe for a round.
    pub suspicion: Option<String>,
    /// True where it cannot wait: an answer contradicts another one, or etcd itself calls a member corrupt. A restart can.
    pub urgent: bool,
}
