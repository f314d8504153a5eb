//! The page of snapshots made by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_alerting::{
    AlertPolicy, Alerting, AlertingOptions, Channel, ConsoleNotifier, ConsoleOptions,
};
use etcd_monitor_model::{
    AlertType, ClusterName, DatabaseSize, Durations, Finding, FindingStatus, LatencySummary,
    Leader, MemberId, MemberSnapshot, MonitorCondition, Quorum, RaftProgress, ServerCounters,
    Severity, Snapshot, Subject, rule,
};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::source::BuildInfo;

/// The promised names that have data now, with the value that `known_member` and `known` give each.
const PROMISED: [(&str, f64); 24] = [
    ("etcd_cluster_healthy", 1.0),
    ("etcd_cluster_has_leader", 1.0),
    ("etcd_cluster_member_count", 3.0),
    ("etcd_cluster_quorum_size", 2.0),
    ("etcd_cluster_leader_changes_total", 4.0),
    ("etcd_request_read_latency_p50_milliseconds", 1.0),
    ("etcd_request_read_latency_p95_milliseconds", 2.0),
    ("etcd_request_read_latency_p99_milliseconds", 3.0),
    ("etcd_request_write_latency_p50_milliseconds", 4.0),
    ("etcd_request_write_latency_p95_milliseconds", 32.0),
    ("etcd_request_write_latency_p99_milliseconds", 64.0),
    ("etcd_request_rate_per_second", 12.5),
    ("etcd_mvcc_db_total_size_bytes", 2_000.0),
    ("etcd_mvcc_db_total_size_in_use_bytes", 1_000.0),
    ("etcd_server_proposals_committed_total", 101.0),
    ("etcd_server_proposals_applied_total", 102.0),
    ("etcd_server_proposals_pending", 103.0),
    ("etcd_server_proposals_failed_total", 104.0),
    ("etcd_server_memory_usage_bytes", 105.0),
    ("etcd_server_disk_usage_bytes", 2_000.0),
    ("etcd_server_active_connections", 106.0),
    ("etcd_server_watchers", 107.0),
    ("etcd_disk_wal_fsync_duration_p95_milliseconds", 8.0),
    ("etcd_disk_backend_commit_duration_p95_milliseconds", 16.0),
];

fn unknown(cluster: &str) -> Snapshot {
    let condition = MonitorCondition {
        timer_lag_seconds: 0.0,
        deadline_seconds: 2.0,
    };
    Snapshot::empty(ClusterName::new(cluster), Timestamp::now(), condition)
}

pub(super) fn known() -> Snapshot {
    let mut snapshot = unknown("c");
    snapshot.health.healthy = Some(true);
    snapshot.member_count = Some(3);
    snapshot.leader_changes = Some(4);
    snapshot.leader = Some(Leader {
        id: MemberId(1),
        name: "n1".to_owned(),
        since: snapshot.at,
        term: 2,
    });
    snapshot.quorum = Some(Quorum {
        learners: 0,
        voters: 3,
        needed: 2,
        available: Some(3),
        tolerance: Some(1),
    });
    snapshot.members = vec![known_member("n1", 1)];
    snapshot
}

fn known_member(name: &str, id: u64) -> MemberSnapshot {
    let mut member = MemberSnapshot::unknown(name, format!("http://{id}:2379"));
    member.id = Some(MemberId(id));
    member.healthy = Some(true);
    member.raft = Some(RaftProgress {
        term: 2,
        committed_index: 9,
        applied_index: Some(9),
        revision: 3,
    });
    member.database = Some(DatabaseSize {
        allocated_bytes: 2_000,
        in_use_bytes: 1_000,
        quota_bytes: None,
        quota_disabled: false,
    });
    member.read_latency = Some(LatencySummary {
        count: 3,
        p50_seconds: 0.001,
        p95_seconds: 0.002,
        p99_seconds: 0.003,
        max_seconds: 0.004,
    });
    member.counters = Some(known_counters());
    member
}

fn known_counters() -> ServerCounters {
    let mut counters = ServerCounters::default();
    counters.request_rate_per_second = Some(12.5);
    counters.proposals_committed = Some(101.0);
    counters.proposals_applied = Some(102.0);
    counters.proposals_pending = Some(103.0);
    counters.proposals_failed = Some(104.0);
    counters.resident_memory_bytes = Some(105.0);
    counters.rpcs_in_flight = Some(106.0);
    counters.watchers = Some(107.0);
    counters.wal_fsync_p95_seconds = Some(0.008);
    counters.backend_commit_p95_seconds = Some(0.016);
    counters.write_p50_seconds = Some(0.004);
    counters.write_p95_seconds = Some(0.032);
    counters.write_p99_seconds = Some(0.064);
    counters
}

