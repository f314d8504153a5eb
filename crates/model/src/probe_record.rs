//! How the calls to one member went.

use serde::{Deserialize, Serialize};

use crate::{FailureKind, MemberObservation, Probe};

/// Which call to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProbeKind {
    /// `Maintenance.Status`.
    Status,
    /// `Cluster.MemberList`, serializable.
    MembersSerializable,
    /// `Cluster.MemberList`, linearizable.
    MembersLinearizable,
    /// `Maintenance.Alarm(GET)`.
    Alarms,
    /// The linearizable read.
    ReadLinearizable,
    /// The serializable read, asked where the linearizable one failed or was slow.
    ReadSerializable,
    /// The member's metrics page.
    Metrics,
}

impl ProbeKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Status,
        Self::MembersSerializable,
        Self::MembersLinearizable,
        Self::Alarms,
        Self::ReadLinearizable,
        Self::ReadSerializable,
        Self::Metrics,
    ];

    /// The kind in lower case, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::MembersSerializable => "members_serializable",
            Self::MembersLinearizable => "members_linearizable",
            Self::Alarms => "alarms",
            Self::ReadLinearizable => "read_linearizable",
            Self::ReadSerializable => "read_serializable",
            Self::Metrics => "metrics",
        }
    }
}

/// One kind of call to one member: how it went in this cycle, and how often it failed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProbeRecord {
    /// Which call.
    pub kind: ProbeKind,
    /// Time to the answer or the failure in this cycle, in seconds; `None` when it was not asked.
    pub took_seconds: Option<f64>,
    /// Why there was no answer in this cycle.
    pub failure: Option<FailureKind>,
    /// Failures since the monitor started to probe this endpoint, those of a monitor that was late included.
    pub failures: u64,
}

/// How a call went that was made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CallOutcome {
    /// Time to the answer or the failure, in seconds.
    pub took_seconds: f64,
    /// Why there was no answer.
    pub failure: Option<FailureKind>,
}

impl MemberObservation {
    /// The calls of each kind that were made: how long each took, and why it failed.
    pub fn calls(&self) -> [(ProbeKind, Option<CallOutcome>); 7] {
        ProbeKind::ALL.map(|kind| (kind, self.call(kind)))
    }

    fn call(&self, kind: ProbeKind) -> Option<CallOutcome> {
        match kind {
            ProbeKind::Status => outcome(self.status.as_ref()),
            ProbeKind::MembersSerializable => outcome(self.members_serializable.as_ref()),
            ProbeKind::MembersLinearizable => outcome(self.members_linearizable.as_ref()),
            ProbeKind::Alarms => outcome(self.alarms.as_ref()),
            ProbeKind::ReadLinearizable => outcome(self.read_linearizable.as_ref()),
            ProbeKind::ReadSerializable => outcome(self.read_serializable.as_ref()),
            ProbeKind::Metrics => outcome(self.metrics.as_ref()),
        }
    }
}

fn outcome<T>(probe: Option<&Probe<T>>) -> Option<CallOutcome> {
    probe.map(|probe| CallOutcome {
        took_seconds: probe.took_seconds,
        failure: probe.failure().map(|failure| failure.kind),
    })
}
