//! How much room a member has left.

use serde::{Deserialize, Serialize};

/// Room that a member has left, from this cycle. `None` where it is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct MemberCapacity {
    /// Raft entries committed and not yet applied; the smaller of what Status and `/metrics` say.
    pub apply_lag: Option<u64>,
    /// Entries by which the lag may still grow before the member rejects proposals; 0 while it does.
    pub apply_headroom: Option<u64>,
    /// Seconds until the member rejects proposals, while the lag clearly grows.
    pub rejection_in_seconds: Option<f64>,
    /// Free pages inside the allocated file in bytes: what a defragmentation gives back.
    pub free_bytes: Option<u64>,
    /// Growth of the bytes in use per hour (robust slope over hours); negative while they shrink.
    pub in_use_growth_bytes_per_hour: Option<f64>,
    /// Seconds until the bytes in use reach the quota, where the growth is clear enough to say so.
    pub quota_reached_in_seconds: Option<f64>,
    /// Expected seconds for which a defragmentation stalls the member: the mean of its own earlier ones.
    pub defrag_stall_seconds: Option<f64>,
}