pub(super) fn page(snapshots: impl IntoIterator<Item = Snapshot>, format: Format) -> String {
    let clusters = snapshots.into_iter().map(|snapshot| {
        let name = snapshot.cluster.clone();
        (name, watch::channel(Some(Arc::new(snapshot))).1)
    });
    let console = Channel::new(Arc::new(ConsoleNotifier::stderr(ConsoleOptions::default())));
    let policy = AlertPolicy::to_channels([console.name()]);
    let stop = CancellationToken::new();
    let (_, alerts) = Alerting::new(AlertingOptions::new(policy, vec![console]), stop.clone());
    let build = BuildInfo {
        version: "1.2.3".to_owned(),
        commit: "abc".to_owned(),
    };
    let source = Source::new(
        clusters.collect(),
        alerts,
        build,
        Duration::from_secs(5),
        stop,
    );
    render(&source, format)
}

/// Series (name and labels, as written) to value; no series may stand twice.
pub(super) fn series(page: &str) -> BTreeMap<&str, f64> {
    let mut series = BTreeMap::new();
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        let before = series.insert(name.trim_end_matches("{}"), value.parse().unwrap());
        assert!(before.is_none(), "{name} stands twice");
    }
    series
}

/// Of what is neither promised nor promised away: our prefix, and what every process has.
fn has_own_name(name: &str) -> bool {
    name.starts_with("etcd_monitor_") || name.starts_with("process_")
}

