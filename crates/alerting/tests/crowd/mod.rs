//! Many alerts: clusters of many members, all of which are down.

#![allow(
    dead_code,
    reason = "each test binary that includes the module uses a part of it"
)]

use std::time::Duration;

use etcd_monitor_alerting::{AlertEngine, AlertPolicy};
use etcd_monitor_model::{
    AlertType, ClusterName, Evidence, Finding, FindingStatus, MemberId, MemberSnapshot,
    MonitorCondition, Severity, Snapshot, Subject,
};
use jiff::Timestamp;

pub(crate) const CLUSTERS: u64 = 50;
pub(crate) const MEMBERS: u64 = 200;

/// Time between two snapshots of a cluster.
pub(crate) const INTERVAL: Duration = Duration::from_secs(5);

/// The snapshot of a cluster at the end of a cycle, from 1 on: each member is down.
pub(crate) fn snapshot(cluster: u64, cycle: u64) -> Snapshot {
    let name = ClusterName::new(format!("cluster-{cluster}"));
    let at = at(cycle);
    let monitor = MonitorCondition {
        timer_lag_seconds: 0.0,
        deadline_seconds: 2.0,
    };
    let mut snapshot = Snapshot::empty(name, at, monitor);
    snapshot.cycle = cycle;
    snapshot.interval_seconds = INTERVAL.as_secs_f64();
    for member in 0..MEMBERS {
        add_member(&mut snapshot, MemberId(cluster * MEMBERS + member + 1));
    }
    snapshot.member_count = u32::try_from(MEMBERS).ok();
    snapshot
}

/// When a cycle ends.
pub(crate) fn at(cycle: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH + INTERVAL * u32::try_from(cycle).unwrap_or(u32::MAX)
}

fn add_member(snapshot: &mut Snapshot, id: MemberId) {
    let name = format!("etcd-{id}");
    let endpoint = format!("https://{name}.example.org:2379");
    let mut member = MemberSnapshot::unknown(name.as_str(), endpoint.as_str());
    member.id = Some(id);
    snapshot.members.push(member);
    let subject = Subject::member(name.as_str(), Some(id));
    let (cluster, at) = (snapshot.cluster.clone(), snapshot.at);
    let mut finding = Finding::new(
        "MemberDown",
        AlertType::Member,
        Severity::Warning,
        &cluster,
        subject,
        Timestamp::UNIX_EPOCH,
    );
    finding.status = FindingStatus::True;
    finding.cause = format!("{name} does not answer: connection refused on {endpoint}");
    finding.action = format!("ssh {name}.example.org systemctl start etcd");
    let seen = |source: &str| Evidence {
        source: source.to_owned(),
        value: format!("connection refused by {endpoint} within 2 s"),
        at,
    };
    finding.evidence = ["Status", "MemberList", "/health"].map(seen).to_vec();
    snapshot.findings.push(finding);
}

/// An engine with two channels that knows of all, and was told so, and the last cycle.
pub(crate) fn engine() -> (AlertEngine, u64) {
    let mut engine = AlertEngine::new(AlertPolicy::to_channels(["pager", "chat"]));
    let cycles = 4;
    for cycle in 1..=cycles {
        for cluster in 0..CLUSTERS {
            engine.observe(&snapshot(cluster, cycle), at(cycle));
            engine.take_changes();
        }
    }
    (engine, cycles)
}
