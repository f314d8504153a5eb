//! The promised names about clusters and members, and from what each is derived.

use std::fmt;

use etcd_monitor_model::{MemberSnapshot, ServerCounters, Snapshot};
use prometheus_client::encoding::DescriptorEncoder;

use super::collector::{Labels, Snapshots, counter, gauge, member_labels};

type OfCluster = fn(&Snapshot) -> Option<f64>;
type OfMember = fn(&MemberSnapshot) -> Option<f64>;
type OfCounters = fn(&ServerCounters) -> Option<f64>;

const CLUSTER_GAUGES: [(&str, &str, OfCluster); 4] = [
    (
        "etcd_cluster_healthy",
        "1 when a linearizable read succeeded and no critical finding is true, else 0; no sample while not known",
        |snapshot| snapshot.health.healthy.map(bool_value),
    ),
    (
        "etcd_cluster_has_leader",
        "1 when members that answer Status agree on a leader, else 0; no sample while none answers",
        has_leader,
    ),
    (
        "etcd_cluster_member_count",
        "Members in the agreed member list, learners included",
        |snapshot| snapshot.member_count.map(f64::from),
    ),
    (
        "etcd_cluster_quorum_size",
        "Voters that must agree: half of the voting members in the agreed list, plus one",
        |snapshot| snapshot.quorum.map(|quorum| f64::from(quorum.needed)),
    ),
];

const MEMBER_GAUGES: [(&str, &str, OfMember); 5] = [
    (
        "etcd_request_read_latency_p50_milliseconds",
        "Median latency of the monitor's own linearizable reads through the member over 5 minutes",
        |member| member.read_latency.map(|latency| latency.p50_seconds * 1e3),
    ),
    (
        "etcd_request_read_latency_p95_milliseconds",
        "95th percentile of the monitor's own linearizable reads through the member over 5 minutes",
        |member| member.read_latency.map(|latency| latency.p95_seconds * 1e3),
    ),
    (
        "etcd_request_read_latency_p99_milliseconds",
        "99th percentile of the monitor's own linearizable reads through the member over 5 minutes",
        |member| member.read_latency.map(|latency| latency.p99_seconds * 1e3),
    ),
    (
        "etcd_mvcc_db_total_size_bytes",
        "Allocated backend file, from Status",
        |member| {
            member
                .database
                .map(|database| database.allocated_bytes as f64)
        },
    ),
    (
        "etcd_mvcc_db_total_size_in_use_bytes",
        "Backend bytes in use, from Status",
        |member| member.database.map(|database| database.in_use_bytes as f64),
    ),
];

const SERVER_GAUGES: [(&str, &str, OfCounters); 10] = [
    (
        "etcd_request_rate_per_second",
        "Unary RPCs that the member handled per second since the previous cycle, the monitor's own included",
        |counters| counters.request_rate_per_second,
    ),
    (
        "etcd_request_write_latency_p50_milliseconds",
        "Median latency of successful puts and transactions that clients made through the member over 5 minutes, from bucket differences of etcd_server_request_duration_seconds (etcd 3.7 and later), or of the canary where one is on; no sample without writes",
        |counters| counters.write_p50_seconds.map(|seconds| seconds * 1e3),
    ),
    (
        "etcd_request_write_latency_p95_milliseconds",
        "95th percentile of successful puts and transactions that clients made through the member over 5 minutes, from bucket differences of etcd_server_request_duration_seconds (etcd 3.7 and later), or of the canary where one is on; no sample without writes",
        |counters| counters.write_p95_seconds.map(|seconds| seconds * 1e3),
    ),
    (
        "etcd_request_write_latency_p99_milliseconds",
        "99th percentile of successful puts and transactions that clients made through the member over 5 minutes, from bucket differences of etcd_server_request_duration_seconds (etcd 3.7 and later), or of the canary where one is on; no sample without writes",
        |counters| counters.write_p99_seconds.map(|seconds| seconds * 1e3),
    ),
    (
        "etcd_server_proposals_pending",
        "Proposals waiting to be committed, the member's own gauge",
        |counters| counters.proposals_pending,
    ),
    (
        "etcd_server_memory_usage_bytes",
        "Resident memory of the member's process (process_resident_memory_bytes)",
        |counters| counters.resident_memory_bytes,
    ),
    (
        "etcd_server_active_connections",
        "RPCs and streams in flight, started minus handled; etcd exposes no count of connections",
        |counters| counters.rpcs_in_flight,
    ),
    (
        "etcd_server_watchers",
        "Watchers (etcd_debugging_mvcc_watcher_total)",
        |counters| counters.watchers,
    ),
    (
        "etcd_disk_wal_fsync_duration_p95_milliseconds",
        "95th percentile of WAL fsync over 5 minutes, from bucket differences",
        |counters| counters.wal_fsync_p95_seconds.map(|seconds| seconds * 1e3),
    ),
    (
        "etcd_disk_backend_commit_duration_p95_milliseconds",
        "95th percentile of backend commit over 5 minutes, from bucket differences",
        |counters| {
            counters
                .backend_commit_p95_seconds
                .map(|seconds| seconds * 1e3)
        },
    ),
];

