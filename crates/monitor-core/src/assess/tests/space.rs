//! Alarms, quotas and the numbers of the members' pages.

use etcd_monitor_model::{
    Alarm, AlarmKind, FailureKind, ServerCounters, Severity, Snapshot, SubjectKind, rule,
};

use super::scene::{MIB, Scene, Watch, after_healthy, failed, finding, id, ok, roots, status_of};

fn with_alarm(member: Option<usize>, kind: AlarmKind) -> Scene {
    let alarm = Alarm {
        member: member.map(id),
        kind,
    };
    Scene::of(3).each(move |seen| seen.alarms = ok(vec![alarm.clone()]))
}

#[test]
fn alarms_are_told_of_the_member_or_of_the_cluster() {
    for (member, kind, expected, subject) in [
        (
            Some(2),
            AlarmKind::NoSpace,
            "AlarmNoSpace n2",
            SubjectKind::Member,
        ),
        (
            None,
            AlarmKind::NoSpace,
            "AlarmNoSpace test",
            SubjectKind::Cluster,
        ),
        (
            Some(3),
            AlarmKind::Corrupt,
            "AlarmCorrupt n3",
            SubjectKind::Member,
        ),
        (
            None,
            AlarmKind::Corrupt,
            "AlarmCorrupt test",
            SubjectKind::Cluster,
        ),
    ] {
        let snapshot = after_healthy(with_alarm(member, kind));
        assert_eq!(roots(&snapshot), expected);
        assert_eq!(snapshot.findings[0].subject.kind, subject);
        assert_eq!(snapshot.findings[0].severity, Severity::Critical);
        assert_eq!(snapshot.health.healthy, Some(false));
    }
}

#[test]
fn an_alarm_of_a_member_that_left_keeps_its_id_as_name() {
    let snapshot = after_healthy(with_alarm(Some(9), AlarmKind::NoSpace));
    assert_eq!(roots(&snapshot), "AlarmNoSpace a9");
}

