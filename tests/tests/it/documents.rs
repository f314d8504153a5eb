//! The shapes that REST promises, on a healthy cluster of which one endpoint was given.

use serde_json::Value;

use crate::shared::shared;
use crate::{
    ALERTS, FINDINGS, LATE, MEMBERS, SOON, STATUS, items, nothing_wrong, number, rules_of_history,
    text,
};

/// A field, and whether its value fits.
type Field = (&'static str, fn(&Value) -> bool);

/// Fails with the document when a field is missing or of another type.
fn has(document: &Value, fields: &[Field]) {
    for (field, fits) in fields {
        let value = &document[*field];
        assert!(fits(value), "field {field:?} is {value} in {document:#}");
    }
}

fn is_id(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    !text.is_empty() && text.len() <= 16 && text.chars().all(hex) && !text.starts_with('0')
}

/// RFC 3339 in UTC.
fn is_time(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.len() >= 20 && text.as_bytes()[10] == b'T' && text.ends_with('Z')
}

fn text_there(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

#[tokio::test]
async fn the_status_names_cluster_leader_quorum_and_age() {
    nothing_wrong(&shared().daemon).await;
    let status = shared().daemon.json(STATUS).await;
    has(
        &status,
        &[
            ("cluster", |value| value == "default"),
            ("cluster_id", is_id),
            ("healthy", |value| *value == true),
            // etcd's corruption checks are off by default.
            ("worst", |value| value.is_null() || value == "info"),
            ("sentence", text_there),
            ("leader_changes", Value::is_u64),
            ("leader_history", Value::is_array),
            ("member_count", |value| *value == 3),
            ("age_seconds", Value::is_f64),
            ("at", is_time),
            ("interval_seconds", |value| *value == 1.0),
            ("cycle_seconds", Value::is_f64),
            ("last_answer_at", is_time),
        ],
    );
    has(
        &status["leader"],
        &[
            ("id", is_id),
            ("name", text_there),
            ("since", is_time),
            ("term", Value::is_u64),
        ],
    );
    let quorum = serde_json::json!({"voters": 3, "learners": 0, "needed": 2, "available": 3, "tolerance": 1});
    assert_eq!(status["quorum"], quorum);
}

#[tokio::test]
async fn the_other_members_are_found_from_one_endpoint() {
    let shared = shared();
    let document = shared.daemon.json(MEMBERS).await;
    let members = items(&document, "members");
    let named: Vec<&str> = members.iter().map(|member| text(member, "name")).collect();
    assert_eq!(named, ["m0", "m1", "m2"]);
    for (member, real) in members.iter().zip(shared.cluster.members()) {
        has(
            member,
            &[
                ("healthy", |value| *value == true),
                ("linearizable", |value| *value == true),
                ("version", |value| value == "3.7.3"),
                ("raft", Value::is_object),
                ("database", Value::is_object),
                ("last_answer_at", is_time),
                ("started_at", is_time),
            ],
        );
        assert_eq!(text(member, "id"), format!("{:x}", real.id()));
        assert_eq!(
            member["client_urls"],
            serde_json::json!([real.client_url()])
        );
    }
    let with_role = |role: &str| {
        members
            .iter()
            .filter(|member| member["role"] == role)
            .count()
    };
    assert_eq!((with_role("leader"), with_role("follower")), (1, 2));
}

#[tokio::test]
async fn the_leader_route_agrees_with_etcd() {
    let shared = shared();
    let leader = shared.daemon.json("/api/v1/cluster/leader").await;
    let index = shared
        .cluster
        .leader_index()
        .await
        .expect("the cluster is healthy");
    assert_eq!(
        text(&leader["leader"], "name"),
        shared.cluster.member(index).name()
    );
    has(
        &leader,
        &[
            ("leader_changes", Value::is_u64),
            ("leader_history", Value::is_array),
        ],
    );
}

#[tokio::test]
async fn the_history_of_leaders_is_that_of_the_leader_route() {
    let daemon = &shared().daemon;
    let leader = daemon.json("/api/v1/cluster/leader").await;
    let history = daemon.json("/api/v1/cluster/leader/history").await;
    assert_eq!(history["cluster"], "default");
    assert_eq!(history["changes"], leader["leader_history"]);
    assert_eq!(history["next"], Value::Null);
}

#[tokio::test]
async fn the_versions_are_those_of_the_members_and_of_the_cluster() {
    // The schema of the data follows the version of the cluster, some seconds after its start.
    let told = |versions: &Value| {
        let mut members = items(versions, "members").iter();
        let all = members.all(|member| member["storage_version"].is_string());
        (all && versions["cluster_version"].is_string()).then(|| versions.clone())
    };
    let what = "every version is told";
    let path = "/api/v1/cluster/versions";
    let versions = shared().daemon.until(SOON, path, what, told).await;
    has(
        &versions,
        &[
            ("cluster", |value| value == "default"),
            ("cluster_version", |value| value == "3.7.0"),
            ("mixed", |value| *value == false),
            ("age_seconds", Value::is_f64),
        ],
    );
    assert_eq!(items(&versions, "findings").len(), 0, "{versions:#}");
    assert_eq!(items(&versions, "members").len(), 3);
    for member in items(&versions, "members") {
        has(
            member,
            &[
                ("member", text_there),
                ("member_id", is_id),
                ("version", |value| value == "3.7.3"),
                ("storage_version", |value| value == "3.7.0"),
                ("known_defects", |value| *value == serde_json::json!([])),
            ],
        );
    }
}

#[tokio::test]
async fn current_metrics_and_latency_are_of_every_member() {
    let daemon = &shared().daemon;
    let current = daemon.json("/api/v1/metrics/current").await;
    assert_eq!(items(&current, "members").len(), 3);
    for member in items(&current, "members") {
        has(
            member,
            &[
                ("id", is_id),
                ("name", text_there),
                ("last_read_seconds", Value::is_f64),
            ],
        );
        assert!(
            number(&member["database"], "allocated_bytes")
                >= number(&member["database"], "in_use_bytes")
        );
        assert_eq!(member["database"]["quota_bytes"], 2_u64 << 30);
        assert!(number(&member["raft"], "term") >= 1.0);
        assert!(number(&member["counters"], "resident_memory_bytes") > 1e6);
    }
    let latency = daemon.json("/api/v1/metrics/latency").await;
    for member in items(&latency, "members") {
        let read = &member["read"];
        let quantiles = ["p50_seconds", "p95_seconds", "p99_seconds", "max_seconds"];
        let values: Vec<f64> = quantiles.iter().map(|name| number(read, name)).collect();
        assert!(values[0] > 0.0 && values.is_sorted(), "{latency:#}");
    }
}

#[tokio::test]
async fn every_finding_of_a_healthy_cluster_was_evaluated_and_none_above_info_is_true() {
    let snapshot = nothing_wrong(&shared().daemon).await;
    let findings = shared().daemon.json(FINDINGS).await;
    assert_eq!(
        items(&findings, "findings").len(),
        items(&snapshot, "findings").len()
    );
    for finding in items(&snapshot, "findings") {
        has(
            finding,
            &[
                ("rule", text_there),
                ("severity", text_there),
                ("cluster", text_there),
                ("cause", Value::is_string),
                ("caused_by", Value::is_null),
                ("evidence", Value::is_array),
                ("since", is_time),
                ("action", Value::is_string),
                ("status", text_there),
            ],
        );
        assert!(
            finding["status"] != "true" || finding["severity"] == "info",
            "{finding:#}"
        );
        has(
            &finding["subject"],
            &[("kind", text_there), ("name", text_there)],
        );
    }
    let of_member_down = |finding: &&Value| finding["rule"] == "MemberDown";
    assert_eq!(
        items(&findings, "findings")
            .iter()
            .filter(of_member_down)
            .count(),
        3
    );
}

#[tokio::test]
async fn a_healthy_cluster_has_no_alert_and_no_history() {
    let daemon = &shared().daemon;
    let alerts = daemon.json(ALERTS).await;
    let about_etcd = items(&alerts, "alerts")
        .iter()
        .filter(|alert| alert["rule"] != LATE);
    assert_eq!(about_etcd.count(), 0, "{alerts:#}");
    assert_eq!(rules_of_history(daemon).await, [""; 0]);
}

#[tokio::test]
async fn health_and_readiness_name_each_cluster() {
    let daemon = &shared().daemon;
    for (path, said) in [("/health", "ok"), ("/ready", "ready")] {
        let document = daemon.json(path).await;
        assert_eq!(document["status"], said);
        assert_eq!(document["clusters"][0]["cluster"], "default");
        assert_eq!(document["clusters"][0]["healthy"], true);
    }
    let clusters = daemon.json("/api/v1/clusters").await;
    assert_eq!(items(&clusters, "clusters").len(), 1);
    // etcd's own checks of its data are off by default.
    assert_eq!(clusters["clusters"][0]["worst"], "info");
}
