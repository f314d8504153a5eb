//! One request of a load, and what came back.

use serde::{Deserialize, Serialize};

/// What a request asks of etcd.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OperationKind {
    /// `KV.Put`.
    #[default]
    Put,
    /// `KV.Range`.
    Range,
    /// `KV.DeleteRange`.
    Delete,
    /// `KV.Txn`.
    Txn,
    /// `Lease.LeaseGrant`.
    Grant,
    /// A renewal on a stream of `Lease.LeaseKeepAlive`.
    KeepAlive,
    /// `Lock.Lock`: the wait for the lock is a part of it.
    Lock,
    /// `Lock.Unlock`.
    Unlock,
    /// `Election.Campaign`: the wait to be elected is a part of it.
    Campaign,
    /// `Election.Resign`.
    Resign,
    /// No request: a change as a watcher saw it, from its put on.
    Event,
    /// No request: the end of a lease as a watcher saw it in its key, from when it was due.
    Expiry,
    /// No request: from when an owner began to release to when the next one knew that it owns.
    HandOver,
    /// No request: a new leader as an observer saw it, from when the one before began to resign.
    LeaderSeen,
}

impl OperationKind {
    /// The kind in lower case, as in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Range => "range",
            Self::Delete => "delete",
            Self::Txn => "txn",
            Self::Grant => "grant",
            Self::KeepAlive => "keep_alive",
            Self::Lock => "lock",
            Self::Unlock => "unlock",
            Self::Campaign => "campaign",
            Self::Resign => "resign",
            Self::Event => "event",
            Self::Expiry => "expiry",
            Self::HandOver => "hand_over",
            Self::LeaderSeen => "leader_seen",
        }
    }

    /// False for what is seen without being asked for.
    pub fn is_request(self) -> bool {
        !matches!(
            self,
            Self::Event | Self::Expiry | Self::HandOver | Self::LeaderSeen
        )
    }

    /// True if it may change keys.
    pub fn may_change(self) -> bool {
        let reads = matches!(self, Self::Range | Self::Grant | Self::KeepAlive);
        self.is_request() && !reads
    }
}

/// One request. Its buffers are used again for the next, so that a load makes no garbage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// What is asked.
    pub kind: OperationKind,
    /// The key, or the first one of a range or deletion.
    pub key: Vec<u8>,
    /// The key behind the last one of a range or deletion; empty for `key` alone.
    pub end: Vec<u8>,
    /// The value of a put.
    pub value: Vec<u8>,
    /// How a range is asked.
    pub range: RangeShape,
    /// The puts of a transaction; the first `put_count` count.
    pub puts: Vec<(Vec<u8>, Vec<u8>)>,
    /// Puts of the transaction.
    pub put_count: usize,
    /// A transaction is made only while its first key was last changed at this revision (0: while it is not there).
    pub if_first_modified_at: Option<i64>,
}

/// How a range is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RangeShape {
    /// Pairs at most; 0 for all.
    pub limit: i64,
    /// Leaves out the values.
    pub keys_only: bool,
    /// Wants nothing but how many there are.
    pub count_only: bool,
    /// Answered by the member alone, without a quorum.
    pub serializable: bool,
}

impl Request {
    /// Makes it a put; key and value are to be filled in.
    pub fn begin_put(&mut self) -> (&mut Vec<u8>, &mut Vec<u8>) {
        self.kind = OperationKind::Put;
        (&mut self.key, &mut self.value)
    }

    /// Makes it a range or the deletion of one; first key and the one behind the last are to be filled in.
    pub fn begin_span(&mut self, kind: OperationKind) -> (&mut Vec<u8>, &mut Vec<u8>) {
        self.kind = kind;
        self.end.clear();
        (&mut self.key, &mut self.end)
    }

    /// Makes it a transaction of so many puts, which are to be filled in.
    pub fn begin_txn(&mut self, count: usize) -> &mut [(Vec<u8>, Vec<u8>)] {
        self.kind = OperationKind::Txn;
        self.if_first_modified_at = None;
        self.put_count = count;
        if self.puts.len() < count {
            self.puts.resize_with(count, Default::default);
        }
        self.puts.get_mut(..count).unwrap_or_default()
    }

    /// The puts of a transaction.
    pub fn txn_puts(&self) -> &[(Vec<u8>, Vec<u8>)] {
        self.puts.get(..self.put_count).unwrap_or_default()
    }
}

/// What etcd answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The revision in the answer's header.
    pub revision: i64,
    /// True if the request made this revision.
    pub changed: bool,
    /// Keys that were sent back, or deleted.
    pub keys: u64,
    /// Where a transaction's condition did not hold: the revision at which its first key was last changed.
    pub first_modified_at: Option<i64>,
}