struct Quota {
    used: i64,
    status: Option<i64>,
    metric: Option<&'static str>,
    expected: (&'static str, Severity),
}

fn quota(
    used: i64,
    status: impl Into<Option<i64>>,
    metric: impl Into<Option<&'static str>>,
    expected: &'static str,
) -> Quota {
    let (word, severity) = match expected {
        "critical" => ("true", Severity::Critical),
        "warning" => ("true", Severity::Warning),
        word => (word, Severity::Warning),
    };
    Quota {
        used,
        status: status.into(),
        metric: metric.into(),
        expected: (word, severity),
    }
}

#[test]
fn the_quota_is_compared_with_the_allocated_size() {
    for case in [
        quota(80, 100, None, "false"),
        quota(81, 100, None, "warning"),
        quota(90, 100, None, "warning"),
        quota(91, 100, None, "critical"),
        quota(81, None, "100", "warning"),
        quota(81, 0, "100", "warning"),
        quota(81, 1_000, "100", "warning"),
        quota(81, -1, None, "false"),
        quota(81, None, "-1", "false"),
        quota(81, None, None, "unknown"),
        quota(81, 0, None, "unknown"),
        quota(81, 100, "NaN", "warning"),
        quota(81, 100, "+Inf", "warning"),
        quota(81, None, "NaN", "unknown"),
        quota(-1, 100, None, "unknown"),
        quota(i64::MAX, i64::MAX, None, "critical"),
        quota(i64::MAX, 1, None, "critical"),
    ] {
        let metric = case
            .metric
            .map(|value| format!("etcd_server_quota_backend_bytes {value}\n"));
        let scene = Scene::of(3)
            .status(2, |status| {
                status.db_size_bytes = case.used;
                status.db_size_in_use_bytes = 1;
                status.db_quota_bytes = case.status;
            })
            .page(2, &metric.unwrap_or_default());
        let snapshot = after_healthy(scene);
        let near = finding(&snapshot, rule::DATABASE_NEAR_QUOTA, "n2");
        let said = (near.status.as_str(), near.severity);
        assert_eq!(
            said, case.expected,
            "{} of {:?} or {:?}",
            case.used, case.status, case.metric
        );
    }
}

#[test]
fn the_action_fits_the_free_pages() {
    for (in_use, word) in [(10 * MIB, "Defragment"), (90 * MIB, "Compact")] {
        let full = |status: &mut etcd_monitor_model::MemberStatus| {
            status.db_size_bytes = 95 * MIB;
            status.db_size_in_use_bytes = in_use;
        };
        let snapshot = after_healthy(Scene::of(3).status(2, full));
        let action = &finding(&snapshot, rule::DATABASE_NEAR_QUOTA, "n2").action;
        assert!(action.starts_with(word), "{action}");
    }
}

#[test]
fn sizes_that_are_none_are_unknown() {
    for (allocated, in_use) in [(-1, 1), (1, -1), (i64::MIN, i64::MIN)] {
        let broken = |status: &mut etcd_monitor_model::MemberStatus| {
            status.db_size_bytes = allocated;
            status.db_size_in_use_bytes = in_use;
        };
        let snapshot = after_healthy(Scene::of(3).status(2, broken));
        assert_eq!(snapshot.members[1].database, None);
    }
}

#[test]
fn numbers_that_are_none_are_unknown() {
    let names = [
        "etcd_server_proposals_committed_total",
        "etcd_server_proposals_applied_total",
        "etcd_server_proposals_pending",
        "etcd_server_proposals_failed_total",
        "process_resident_memory_bytes",
        "etcd_debugging_mvcc_watcher_total",
        "grpc_server_started_total",
        "grpc_server_handled_total{grpc_type=\"unary\"}",
    ];
    for value in ["NaN", "+Inf", "-Inf", "-1"] {
        let page = names.map(|name| format!("{name} {value}\n")).concat();
        let mut watch = Watch::after_healthy(3);
        watch.see(Scene::of(3).page(1, &page));
        let counters = watch.see(Scene::of(3).page(1, &page)).members[0].counters;
        assert_eq!(counters, Some(ServerCounters::default()), "{value}");
    }
}

#[test]
fn a_rate_needs_two_cycles_and_a_restart_has_none() {
    let handled = |count: u32| {
        let page = format!("grpc_server_handled_total{{grpc_type=\"unary\"}} {count}\n");
        Scene::of(3).page(1, &page)
    };
    let mut watch = Watch::default();
    let rates: Vec<Option<f64>> = [100, 150, 150, 20, 30]
        .into_iter()
        .map(|count| {
            watch.see(handled(count)).members[0]
                .counters
                .unwrap()
                .request_rate_per_second
        })
        .collect();
    assert_eq!(rates, [None, Some(10.0), Some(0.0), None, Some(2.0)]);
    watch.second -= 3_600;
    let back = watch.see(handled(40)).members[0].counters.unwrap();
    assert_eq!(back.request_rate_per_second, None, "the clock went back");
}

fn fsync(fast: u32, all: u32) -> Scene {
    let bucket = "etcd_disk_wal_fsync_duration_seconds_bucket";
    let page = format!(
        "{bucket}{{le=\"0.001\"}} {fast}\n{bucket}{{le=\"0.1\"}} {all}\n{bucket}{{le=\"+Inf\"}} {all}\n"
    );
    Scene::of(3).page(1, &page)
}

#[test]
fn disk_quantiles_are_of_the_last_five_minutes() {
    let mut watch = Watch::default();
    let mut p95 = |scene| {
        watch.see(scene).members[0]
            .counters
            .unwrap()
            .wal_fsync_p95_seconds
    };
    assert_eq!(
        p95(fsync(1_000_000, 1_000_000)),
        None,
        "what was before says nothing"
    );
    let fast = p95(fsync(1_000_100, 1_000_100)).unwrap();
    assert!(fast <= 0.001, "{fast}");
    let slow = p95(fsync(1_000_100, 1_000_300)).unwrap();
    assert!(slow > 0.05, "{slow}");
    assert_eq!(p95(fsync(5, 5)), None, "the member restarted");
}

/// Requests that took up to 1, 10 and 100 ms, as cumulative counts.
fn requests(kind: &str, counts: [u32; 3]) -> String {
    let line = |(bound, count)| {
        format!(
            "etcd_server_request_duration_seconds_bucket{{success=\"true\",type=\"{kind}\",le=\"{bound}\"}} {count}\n"
        )
    };
    let bounds = ["0.001", "0.01", "0.1", "+Inf"];
    let counts = counts.into_iter().chain([counts[2]]);
    bounds.into_iter().zip(counts).map(line).collect()
}

#[test]
fn write_quantiles_are_of_the_last_five_minutes() {
    let mut watch = Watch::default();
    let mut quantiles = |page: String| {
        let snapshot = watch.see(Scene::of(3).page(1, &page));
        watch.second += 100;
        let counters = snapshot.members[0].counters.unwrap();
        let milliseconds = |seconds: Option<f64>| seconds.map(|seconds| (seconds * 1e3).round());
        [
            milliseconds(counters.write_p50_seconds),
            milliseconds(counters.write_p95_seconds),
            milliseconds(counters.write_p99_seconds),
        ]
    };
    let reads = |count| requests("Range", [count; 3]);
    assert_eq!(quantiles(reads(5)), [None; 3], "no write yet");
    let first = reads(9) + &requests("Txn", [0, 2, 2]);
    assert_eq!(
        quantiles(first),
        [Some(6.0), Some(10.0), Some(10.0)],
        "the first write counts, though its series was not there before"
    );
    let more = reads(9) + &requests("Put", [50, 92, 98]) + &requests("Txn", [0, 2, 2]);
    assert_eq!(quantiles(more.clone()), [Some(1.0), Some(25.0), Some(85.0)]);
    let still = quantiles(more.clone());
    assert_eq!(still[0], Some(1.0), "the first write has left the window");
    assert_eq!(quantiles(more), [None; 3], "none in five minutes");
    assert_eq!(quantiles(reads(1)), [None; 3], "the member restarted");
}

#[test]
fn a_garbled_histogram_spoils_only_its_own_cycle() {
    let mut watch = Watch::default();
    watch.see(fsync(100, 100));
    let garbled = watch.see(fsync(200, 50)).members[0].counters.unwrap();
    assert_eq!(garbled.wal_fsync_p95_seconds, None);
    let again = watch.see(fsync(300, 300)).members[0].counters.unwrap();
    assert!(again.wal_fsync_p95_seconds.is_some());
}

#[test]
fn what_no_member_answered_is_unknown() {
    let deaf = Scene::of(3).each(|seen| {
        seen.alarms = failed(FailureKind::PermissionDenied);
        seen.metrics = failed(FailureKind::TimedOut);
    });
    let snapshot = after_healthy(deaf);
    for rule in [rule::ALARM_NO_SPACE, rule::ALARM_CORRUPT] {
        assert_eq!(status_of(&snapshot, rule), "unknown", "{rule}");
    }
    let silent_page = status_of(&snapshot, rule::METRICS_UNREADABLE);
    assert_eq!(
        silent_page, "true",
        "gRPC answers, so the page is what is wrong"
    );
    assert_eq!(snapshot.health.healthy, Some(true));
}

/// `n2` raised NOSPACE by the Alarm call, or nobody did, and the page of `n1` counts so many for it.
fn counted(active: bool, count: Option<i64>, version: &str) -> Snapshot {
    let alarm = Alarm {
        member: Some(id(2)),
        kind: AlarmKind::NoSpace,
    };
    let gauge = count.map_or_else(String::new, |count| {
        let labels = format!("alarm_type=\"NOSPACE\",server_id=\"{:x}\"", id(2).0);
        format!("etcd_debugging_server_alarms{{{labels}}} {count}\n")
    });
    let scene = Scene::of(3)
        .each(|seen| seen.metrics = failed(FailureKind::TimedOut))
        .page(1, &gauge)
        .status(1, |status| version.clone_into(&mut status.version));
    let alarms = if active { vec![alarm] } else { Vec::new() };
    after_healthy(scene.each(|seen| seen.alarms = ok(alarms.clone())))
}

#[test]
fn a_gauge_of_alarms_that_says_otherwise_is_evidence_and_decides_nothing() {
    let cases = [
        (true, None, "3.7.3", "none for n2"),
        (true, Some(0), "3.6.0", "none for n2"),
        (true, Some(1), "3.7.3", ""),
        (true, None, "3.5.35", ""),
        (false, Some(1), "3.7.3", "above 0 for n2"),
        (false, Some(0), "3.7.3", ""),
        (false, None, "3.7.3", ""),
    ];
    for (active, count, version, expected) in cases {
        let snapshot = counted(active, count, version);
        let subject = if active { "n2" } else { "test" };
        let found = finding(&snapshot, rule::ALARM_NO_SPACE, subject);
        assert_eq!(found.status.is_true(), active);
        let source = "etcd_debugging_server_alarms of n1";
        let mut seen = found.evidence.iter();
        let said = seen.find(|seen| seen.source == source);
        let said = said.map_or("", |seen| seen.value.as_str());
        assert!(said.starts_with(expected), "{active} {count:?}: {said}");
        assert_eq!(said.is_empty(), expected.is_empty(), "{said}");
    }
}
