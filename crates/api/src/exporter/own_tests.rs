//! What the monitor says of itself, of snapshots made by hand.

use etcd_monitor_model::{
    AlertType, FailureKind, Finding, FindingStatus, ProbeKind, ProbeRecord, Severity, Snapshot,
    Subject, UnknownClass, rule,
};

use super::Format;
use super::tests::{known, page, series};

fn with_finding(snapshot: &mut Snapshot, name: &str, status: FindingStatus) {
    let subject = Subject::member(name, None);
    let (cluster, at) = (snapshot.cluster.clone(), snapshot.at);
    let severity = Severity::Warning;
    let area = AlertType::Member;
    let mut finding = Finding::new(rule::MEMBER_DOWN, area, severity, &cluster, subject, at);
    finding.status = status;
    snapshot.findings.push(finding);
}

#[test]
fn a_rule_of_which_nothing_is_true_is_zero_only_where_all_was_judged() {
    let name = "etcd_monitor_findings{cluster=\"c\",rule=\"MemberDown\",severity=\"warning\"}";
    let mut judged = known();
    with_finding(&mut judged, "n1", FindingStatus::False);
    with_finding(&mut judged, "n2", FindingStatus::False);
    assert_eq!(
        series(&page([judged.clone()], Format::Text)).get(name),
        Some(&0.0)
    );
    let unknown = FindingStatus::Unknown {
        unknown_reason: "monitor late".to_owned(),
        unknown_class: UnknownClass::MonitorLate,
    };
    with_finding(&mut judged, "n3", unknown);
    assert_eq!(series(&page([judged], Format::Text)).get(name), None);
}

#[test]
fn a_cluster_is_up_where_a_member_answered_and_unknown_where_the_monitor_was_late() {
    let name = "etcd_monitor_cluster_up{cluster=\"c\"}";
    let mut snapshot = known();
    let up = |snapshot: &Snapshot| {
        let page = page([snapshot.clone()], Format::Text);
        series(&page).get(name).copied()
    };
    assert_eq!(up(&snapshot), Some(0.0));
    snapshot.last_answer_at = Some(snapshot.at);
    assert_eq!(up(&snapshot), Some(1.0));
    snapshot.last_answer_at = None;
    snapshot.monitor.timer_lag_seconds = 3.0;
    assert_eq!(up(&snapshot), None);
}

#[test]
fn probes_tell_how_long_they_took_and_how_often_they_failed() {
    let mut snapshot = known();
    let asked = ProbeRecord {
        kind: ProbeKind::Status,
        took_seconds: Some(0.25),
        failure: Some(FailureKind::TimedOut),
        failures: 3,
    };
    let not_asked = ProbeRecord {
        kind: ProbeKind::ReadSerializable,
        took_seconds: None,
        failure: None,
        failures: 0,
    };
    snapshot.members[0].probes = vec![asked, not_asked];
    let page = page([snapshot], Format::Text);
    let series = series(&page);
    let of = |name: &str, probe: &str| {
        let labelled =
            format!("etcd_monitor_probe_{name}{{cluster=\"c\",member=\"n1\",probe=\"{probe}\"}}");
        series.get(labelled.as_str()).copied()
    };
    assert_eq!(of("duration_seconds", "status"), Some(0.25));
    assert_eq!(of("success", "status"), Some(0.0));
    assert_eq!(of("failures_total", "status"), Some(3.0));
    assert_eq!(of("duration_seconds", "read_serializable"), None);
    assert_eq!(of("success", "read_serializable"), None);
    assert_eq!(of("failures_total", "read_serializable"), Some(0.0));
}

#[test]
fn alerts_are_counted_by_severity_and_state_zeros_too() {
    let page = page([known()], Format::Text);
    let series = series(&page);
    for severity in ["info", "warning", "critical"] {
        for state in ["pending", "firing"] {
            let name = format!(
                "etcd_monitor_alerts{{cluster=\"c\",severity=\"{severity}\",state=\"{state}\"}}"
            );
            assert_eq!(series.get(name.as_str()), Some(&0.0), "{page}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_has_what_proc_says() {
    let page = page([known()], Format::Text);
    let series = series(&page);
    for name in [
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_start_time_seconds",
    ] {
        assert!(
            series.get(name).is_some_and(|value| *value > 0.0),
            "{name} in {page}"
        );
    }
    assert!(series.contains_key("process_cpu_seconds_total"), "{page}");
    assert!(
        page.contains("# TYPE process_cpu_seconds_total counter\n"),
        "{page}"
    );
}
