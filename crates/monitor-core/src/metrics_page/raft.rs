//! Raft and the apply loop of a member.

use etcd_monitor_model::RaftMetrics;

pub(super) const FAMILIES: &[&str] = &[
    "etcd_server_has_leader",
    "etcd_server_leader_changes_seen_total",
    "etcd_server_proposals_committed_total",
    "etcd_server_proposals_applied_total",
    "etcd_server_proposals_pending",
    "etcd_server_proposals_failed_total",
    "etcd_server_heartbeat_send_failures_total",
    "etcd_server_slow_apply_total",
    "etcd_server_slow_read_indexes_total",
    "etcd_server_read_indexes_failed_total",
    "etcd_server_snapshot_apply_in_progress_total",
    "etcd_server_learner_promote_failures",
];

/// Where the value of a sample with this name goes, if it belongs here.
pub(super) fn slot<'a>(metrics: &'a mut RaftMetrics, name: &str) -> Option<&'a mut Option<f64>> {
    Some(match name {
        "etcd_server_has_leader" => &mut metrics.has_leader,
        "etcd_server_leader_changes_seen_total" => &mut metrics.leader_changes_seen,
        "etcd_server_proposals_committed_total" => &mut metrics.proposals_committed,
        "etcd_server_proposals_applied_total" => &mut metrics.proposals_applied,
        "etcd_server_proposals_pending" => &mut metrics.proposals_pending,
        "etcd_server_proposals_failed_total" => &mut metrics.proposals_failed,
        "etcd_server_heartbeat_send_failures_total" => &mut metrics.heartbeat_send_failures,
        "etcd_server_slow_apply_total" => &mut metrics.slow_applies,
        "etcd_server_slow_read_indexes_total" => &mut metrics.slow_read_indexes,
        "etcd_server_read_indexes_failed_total" => &mut metrics.read_indexes_failed,
        "etcd_server_snapshot_apply_in_progress_total" => &mut metrics.snapshot_apply_in_progress,
        "etcd_server_learner_promote_failures" => &mut metrics.learner_promote_failures,
        _ => return None,
    })
}