const SERVER_COUNTERS: [(&str, &str, OfCounters); 3] = [
    (
        "etcd_server_proposals_committed",
        "Proposals committed (a raft index), the member's own number",
        |counters| counters.proposals_committed,
    ),
    (
        "etcd_server_proposals_applied",
        "Proposals applied (a raft index), the member's own number",
        |counters| counters.proposals_applied,
    ),
    (
        "etcd_server_proposals_failed",
        "Proposals that failed since the member started, the member's own counter",
        |counters| counters.proposals_failed,
    ),
];

/// Writes what is known of clusters and members.
pub(super) fn encode(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    for (name, help, value) in CLUSTER_GAUGES {
        gauge(encoder, name, help, of_clusters(snapshots, value))?;
    }
    let changes: OfCluster = |snapshot| snapshot.leader_changes.map(|changes| changes as f64);
    let help = "Leader changes since the monitor's state began, counted by raft term";
    counter(
        encoder,
        "etcd_cluster_leader_changes",
        help,
        of_clusters(snapshots, changes),
    )?;
    encode_members(snapshots, encoder)
}

fn encode_members(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let members = labelled(snapshots);
    for (name, help, value) in MEMBER_GAUGES {
        gauge(
            encoder,
            name,
            help,
            members
                .iter()
                .filter_map(|member| member.sample(value(member.seen))),
        )?;
    }
    // The allocated backend file is all that etcd tells of its disk; the size of the WAL is not exposed.
    let disk = members.iter().filter_map(|member| {
        member.sample(
            member
                .seen
                .database
                .map(|database| database.allocated_bytes as f64),
        )
    });
    let help = "Allocated backend file; the size of the WAL is not exposed by etcd";
    gauge(encoder, "etcd_server_disk_usage_bytes", help, disk)?;
    for (name, help, value) in SERVER_GAUGES {
        gauge(
            encoder,
            name,
            help,
            members.iter().filter_map(|member| member.server(value)),
        )?;
    }
    for (name, help, value) in SERVER_COUNTERS {
        counter(
            encoder,
            name,
            help,
            members.iter().filter_map(|member| member.server(value)),
        )?;
    }
    Ok(())
}

/// A member with the values of its labels.
pub(super) struct Labelled<'a> {
    pub(super) cluster: &'a str,
    pub(super) label: String,
    pub(super) seen: &'a MemberSnapshot,
}

impl Labelled<'_> {
    /// A sample of this member, where the value is known.
    pub(super) fn sample(&self, value: Option<f64>) -> Option<(Labels<'_>, f64)> {
        Some((
            vec![("cluster", self.cluster), ("member", self.label.as_str())],
            value?,
        ))
    }

    fn server(&self, value: OfCounters) -> Option<(Labels<'_>, f64)> {
        self.sample(self.seen.counters.as_ref().and_then(value))
    }
}

/// Every member of every cluster.
pub(super) fn labelled(snapshots: &Snapshots) -> Vec<Labelled<'_>> {
    let mut members = Vec::new();
    for snapshot in &snapshots.latest {
        let cluster = snapshot.cluster.as_str();
        let labels = member_labels(snapshot).into_iter();
        members.extend(labels.zip(&snapshot.members).map(|(label, seen)| Labelled {
            cluster,
            label,
            seen,
        }));
    }
    members
}

fn of_clusters(snapshots: &Snapshots, value: OfCluster) -> impl Iterator<Item = (Labels<'_>, f64)> {
    snapshots.latest.iter().filter_map(move |snapshot| {
        Some((
            vec![("cluster", snapshot.cluster.as_str())],
            value(snapshot)?,
        ))
    })
}

fn has_leader(snapshot: &Snapshot) -> Option<f64> {
    let answered = snapshot.members.iter().any(|member| member.raft.is_some());
    answered.then_some(bool_value(snapshot.leader.is_some()))
}

pub(super) fn bool_value(value: bool) -> f64 {
    f64::from(u8::from(value))
}
