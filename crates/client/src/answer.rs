//! What members answer.

use std::time::{Duration, SystemTime};

/// The answer of `Maintenance.Status`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusAnswer {
    /// The cluster of the answering member.
    pub cluster_id: u64,
    /// The answering member.
    pub member_id: u64,
    /// Key-value revision of the member.
    pub revision: i64,
    /// Raft term of the member.
    pub raft_term: u64,
    /// The *committed* raft index.
    pub raft_index: u64,
    /// The applied raft index; `None` on servers before 3.4, which do not report it. Reads 0 after a restart with
    /// nothing to replay.
    pub raft_applied_index: Option<u64>,
    /// The leader that the member follows; `None` when it knows none.
    pub leader: Option<u64>,
    /// True for a non-voting learner.
    pub is_learner: bool,
    /// Server version, such as `3.7.3`; at most 300 characters, as all texts of members.
    pub version: String,
    /// Allocated size of the backend file in bytes.
    pub db_size_bytes: i64,
    /// Bytes of the backend file in use.
    pub db_size_in_use_bytes: i64,
    /// Quota in bytes (3.6 and later); `None` when not reported, negative when the quota is disabled.
    pub db_quota_bytes: Option<i64>,
    /// Version of the schema of its data (3.6 and later), such as `3.7.0`; `None` when not reported.
    pub storage_version: Option<String>,
    /// The version that a downgrade of the cluster aims at (3.6 and later); `None` while none is enabled.
    pub downgrade_target: Option<String>,
    /// Free texts in which the member reports its own errors; opaque. At most 16.
    pub errors: Vec<String>,
}

/// The answer of `Cluster.MemberList`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberListAnswer {
    /// The cluster of the answering member.
    pub cluster_id: u64,
    /// The members, sorted by id.
    pub members: Vec<MemberEntry>,
}

/// One entry of a member list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberEntry {
    /// The member's id.
    pub id: u64,
    /// Its name; empty until it has started for the first time.
    pub name: String,
    /// URLs at which it says it serves clients; empty until it has started for the first time.
    pub client_urls: Vec<String>,
    /// URLs at which it says it serves its peers.
    pub peer_urls: Vec<String>,
    /// True for a non-voting learner.
    pub is_learner: bool,
}

/// One active alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlarmAnswer {
    /// The member that raised it; `None` for id 0: the whole cluster, or an unknown member.
    pub member: Option<u64>,
    /// What is wrong.
    pub kind: AlarmKind,
}

/// The kind of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AlarmKind {
    /// The backend quota is exceeded: the cluster refuses writes.
    NoSpace,
    /// Data differs between members.
    Corrupt,
    /// A kind that this crate does not know.
    Unknown,
}

/// The answer of a read of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadAnswer {
    /// The cluster of the answering member.
    pub cluster_id: u64,
    /// The answering member.
    pub member_id: u64,
    /// Key-value revision at the read.
    pub revision: i64,
    /// The value; `None` when the key does not exist.
    pub value: Option<Vec<u8>>,
}

/// The answer of `Maintenance.HashKV`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HashKvAnswer {
    /// The cluster of the answering member.
    pub cluster_id: u64,
    /// The answering member.
    pub member_id: u64,
    /// Key-value revision of the member when it answered.
    pub revision: i64,
    /// CRC-32C over the keys and values up to the revision that was asked for. Comparable between members only where
    /// that revision and `compact_revision` are equal.
    pub hash: u32,
    /// The revision up to which the member had compacted; -1 where it never has.
    pub compact_revision: i64,
    /// The revision up to which was hashed, as the member says it (3.6 and later).
    pub hash_revision: Option<i64>,
}

/// The answer of `/health`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HealthAnswer {
    /// What the member says of itself.
    pub healthy: bool,
    /// Why it is not, such as `ALARM NOSPACE` or `RAFT NO LEADER`; empty when healthy, and on 3.4.
    pub reason: String,
}

/// The answer of `/version`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VersionAnswer {
    /// Version of the member's program.
    pub server: String,
    /// Version that the cluster has agreed on.
    pub cluster: String,
    /// Version of the storage format (3.6 and later).
    pub storage: Option<String>,
}

/// The answer of `/metrics`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageAnswer {
    /// The text, for [`exposition::scan`](crate::exposition::scan).
    pub text: Vec<u8>,
    /// What the member's clock showed; `None` when the answer has no `Date` that can be read.
    pub date: Option<DateAnswer>,
}

/// What a member's clock showed when it answered, and when that was by ours.
///
/// The member took the time at some instant between sending and answering, and gives whole seconds, rounded down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DateAnswer {
    /// Our wall clock when the request was sent.
    pub sent_at: SystemTime,
    /// Time from sending to the head of the answer.
    pub answered_after: Duration,
    /// The `Date` of the answer.
    pub date: SystemTime,
}