fn names(page: &str) -> BTreeSet<&str> {
    let name = |series: &&'_ str| series.find('{').unwrap_or(series.len());
    series(page)
        .keys()
        .map(|series| &series[..name(series)])
        .collect()
}

#[test]
fn the_promised_names_carry_their_values_in_both_formats() {
    for format in [Format::Text, Format::OpenMetrics] {
        let page = page([known()], format);
        let series = series(&page);
        for (name, value) in PROMISED {
            let of_member = format!("{name}{{cluster=\"c\",member=\"n1\"}}");
            let of_cluster = format!("{name}{{cluster=\"c\"}}");
            let labelled = if name.starts_with("etcd_cluster_") {
                of_cluster
            } else {
                of_member
            };
            let written = *series
                .get(labelled.as_str())
                .unwrap_or_else(|| panic!("{labelled} is missing in {format:?}"));
            assert!((written - value).abs() < 1e-9, "{labelled} {written}");
        }
    }
}

#[test]
fn only_promised_names_lack_our_prefix() {
    let page = page([known()], Format::Text);
    let promised: BTreeSet<&str> = PROMISED.into_iter().map(|(name, _)| name).collect();
    let others: BTreeSet<&str> = names(&page)
        .into_iter()
        .filter(|name| !has_own_name(name))
        .collect();
    assert_eq!(others, promised);
}

#[test]
fn what_is_not_known_has_no_sample() {
    let mut snapshot = unknown("c");
    snapshot.members = vec![MemberSnapshot::unknown("n1", "http://n1:2379")];
    let page = page([snapshot], Format::Text);
    let made_up: Vec<&str> = names(&page)
        .into_iter()
        .filter(|name| !has_own_name(name))
        .collect();
    assert_eq!(made_up, [""; 0]);
    assert!(!page.contains("etcd_monitor_member_"), "{page}");
    assert!(!page.contains("etcd_monitor_cluster_fault"), "{page}");
}

#[test]
fn what_is_derived_of_a_member_has_our_prefix() {
    let mut snapshot = known();
    let metrics = &mut snapshot.members[0].metrics;
    let mut fsync = Durations::default();
    fsync.p99_seconds = Some(0.032);
    metrics.disk.wal_fsync = Some(fsync);
    metrics.watch.slow_watchers = Some(0.0);
    let page = page([snapshot], Format::Text);
    let series = series(&page);
    let of = |name: &str| series.get(format!("{name}{{cluster=\"c\",member=\"n1\"}}").as_str());
    assert_eq!(
        of("etcd_monitor_member_wal_fsync_p99_seconds"),
        Some(&0.032)
    );
    assert_eq!(of("etcd_monitor_member_slow_watchers"), Some(&0.0));
    assert_eq!(of("etcd_monitor_member_pending_events"), None);
}

#[test]
fn no_leader_and_not_healthy_are_zero_where_they_are_known() {
    let mut snapshot = known();
    snapshot.leader = None;
    snapshot.health.healthy = Some(false);
    snapshot.members[0].healthy = Some(false);
    let page = page([snapshot], Format::Text);
    let series = series(&page);
    for name in [
        "etcd_cluster_has_leader{cluster=\"c\"}",
        "etcd_cluster_healthy{cluster=\"c\"}",
        "etcd_monitor_member_up{cluster=\"c\",member=\"n1\"}",
    ] {
        assert_eq!(series.get(name), Some(&0.0), "{name}");
    }
}

#[test]
fn hostile_names_are_escaped_and_stay_one_line() {
    let mut snapshot = known();
    snapshot.members[0].name = "a\"} 1\nevil{x=\"\\".to_owned();
    for format in [Format::Text, Format::OpenMetrics] {
        let page = page([snapshot.clone()], format);
        let expected = r#"etcd_server_watchers{cluster="c",member="a\"} 1\nevil{x=\"\\"} 107"#;
        assert!(
            page.lines().any(|line| line.starts_with(expected)),
            "{page}"
        );
        assert!(!page.lines().any(|line| line.starts_with("evil")), "{page}");
    }
}

#[test]
fn members_of_one_name_are_distinct_series() {
    let mut snapshot = known();
    snapshot.members = vec![
        known_member("twin", 1),
        known_member("twin", 2),
        known_member("twin (1)", 3),
        MemberSnapshot::unknown("http://x:1", "http://x:1"),
        MemberSnapshot::unknown("http://x:1", "http://x:1"),
    ];
    let page = page([snapshot], Format::Text);
    let series = series(&page);
    let labels: Vec<&str> = series
        .keys()
        .filter_map(|series| series.strip_prefix("etcd_server_watchers{cluster=\"c\",member="))
        .collect();
    assert_eq!(
        labels,
        ["\"twin (1) (2)\"}", "\"twin (1)\"}", "\"twin (2)\"}"]
    );
}

#[test]
fn clusters_are_told_apart() {
    let mut other = known();
    other.cluster = ClusterName::new("d");
    let page = page([known(), other], Format::Text);
    let series = series(&page);
    assert!(series.contains_key("etcd_cluster_healthy{cluster=\"c\"}"));
    assert!(series.contains_key("etcd_cluster_healthy{cluster=\"d\"}"));
}

#[test]
fn true_findings_are_counted_by_rule_with_the_worst_severity() {
    let mut snapshot = known();
    for (name, severity, status) in [
        ("n1", Severity::Warning, FindingStatus::True),
        ("n2", Severity::Critical, FindingStatus::True),
        ("n3", Severity::Critical, FindingStatus::False),
    ] {
        let subject = Subject::member(name, None);
        let cluster = snapshot.cluster.clone();
        let at = snapshot.at;
        let mut finding = Finding::new(
            rule::MEMBER_DOWN,
            AlertType::Member,
            severity,
            &cluster,
            subject,
            at,
        );
        finding.status = status;
        snapshot.findings.push(finding);
    }
    let page = page([snapshot], Format::Text);
    let name = "etcd_monitor_findings{cluster=\"c\",rule=\"MemberDown\",severity=\"critical\"}";
    assert_eq!(series(&page).get(name), Some(&2.0), "{page}");
}

#[test]
fn the_older_format_names_counters_as_their_samples_and_has_no_end_mark() {
    let page = page([known()], Format::Text);
    assert!(
        page.contains("# TYPE etcd_server_proposals_committed_total counter\n"),
        "{page}"
    );
    assert!(
        page.contains("# HELP etcd_cluster_leader_changes_total "),
        "{page}"
    );
    assert!(
        !page.contains("# EOF") && !page.contains("# UNIT"),
        "{page}"
    );
    assert!(page.ends_with('\n'));
}

#[test]
fn open_metrics_names_the_family_and_ends_with_its_mark() {
    let page = page([known()], Format::OpenMetrics);
    assert!(
        page.contains("# TYPE etcd_server_proposals_committed counter\n"),
        "{page}"
    );
    assert!(page.ends_with("# EOF\n"), "{page}");
}

#[test]
fn every_family_is_described_once_before_its_samples() {
    let page = page([known()], Format::Text);
    let mut described = BTreeSet::new();
    for line in page.lines() {
        match line.strip_prefix("# TYPE ") {
            Some(rest) => assert!(described.insert(rest.split(' ').next().unwrap()), "{line}"),
            None if line.starts_with('#') => {}
            None => {
                let name = line.split(['{', ' ']).next().unwrap();
                assert!(described.contains(name), "{line}");
            }
        }
    }
}
