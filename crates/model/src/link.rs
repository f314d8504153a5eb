//! Directed links between members: who hears whom, and how well.

use serde::{Deserialize, Serialize};

use crate::MemberId;

/// One direction between two members of the agreed list: what `from` sends and `to` hears.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct LinkSnapshot {
    /// The member that sends.
    pub from: MemberId,
    /// Its name; its id where it has none, or where another member has the same. Untrusted text.
    pub from_name: String,
    /// The member that hears.
    pub to: MemberId,
    /// Its name, likewise.
    pub to_name: String,
    /// Whether bytes arrive, and what makes that known.
    pub state: LinkState,
    /// Why the state is what it is, in words.
    pub reason: String,
    /// Bytes per second that `from` says it sends to `to` (`etcd_network_peer_sent_bytes_total`). What a cut link holds
    /// back counts too: it was handed to the kernel.
    pub sent_bytes_per_second: Option<f64>,
    /// Bytes per second that `to` says it receives from `from` (`etcd_network_peer_received_bytes_total`). The beats of
    /// idle streams are not in it: etcd counts them for nobody.
    pub received_bytes_per_second: Option<f64>,
    /// Failures and disconnects per second that `from` counts towards `to`, and receive failures that `to` counts.
    pub failures_per_second: Option<f64>,
    /// Round trip that `from` measures to `to`.
    pub round_trip: Option<RoundTrip>,
    /// Ticks of `from`'s two probers of `to`, per second: about 0.07 while etcd takes the peer for well, 0.4 while not.
    pub probe_ticks_per_second: Option<f64>,
    /// Cycles within the window of the parameters in which `from` counted failed snapshots to `to`; at most 16.
    pub snapshot_send_failures: Option<u64>,
}

impl LinkSnapshot {
    /// A link of which nothing is known yet.
    pub fn unknown(from: MemberId, to: MemberId, reason: impl Into<String>) -> Self {
        Self {
            from,
            from_name: from.to_string(),
            to,
            to_name: to.to_string(),
            state: LinkState::Unknown,
            reason: reason.into(),
            sent_bytes_per_second: None,
            received_bytes_per_second: None,
            failures_per_second: None,
            round_trip: None,
            probe_ticks_per_second: None,
            snapshot_send_failures: None,
        }
    }

    /// `n1 -> n2`: the name of a finding's subject.
    pub fn name(&self) -> String {
        format!("{} -> {}", self.from_name, self.to_name)
    }
}

/// Whether a link carries bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LinkState {
    /// What is sent arrives.
    Well,
    /// What is sent does not arrive.
    Failing,
    /// Between the two members bytes are lost; in which direction is not known.
    FailingEitherWay,
    /// Not known; see the reason.
    Unknown,
}

impl LinkState {
    /// True when bytes are lost in this direction, or may be.
    pub fn is_failing(self) -> bool {
        matches!(self, Self::Failing | Self::FailingEitherWay)
    }
}

/// A round trip as etcd's probers measure it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct RoundTrip {
    /// Mean of the probers' latest observations in seconds. etcd smooths it: it follows a change within about a minute.
    pub seconds: f64,
    /// The same with etcd's smoothing taken out, the smaller of the latest two: a single slow probe is not in it. `None`
    /// until there were three observations.
    pub recent_seconds: Option<f64>,
    /// True when an observation lies above the histogram's last bound of 3.2768 s; `seconds` is exact all the same.
    pub saturated: bool,
    /// True when the latest observations repeat the ones before to the nanosecond: no probe was answered in between.
    pub stale: bool,
}

impl RoundTrip {
    /// A round trip of so many seconds.
    pub fn new(seconds: f64, saturated: bool, stale: bool) -> Self {
        Self {
            seconds,
            recent_seconds: None,
            saturated,
            stale,
        }
    }
}
