//! How far a learner has come.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How far a learner has come on its way to a voter.
///
/// etcd promotes a learner whose log matches 90 % of the leader's (`readyPercentThreshold` in its
/// `server/etcdserver/server.go`). That index is not exposed, so the applied one stands for it, which is never ahead.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct LearnerProgress {
    /// Since when it has been seen as a learner.
    pub since: Timestamp,
    /// Applied index of the learner by the committed index of the leader, 0 to 1.
    pub share: f64,
    /// Log entries applied per second over the last minutes; `None` until two cycles have seen it.
    pub entries_per_second: Option<f64>,
    /// Seconds until it has come to 90 % at this speed; 0 when it has, `None` when it does not come nearer.
    pub ready_in_seconds: Option<f64>,
    /// Since when it has been at 90 % or more.
    pub ready_since: Option<Timestamp>,
    /// Since when it has applied nothing new.
    pub unmoved_since: Timestamp,
}

impl LearnerProgress {
    /// Progress of a learner of which no speed is known.
    pub fn new(since: Timestamp, share: f64, unmoved_since: Timestamp) -> Self {
        Self {
            since,
            share,
            entries_per_second: None,
            ready_in_seconds: None,
            ready_since: None,
            unmoved_since,
        }
    }
}
