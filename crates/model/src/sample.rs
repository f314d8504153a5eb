//! Samples: numbers with a time, as history keeps them.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ClusterName, MemberId};

/// What one cycle measured of one cluster, or of one of its members.
///
/// A value that was not measured is not in the batch: a gap in a series says "unknown", and no number does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleBatch {
    /// The cluster.
    pub cluster: ClusterName,
    /// The member; `None` for values of the cluster as a whole.
    pub member: Option<SampledMember>,
    /// When the values were seen.
    pub at: Timestamp,
    /// The values, each series once.
    pub samples: Vec<Sample>,
}

/// The member that samples belong to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SampledMember {
    /// The member's id: what the series are kept by.
    pub id: MemberId,
    /// Its name when the samples were taken. Untrusted text.
    pub name: String,
}

/// One value of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Name of what was measured, with its unit as the last word: `database_allocated_bytes`,
    /// `wal_fsync_p99_seconds`, `requests_per_second`.
    pub metric: Cow<'static, str>,
    /// The other end, for a value of a directed link between two members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<MemberId>,
    /// The value: finite.
    pub value: f64,
}
