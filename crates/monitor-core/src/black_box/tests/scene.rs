//! Cycles made by hand: one member, whose page changes from cycle to cycle.

use std::fmt::Write;

use etcd_monitor_model::{
    AlertType, ClusterName, Finding, FindingStatus, Observation, Severity, Snapshot, Subject,
};
use jiff::{Timestamp, ToSpan};

use crate::read_metrics_page;

/// So many cycles, 5 s apart.
pub(in crate::black_box) fn cycles(count: u64) -> Vec<Observation> {
    (1..=count).map(observation).collect()
}

pub(in crate::black_box) fn at(cycle: u64) -> Timestamp {
    let seconds = i64::try_from(5 * cycle).unwrap();
    "2026-01-01T00:00:00.000000123Z"
        .parse::<Timestamp>()
        .unwrap()
        + seconds.seconds()
}

pub(in crate::black_box) fn observation(cycle: u64) -> Observation {
    of("test", cycle)
}

pub(in crate::black_box) fn of(cluster: &str, cycle: u64) -> Observation {
    let answered = |answer| serde_json::json!({"at": at(cycle), "took_seconds": 0.1 / 3.0, "result": {"Ok": answer}});
    let status = serde_json::json!({
        "cluster_id": "c1", "member_id": "a1", "revision": -1, "raft_term": u64::MAX, "raft_index": cycle,
        "raft_applied_index": null, "leader": "a1", "is_learner": false, "version": "3.7.3",
        "db_size_bytes": 5_000_000, "db_size_in_use_bytes": 4_000_000, "db_quota_bytes": 2_147_483_648_u64,
        "errors": ["b\u{e4}d \u{0}"],
    });
    let refused = serde_json::json!({"at": at(cycle), "took_seconds": 0.0, "result":
        {"Err": {"kind": "permission_denied", "message": "no"}}});
    serde_json::from_value(serde_json::json!({
        "cluster": cluster, "cycle": cycle, "started_at": at(cycle), "ended_at": at(cycle), "interval_seconds": 5.0,
        "monitor": {"timer_lag_seconds": 0.0, "deadline_seconds": 2.0},
        "members": [{
            "endpoint": "http://n1:2379", "origin": "configured", "expected_member": "a1",
            "status": answered(status), "alarms": refused, "metrics": answered(page(cycle)),
        }],
        "own_certificates": null,
        "canary": {"key": "k", "through": "http://n1:2379", "interval_seconds": 10.0,
            "put": answered(serde_json::Value::Null), "events": []},
    }))
    .unwrap()
}

fn page(cycle: u64) -> serde_json::Value {
    let bound = |number: u32| 0.001 * f64::from(2_u32.pow(number));
    let family = "etcd_disk_wal_fsync_duration_seconds_bucket";
    let mut text = String::new();
    for number in 0..14 {
        let count = cycle * u64::from(number + 1);
        writeln!(text, "{family}{{le=\"{}\"}} {count}", bound(number)).unwrap();
    }
    text += "etcd_disk_wal_fsync_duration_seconds_bucket{le=\"+Inf\"} 99\n";
    serde_json::to_value(read_metrics_page(text.as_bytes())).unwrap()
}

/// What was said of a cycle of a cluster, with these critical findings true since this cycle.
pub(in crate::black_box) fn snapshot(
    seen: &Observation,
    rules: &[&str],
    since: Timestamp,
) -> Snapshot {
    let mut snapshot = Snapshot::empty(seen.cluster.clone(), seen.ended_at, seen.monitor);
    snapshot.findings = rules
        .iter()
        .map(|rule| finding(rule, &seen.cluster, since))
        .collect();
    snapshot
}

fn finding(rule: &str, cluster: &ClusterName, since: Timestamp) -> Finding {
    let subject = Subject::cluster(cluster);
    let mut finding = Finding::new(
        rule,
        AlertType::Quorum,
        Severity::Critical,
        cluster,
        subject,
        since,
    );
    finding.status = FindingStatus::True;
    finding.cause = format!("{rule} holds");
    finding
}
