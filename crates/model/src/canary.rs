//! The canary: one small key that is written and watched.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{LatencySummary, Probe};

/// One write of the canary, and when each member's watch told of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CanaryReading {
    /// The key.
    pub key: String,
    /// The endpoint through which it was written.
    pub through: String,
    /// Planned time between two writes, in seconds.
    pub interval_seconds: f64,
    /// The write; or the lease that it needs, where that failed.
    #[cfg_attr(feature = "openapi", schema(value_type = Probe<crate::openapi::Done>))]
    pub put: Probe<()>,
    /// What came of the watch through each voter, the time counted from the write; empty where the write failed.
    pub events: Vec<CanaryEvent>,
}

/// What came of the watch through one member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CanaryEvent {
    /// The member's endpoint.
    pub endpoint: String,
    /// When the event came; a timeout says that it did not come within the deadline.
    #[cfg_attr(feature = "openapi", schema(value_type = Probe<crate::openapi::Done>))]
    pub event: Probe<()>,
}

/// What a snapshot says of the canary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CanarySummary {
    /// When it was written last.
    pub at: Timestamp,
    /// Latency of its successful writes over the last 5 minutes; `None` without any.
    pub write_latency: Option<LatencySummary>,
    /// The latest write and its events.
    pub latest: CanaryReading,
}
