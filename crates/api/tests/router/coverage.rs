//! What could not be judged, as a client sees it.

use axum::http::StatusCode;
use etcd_monitor_model::{
    AlertType, Coverage, Finding, FindingStatus, MemberId, Severity, SignalGap, Subject,
    UnknownClass,
};
use serde_json::Value;

use super::{Server, snapshot};

#[tokio::test]
async fn coverage_names_each_rule_that_was_not_evaluated_and_why() {
    let mut blind = snapshot("c");
    let mut finding = Finding::new(
        "AlarmNoSpace",
        AlertType::Capacity,
        Severity::Critical,
        &blind.cluster,
        Subject::cluster(&blind.cluster),
        blind.at,
    );
    finding.status = FindingStatus::unknown(UnknownClass::PermissionDenied, "permission denied");
    blind.findings = vec![finding];
    let signal = SignalGap {
        signal: "grpc_server_handling_seconds".to_owned(),
        subject: Subject::member("n1", Some(MemberId(0x1f))),
        class: UnknownClass::MetricsBasic,
        reason: "only with --metrics=extensive".to_owned(),
    };
    blind.coverage = Coverage::of(&blind.findings, vec![signal]);
    let server = Server::of(vec![("c", Some(blind)), ("d", Some(snapshot("d")))]);

    let (status, all) = server.json("/api/v1/coverage").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(all["clusters"].as_array().unwrap().len(), 2);
    let one = server.json("/api/v1/coverage?cluster=c").await.1["clusters"][0].clone();
    assert_eq!(
        (&one["cluster"], &one["evaluated"]),
        (&Value::from("c"), &Value::from(0))
    );
    let rule = &one["rules"][0];
    assert_eq!(
        (&rule["rule"], &rule["class"], &rule["subject"]["kind"]),
        (
            &Value::from("AlarmNoSpace"),
            &Value::from("permission_denied"),
            &Value::from("cluster")
        )
    );
    assert_eq!(one["signals"][0]["class"], "metrics_basic");
    assert_eq!(one["signals"][0]["subject"]["name"], "n1");
    let (missing, problem) = server.json("/api/v1/coverage?cluster=x").await;
    assert_eq!(missing, StatusCode::NOT_FOUND, "{problem}");
}
