//! What cannot be judged is listed with its reason, and blindness that lasts is said.

use etcd_monitor_model::{
    FailureKind, FindingStatus, MemberObservation, ReadAnswer, Severity, Snapshot, UnknownClass,
    rule,
};

use super::scene::{
    Scene, Watch, after_healthy, at_first_sight, explained, failed, finding, ok, roots,
};

fn no_alarms(seen: &mut MemberObservation) {
    seen.alarms = failed(FailureKind::PermissionDenied);
}

fn class_of_rule(snapshot: &Snapshot, rule: &str) -> Option<UnknownClass> {
    let gap = snapshot.coverage.rules.iter().find(|gap| gap.rule == rule);
    gap.map(|gap| gap.class)
}

fn class_of_signal(snapshot: &Snapshot, member: &str, signal: &str) -> Option<UnknownClass> {
    let mut gaps = snapshot.coverage.signals.iter();
    gaps.find(|gap| gap.subject.name == member && gap.signal == signal)
        .map(|gap| gap.class)
}

#[test]
fn every_rule_that_is_unknown_is_listed_and_no_other() {
    let snapshot = after_healthy(Scene::of(3).each(no_alarms));
    let unknown: Vec<String> = snapshot
        .findings
        .iter()
        .filter(|finding| matches!(finding.status, FindingStatus::Unknown { .. }))
        .map(|finding| format!("{} {}", finding.rule, finding.subject.name))
        .collect();
    let listed: Vec<String> = snapshot
        .coverage
        .rules
        .iter()
        .map(|gap| format!("{} {}", gap.rule, gap.subject.name))
        .collect();
    assert_eq!(listed, unknown);
    let all = snapshot.coverage.evaluated as usize + listed.len();
    assert_eq!(all, snapshot.findings.len());
    assert_eq!(
        class_of_rule(&snapshot, rule::ALARM_NO_SPACE),
        Some(UnknownClass::PermissionDenied)
    );
    assert_eq!(
        class_of_rule(&snapshot, rule::QUOTA_FORECAST),
        Some(UnknownClass::NotEnoughData)
    );
}

#[test]
fn what_basic_metrics_and_old_versions_lack_is_named_and_nothing_fires() {
    let snapshot = after_healthy(Scene::of(3));
    assert_eq!(roots(&snapshot), "");
    for (signal, class) in [
        ("grpc_server_handling_seconds", UnknownClass::MetricsBasic),
        (
            "etcd_server_request_duration_seconds",
            UnknownClass::MetricAbsent,
        ),
        (
            "etcd_debugging_mvcc_compact_revision",
            UnknownClass::MetricAbsent,
        ),
    ] {
        assert_eq!(
            class_of_signal(&snapshot, "n2", signal),
            Some(class),
            "{signal}"
        );
    }
    let page = "grpc_server_handling_seconds_bucket{grpc_type=\"unary\",le=\"+Inf\"} 1\netcd_debugging_mvcc_compact_revision 5\n";
    let extensive = after_healthy(Scene::of(3).page(2, page));
    assert_eq!(
        class_of_signal(&extensive, "n2", "grpc_server_handling_seconds"),
        None
    );
    assert_eq!(
        class_of_signal(&extensive, "n2", "etcd_debugging_mvcc_compact_revision"),
        None
    );
}

#[test]
fn read_only_credentials_are_named_and_nothing_above_info_fires() {
    let mut watch = Watch::after_healthy(3);
    let scene = || {
        Scene::of(3).each(|seen| {
            no_alarms(seen);
            seen.read_linearizable = ok(ReadAnswer { revision: None });
        })
    };
    let first = watch.see(scene());
    assert_eq!(roots(&first), "");
    assert_eq!(first.health.healthy, Some(true));
    for signal in ["Alarm", "linearizable read"] {
        let class = class_of_signal(&first, "n3", signal);
        assert_eq!(class, Some(UnknownClass::PermissionDenied), "{signal}");
    }
    watch.second += 590;
    assert_eq!(roots(&watch.see(scene())), "", "not yet");
    let saved = serde_json::to_string(&watch.state).unwrap();
    watch.state = serde_json::from_str(&saved).unwrap();
    let blind = watch.see(scene());
    assert_eq!(roots(&blind), "MonitoringBlindSpot test");
    let spot = finding(&blind, rule::MONITORING_BLIND_SPOT, "test");
    assert_eq!(spot.severity, Severity::Info);
    for words in [
        "permission denied",
        rule::ALARM_NO_SPACE,
        rule::ALARM_CORRUPT,
    ] {
        assert!(spot.cause.contains(words), "{}", spot.cause);
    }
    assert_eq!(blind.health.healthy, Some(true));
    assert_eq!(roots(&watch.see(Scene::of(3))), "", "permission was given");
    assert_eq!(roots(&watch.see(scene())), "", "the time begins anew");
}

#[test]
fn a_failing_handshake_explains_the_blindness_that_follows() {
    let mut watch = Watch::after_healthy(3);
    let scene = || Scene::of(3).fails(2, FailureKind::Tls);
    watch.see(scene());
    watch.second += 700;
    let snapshot = watch.see(scene());
    assert_eq!(roots(&snapshot), "TlsFailed n2, MetricsUnreadable n2");
    assert_eq!(explained(&snapshot), "MonitoringBlindSpot test");
}

#[test]
fn trouble_that_passes_is_no_blind_spot() {
    let mut watch = Watch::after_healthy(3);
    for _ in 0..3 {
        watch.second += 700;
        let snapshot = watch.see(Scene::of(3).fails(2, FailureKind::TimedOut));
        assert_eq!(roots(&snapshot), "MemberDown n2");
        assert_eq!(
            class_of_signal(&snapshot, "n2", "every call"),
            Some(UnknownClass::MemberUnreachable)
        );
    }
    let late = watch.see(Scene::of(3).fails(2, FailureKind::TimedOut).late());
    assert_eq!(
        class_of_rule(&late, rule::MEMBER_DOWN),
        Some(UnknownClass::MonitorLate)
    );
    assert_eq!(
        class_of_signal(&late, "n2", "every call"),
        Some(UnknownClass::MonitorLate)
    );
}

#[test]
fn what_a_learner_does_not_serve_is_said_of_it() {
    let snapshot = after_healthy(Scene::of(4).last_is_learner());
    assert_eq!(
        class_of_signal(&snapshot, "n4", "linearizable read"),
        Some(UnknownClass::NotServed)
    );
}

#[test]
fn no_reason_is_left_without_its_kind() {
    for kind in [
        FailureKind::Refused,
        FailureKind::TimedOut,
        FailureKind::NameResolution,
        FailureKind::Tls,
        FailureKind::Unauthenticated,
        FailureKind::PermissionDenied,
        FailureKind::NotSupported,
        FailureKind::BadAnswer,
        FailureKind::NotAllowed,
    ] {
        let one = || Scene::of(3).fails(2, kind);
        let all = || Scene::of(3).all_fail(kind);
        for snapshot in [
            after_healthy(one()),
            after_healthy(all()),
            at_first_sight(one()),
            at_first_sight(all()),
            after_healthy(one().late()),
        ] {
            for gap in &snapshot.coverage.rules {
                assert_ne!(gap.class, UnknownClass::Other, "{kind:?}: {gap:?}");
            }
        }
    }
}
