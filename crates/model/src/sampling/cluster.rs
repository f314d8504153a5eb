//! Numbers of a cluster as a whole.

use crate::{SampleBatch, Snapshot};

use super::{Taken, flag};

pub(super) fn batch(snapshot: &Snapshot) -> SampleBatch {
    let mut taken = Taken::default();
    health(&mut taken, snapshot);
    consensus(&mut taken, snapshot);
    monitor(&mut taken, snapshot);
    SampleBatch {
        cluster: snapshot.cluster.clone(),
        member: None,
        at: snapshot.at,
        samples: taken.0,
    }
}

fn health(taken: &mut Taken, snapshot: &Snapshot) {
    taken.put("healthy", snapshot.health.healthy.map(flag));
    let is_true = snapshot
        .findings
        .iter()
        .filter(|finding| finding.status.is_true());
    taken.put("findings_true", Some(is_true.count() as f64));
}

fn consensus(taken: &mut Taken, snapshot: &Snapshot) {
    let answered = snapshot.members.iter().any(|member| member.raft.is_some());
    let leader = answered.then_some(snapshot.leader.is_some());
    taken.put("has_leader", leader.map(flag));
    let changes = snapshot.leader_changes.map(|changes| changes as f64);
    taken.put("leader_changes_total", changes);
    taken.put("members", snapshot.member_count.map(f64::from));
    let quorum = snapshot.quorum;
    taken.put("voters", quorum.map(|quorum| quorum.voters.into()));
    let available = quorum.and_then(|quorum| quorum.available);
    taken.put("voters_available", available.map(f64::from));
    let tolerance = quorum.and_then(|quorum| quorum.tolerance);
    taken.put("failure_tolerance_voters", tolerance.map(f64::from));
    let canary = snapshot.canary.as_ref();
    let writes = canary.and_then(|canary| canary.write_latency);
    taken.put("canary_write_p50_seconds", writes.map(|it| it.p50_seconds));
    taken.put("canary_write_p95_seconds", writes.map(|it| it.p95_seconds));
    taken.put("canary_write_p99_seconds", writes.map(|it| it.p99_seconds));
}

/// What the monitor itself did and cost in the cycle.
fn monitor(taken: &mut Taken, snapshot: &Snapshot) {
    taken.put("monitor_cycle_seconds", Some(snapshot.cycle_seconds));
    let lag = snapshot.monitor.timer_lag_seconds;
    taken.put("monitor_timer_lag_seconds", Some(lag));
    taken.put("monitor_rpcs", Some(snapshot.cost.rpcs.into()));
    let bytes = snapshot.cost.scrape_bytes as f64;
    taken.put("monitor_scrape_bytes", Some(bytes));
}
