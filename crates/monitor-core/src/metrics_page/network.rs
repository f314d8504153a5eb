//! Traffic of a member with its clients and peers.

use etcd_monitor_client::exposition::Sample;
use etcd_monitor_model::{MemberId, NetworkMetrics, PeerMetrics};

use super::histogram;

pub(super) const FAMILIES: &[&str] = &[
    "etcd_network_client_grpc_received_bytes_total",
    "etcd_network_client_grpc_sent_bytes_total",
    "etcd_network_peer_sent_bytes_total",
    "etcd_network_peer_received_bytes_total",
    "etcd_network_peer_sent_failures_total",
    "etcd_network_peer_received_failures_total",
    "etcd_network_active_peers",
    "etcd_network_known_peers",
    "etcd_network_disconnected_peers_total",
    ROUND_TRIP,
    "etcd_network_snapshot_send_failures",
    "etcd_network_snapshot_send_inflights_total",
    "etcd_network_snapshot_receive_success",
    "etcd_network_snapshot_receive_inflights_total",
];

const ROUND_TRIP: &str = "etcd_network_peer_round_trip_time_seconds";

/// Peers kept per page: far above the 7 voters of the largest sensible cluster; beyond it a page is hostile.
const PEERS_MAX: usize = 64;

pub(super) fn take(metrics: &mut NetworkMetrics, sample: &Sample<'_>) {
    match sample.name {
        "etcd_network_client_grpc_received_bytes_total" => {
            metrics.client_received_bytes = Some(sample.value);
        }
        "etcd_network_client_grpc_sent_bytes_total" => {
            metrics.client_sent_bytes = Some(sample.value);
        }
        _ => take_peer(metrics, sample),
    }
}

fn take_peer(metrics: &mut NetworkMetrics, sample: &Sample<'_>) {
    let Some(peer) = peer_of(metrics, sample) else {
        return;
    };
    let slot = match sample.name {
        "etcd_network_peer_sent_bytes_total" => &mut peer.sent_bytes,
        "etcd_network_peer_received_bytes_total" => &mut peer.received_bytes,
        "etcd_network_peer_sent_failures_total" => &mut peer.sent_failures,
        "etcd_network_peer_received_failures_total" => &mut peer.received_failures,
        "etcd_network_active_peers" => &mut peer.active,
        "etcd_network_known_peers" => &mut peer.known,
        "etcd_network_disconnected_peers_total" => &mut peer.disconnects,
        "etcd_network_snapshot_send_failures" => &mut peer.snapshot_send_failures,
        "etcd_network_snapshot_send_inflights_total" => &mut peer.snapshot_sends_in_flight,
        "etcd_network_snapshot_receive_success" => &mut peer.snapshots_received,
        "etcd_network_snapshot_receive_inflights_total" => &mut peer.snapshot_receives_in_flight,
        _ => return histogram::take(&mut peer.round_trip, sample),
    };
    *slot = Some(sample.value);
}

/// The peer that a sample is about; etcd names it by one of three labels.
fn peer_of<'a>(
    metrics: &'a mut NetworkMetrics,
    sample: &Sample<'_>,
) -> Option<&'a mut PeerMetrics> {
    let label = |name| sample.labels.get(name);
    let id: MemberId = label("To")
        .or_else(|| label("From"))
        .or_else(|| label("Remote"))?
        .parse()
        .ok()?;
    let peers = &mut metrics.peers;
    let at = match peers.iter().position(|known| known.peer == id) {
        Some(at) => at,
        None if peers.len() < PEERS_MAX => {
            peers.push(PeerMetrics::of(id));
            peers.len() - 1
        }
        None => return None,
    };
    peers.get_mut(at)
}

pub(super) fn finish(metrics: &mut NetworkMetrics) {
    metrics.peers.sort_by_key(|peer| peer.peer);
    for peer in &mut metrics.peers {
        histogram::finish(&mut peer.round_trip);
    }
}
