//! The counters of a page whose growth is kept.

use etcd_monitor_model::{MetricsPage, PeerMetrics};

/// A counter of a member; its number is its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Counter {
    UnaryHandled,
    UnaryServerFaults,
    Committed,
    ProposalsFailed,
    HeartbeatFailures,
    SlowApplies,
    SlowReadIndexes,
    ReadIndexFailures,
    Events,
    LeasesGranted,
    LeasesRevoked,
    LeasesRenewed,
    LeasesExpired,
    CpuSeconds,
    GcPauseSeconds,
    ClientReceivedBytes,
    ClientSentBytes,
    PeerReceivedBytes,
    PeerSentBytes,
}

/// How many counters there are.
pub(super) const COUNTERS: usize = 19;

impl Counter {
    /// Where it stands among the counters.
    pub(super) fn place(self) -> usize {
        usize::from(self as u8)
    }
}

/// The counters as a page has them, each at its place. What is no count is none.
pub(super) fn read(page: &MetricsPage) -> [Option<f64>; COUNTERS] {
    let (requests, raft, store) = (&page.requests, &page.raft, &page.store);
    let (process, network) = (&page.process, &page.network);
    let counters = [
        requests.unary_handled,
        requests.unary_server_faults,
        raft.proposals_committed,
        raft.proposals_failed,
        raft.heartbeat_send_failures,
        raft.slow_applies,
        raft.slow_read_indexes,
        raft.read_indexes_failed,
        store.events,
        store.leases_granted,
        store.leases_revoked,
        store.leases_renewed,
        store.leases_expired,
        process.cpu_seconds,
        process.gc_pause_seconds,
        network.client_received_bytes,
        network.client_sent_bytes,
        sum(&network.peers, |peer| peer.received_bytes),
        sum(&network.peers, |peer| peer.sent_bytes),
    ];
    counters.map(amount)
}

/// `None` where no peer has the value.
fn sum(peers: &[PeerMetrics], value: fn(&PeerMetrics) -> Option<f64>) -> Option<f64> {
    let known = peers.iter().filter_map(value);
    known.reduce(|total, value| total + value)
}

/// What counts or measures something: neither negative nor without end. Anything else in its place is not known.
pub(crate) fn amount(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite() && *value >= 0.0)
}
