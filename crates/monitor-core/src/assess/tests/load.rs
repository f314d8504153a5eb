//! Disks, heartbeats, writes, watchers and requests: what is slow, and what follows from which.

mod input;
mod pages;

use etcd_monitor_model::{FindingStatus, MemberSnapshot, Severity, Snapshot, UnknownClass, rule};

use super::scene::{Watch, explained, finding, id, roots};
use pages::{Numbers, scene};

/// What the monitor says after so many cycles of members that count on in this way.
fn after(cycles: u64, numbers: &[Numbers]) -> Snapshot {
    let mut watch = Watch::default();
    watch_on(&mut watch, cycles, numbers)
}

fn watch_on(watch: &mut Watch, cycles: u64, numbers: &[Numbers]) -> Snapshot {
    let mut latest = watch.see(scene(0, numbers));
    for cycle in 1..=cycles {
        latest = watch.see(scene(cycle, numbers));
    }
    latest
}

fn status(snapshot: &Snapshot, rule: &str, subject: &str) -> &'static str {
    finding(snapshot, rule, subject).status.as_str()
}

fn class(snapshot: &Snapshot, rule: &str, subject: &str) -> UnknownClass {
    match &finding(snapshot, rule, subject).status {
        FindingStatus::Unknown { unknown_class, .. } => *unknown_class,
        other => panic!("{rule} of {subject} is {other:?}"),
    }
}

#[test]
fn quick_disks_are_well_and_idle_ones_unknown() {
    let quick = after(10, &[Numbers::quick(); 3]);
    assert_eq!(roots(&quick), "");
    for rule in [
        rule::WAL_FSYNC_SLOW,
        rule::BACKEND_COMMIT_SLOW,
        rule::MEMBER_DISK_SLOW,
        rule::REQUESTS_SLOW,
        rule::REQUESTS_FAILING,
        rule::HEARTBEATS_LATE,
        rule::SLOW_WATCHERS,
        rule::FILE_DESCRIPTORS_NEAR_LIMIT,
    ] {
        assert_eq!(status(&quick, rule, "n2"), "false", "{rule}");
    }
    assert_eq!(status(&quick, rule::WRITE_OVERLOAD, "test"), "false");
    let idle = after(10, &[Numbers::idle(); 3]);
    for rule in [
        rule::WAL_FSYNC_SLOW,
        rule::MEMBER_DISK_SLOW,
        rule::REQUESTS_SLOW,
    ] {
        assert_eq!(
            class(&idle, rule, "n1"),
            UnknownClass::NotEnoughData,
            "{rule}"
        );
    }
    assert_eq!(status(&idle, rule::REQUESTS_FAILING, "n1"), "false");
}

#[test]
fn a_disk_slower_than_advised_is_a_warning_and_a_very_slow_one_critical() {
    let slow = after(10, &[Numbers::quick().fsync(0.016); 3]);
    let found = finding(&slow, rule::WAL_FSYNC_SLOW, "n3");
    assert_eq!(
        (found.status.is_true(), found.severity),
        (true, Severity::Warning)
    );
    assert!(
        found.cause.contains("n3") && found.cause.contains("less than 10 ms"),
        "{}",
        found.cause
    );
    assert_eq!(
        status(&slow, rule::MEMBER_DISK_SLOW, "n3"),
        "false",
        "all are alike"
    );
    let stalled = after(10, &[Numbers::quick().fsync(0.256).commit(0.512); 3]);
    let found = finding(&stalled, rule::WAL_FSYNC_SLOW, "n1");
    assert_eq!(found.severity, Severity::Critical);
    let commit = finding(&stalled, rule::BACKEND_COMMIT_SLOW, "n1");
    assert_eq!(commit.severity, Severity::Critical);
    assert_eq!(commit.caused_by, Some(found.key()), "one disk, one cause");
    let beyond = after(10, &[Numbers::quick().fsync(100.0); 3]);
    let cause = &finding(&beyond, rule::WAL_FSYNC_SLOW, "n1").cause;
    assert!(cause.contains("at least 8.2 s"), "{cause}");
}

#[test]
fn one_slow_disk_is_named_at_once_and_explains_what_follows_on_its_member() {
    let others = Numbers::quick();
    let slow = after(10, &[others, others, others.fsync(0.064).commit(0.128)]);
    assert_eq!(roots(&slow), "MemberDiskSlow n3");
    assert_eq!(explained(&slow), "BackendCommitSlow n3, WalFsyncSlow n3");
    let found = finding(&slow, rule::MEMBER_DISK_SLOW, "n3");
    assert!(found.cause.contains("times the median"), "{}", found.cause);
    assert!(
        found.action.contains("n3") && found.action.contains("fio"),
        "{}",
        found.action
    );
    assert!(!found.action.contains("move-leader"), "it does not lead");
    let commits = after(10, &[others, others.commit(0.256), others]);
    assert_eq!(roots(&commits), "MemberDiskSlow n2");
}

#[test]
fn a_slow_disk_under_the_leader_explains_its_stalls_and_the_waiting_writes() {
    let others = Numbers::quick();
    let leader = others.fsync(0.256).late_heartbeats(2).pending(500);
    let slow = after(24, &[leader, others, others]);
    assert_eq!(roots(&slow), "MemberDiskSlow n1");
    assert_eq!(
        explained(&slow),
        "WalFsyncSlow n1, HeartbeatsLate n1, WriteOverload test"
    );
    let overload = finding(&slow, rule::WRITE_OVERLOAD, "test");
    assert!(
        overload.cause.contains("the disk of n1"),
        "{}",
        overload.cause
    );
    let action = &finding(&slow, rule::MEMBER_DISK_SLOW, "n1").action;
    assert!(
        action.contains(&format!("move-leader {}", id(2))),
        "{action}"
    );
}

#[test]
fn a_few_slow_observations_are_no_slow_disk() {
    let others = Numbers::quick().rate(30);
    let mut watch = Watch::default();
    watch_on(&mut watch, 9, &[others; 3]);
    let outliers = [others, others, others.outliers(2)];
    let snapshot = watch.see(scene(10, &outliers));
    assert_eq!(status(&snapshot, rule::MEMBER_DISK_SLOW, "n3"), "false");
}

#[test]
fn a_disk_is_compared_with_members_that_have_as_much_to_do() {
    let slow = Numbers::quick().fsync(0.064);
    let alone = after(10, &[slow, Numbers::idle(), Numbers::idle()]);
    assert_eq!(
        class(&alone, rule::MEMBER_DISK_SLOW, "n1"),
        UnknownClass::NotEnoughData
    );
    let single = after(10, &[slow]);
    assert_eq!(status(&single, rule::MEMBER_DISK_SLOW, "n1"), "false");
    assert_eq!(status(&single, rule::WAL_FSYNC_SLOW, "n1"), "true");
}

#[test]
fn late_heartbeats_are_told_of_a_leader_that_stalls_again_and_again() {
    let others = Numbers::quick();
    let stalls = after(12, &[others.late_heartbeats(1), others, others]);
    assert_eq!(roots(&stalls), "HeartbeatsLate n1");
    let cause = &finding(&stalls, rule::HEARTBEATS_LATE, "n1").cause;
    assert!(cause.contains("CPU"), "{cause}");
    let mut watch = Watch::default();
    watch_on(&mut watch, 12, &[others; 3]);
    let once = [others.late_heartbeats(1), others, others];
    assert_eq!(roots(&watch.see(scene(13, &once))), "", "one stall");
}

#[test]
fn writes_that_wait_are_an_overload_only_where_each_waits_for_long() {
    let others = Numbers::quick();
    // 40 entries per second: 500 of them wait for 12 s.
    let waiting = after(12, &[others.pending(500), others, others]);
    assert_eq!(roots(&waiting), "WriteOverload test");
    let cause = &finding(&waiting, rule::WRITE_OVERLOAD, "test").cause;
    assert!(cause.contains("the load itself"), "{cause}");
    let many_and_quick = after(12, &[others.rate(50_000).pending(500), others, others]);
    assert_eq!(roots(&many_and_quick), "");
    let few = after(12, &[others.pending(50), others, others]);
    assert_eq!(roots(&few), "");
}

#[test]
fn proposals_that_fail_are_an_overload_of_applying_where_that_lags() {
    let others = Numbers::quick();
    let failing = others.failed_proposals(30);
    let mut watch = Watch::default();
    watch_on(&mut watch, 12, &[failing, others, others]);
    let lagging = scene(13, &[failing, others, others]).status(2, |status| {
        status.raft_index = 3_000;
        status.raft_applied_index = Some(1_000);
    });
    let snapshot = watch.see(lagging);
    assert_eq!(roots(&snapshot), "WriteOverload test");
    let cause = &finding(&snapshot, rule::WRITE_OVERLOAD, "test").cause;
    assert!(cause.contains("n2 is 2000 entries behind"), "{cause}");
}

#[test]
fn slow_watchers_with_many_pending_events_are_told() {
    let others = Numbers::quick();
    let slow = after(2, &[others, others.slow_watchers(3, 200_000), others]);
    assert_eq!(roots(&slow), "SlowWatchers n2");
    let sends = |snapshot: &Snapshot| {
        let found = finding(snapshot, rule::SLOW_WATCHERS, "n2");
        let mut seen = found.evidence.iter();
        let sent = seen.find(|seen| seen.source.contains("watch_send_loop"))?;
        Some(sent.value.clone())
    };
    let sent = sends(&slow).unwrap();
    assert!(sent.contains("p99 15.9 ms of 400 within 300 s"), "{sent}");
    let watch_load = slow.members[1].metrics.watch;
    assert_eq!(watch_load.send.unwrap().count, 400);
    let of_36 = Numbers::of_36();
    let slow_36 = after(2, &[of_36, of_36.slow_watchers(3, 200_000), of_36]);
    assert_eq!(sends(&slow_36), None, "not before 3.7");
    for harmless in [
        others.slow_watchers(3, 90_000),
        others.slow_watchers(0, 200_000),
    ] {
        assert_eq!(roots(&after(2, &[others, harmless, others])), "");
    }
}

#[test]
fn failing_requests_count_where_there_are_enough_of_them() {
    let others = Numbers::quick();
    let failing = after(10, &[others, others.faults(20), others]);
    assert_eq!(roots(&failing), "RequestsFailing n2");
    let few = after(10, &[others, others.faults(5), others]);
    assert_eq!(roots(&few), "", "2.5 %");
    let quiet = Numbers::idle().faults(3);
    assert_eq!(roots(&after(10, &[quiet; 3])), "", "0.6 per second");
    let mut watch = Watch::default();
    let learner = |cycle| scene(cycle, &[others, others, others.faults(50)]).last_is_learner();
    watch.see(learner(0));
    let snapshot = watch.see(learner(1));
    assert_eq!(
        class(&snapshot, rule::REQUESTS_FAILING, "n3"),
        UnknownClass::NotServed
    );
}

#[test]
fn slow_writes_are_told_by_the_best_source_there_is() {
    let others = Numbers::quick();
    let slow = after(10, &[others, others.writes(0.5), others]);
    assert_eq!(roots(&slow), "RequestsSlow n2");
    let basic = after(10, &[Numbers::of_36(); 3]);
    assert_eq!(
        class(&basic, rule::REQUESTS_SLOW, "n1"),
        UnknownClass::MetricsBasic
    );
    let extensive = after(10, &[Numbers::of_36().grpc(0.5); 3]);
    assert_eq!(
        roots(&extensive),
        "RequestsSlow n1, RequestsSlow n2, RequestsSlow n3"
    );
    let disk = after(10, &[others, others.writes(0.5).fsync(0.128), others]);
    assert_eq!(roots(&disk), "MemberDiskSlow n2");
    assert_eq!(explained(&disk), "WalFsyncSlow n2, RequestsSlow n2");
}

#[test]
fn slow_reads_of_our_own_are_told_unless_the_monitor_was_late() {
    let slow_reads = |cycle| {
        let read = |probe: &mut Option<etcd_monitor_model::Probe<_>>| {
            if let Some(probe) = probe {
                probe.took_seconds = 0.4;
            }
        };
        scene(cycle, &[Numbers::quick(); 3]).edit(3, |seen| read(&mut seen.read_linearizable))
    };
    let mut watch = Watch::default();
    for cycle in 0..25 {
        watch.see(slow_reads(cycle));
    }
    assert_eq!(roots(&watch.see(slow_reads(25))), "RequestsSlow n3");
    let late = watch.see(slow_reads(26).late());
    assert_eq!(
        class(&late, rule::REQUESTS_SLOW, "n3"),
        UnknownClass::MonitorLate
    );
}

#[test]
fn a_member_that_went_down_explains_what_its_clients_met_at_first() {
    let others = Numbers::quick();
    let failing = [others.faults(20), others.faults(20), others];
    let mut watch = Watch::default();
    watch_on(&mut watch, 3, &failing);
    let down = |cycle| scene(cycle, &failing).fails(3, etcd_monitor_model::FailureKind::Refused);
    watch.see(down(4));
    let snapshot = watch.see(down(5));
    assert_eq!(roots(&snapshot), "MemberDown n3");
    assert_eq!(
        explained(&snapshot),
        "RequestsFailing n1, RequestsFailing n2"
    );
    for cycle in 6..70 {
        watch.see(down(cycle));
    }
    let later = watch.see(down(70));
    assert_eq!(
        roots(&later),
        "MemberDown n3, RequestsFailing n1, RequestsFailing n2",
        "after the window it is something else"
    );
}

#[test]
fn open_files_near_the_limit_are_told_and_a_limit_of_none_is_unknown() {
    let others = Numbers::quick();
    let near = after(1, &[others, others.open_fds(900, 1_024), others]);
    assert_eq!(roots(&near), "FileDescriptorsNearLimit n2");
    let none = after(1, &[others, others.open_fds(900, 0), others]);
    assert_eq!(
        status(&none, rule::FILE_DESCRIPTORS_NEAR_LIMIT, "n2"),
        "unknown"
    );
}

#[test]
fn a_rolling_restart_explains_what_clients_meet_meanwhile() {
    let failing = [
        Numbers::quick().faults(30),
        Numbers::quick(),
        Numbers::quick(),
    ];
    let started = |cycle: u64, second: u64, third: u64| {
        [0, second, third].into_iter().enumerate().fold(
            scene(cycle, &failing),
            |scene, (member, start)| {
                scene.edit(member + 1, |seen| {
                    let page = seen
                        .metrics
                        .as_mut()
                        .and_then(|probe| probe.result.as_mut().ok());
                    let start = 1_699_000_000.0 + start as f64;
                    page.unwrap().process.start_time_seconds = Some(start);
                })
            },
        )
    };
    let mut watch = Watch::default();
    for cycle in 0..4 {
        watch.see(started(cycle, 0, 0));
    }
    watch.see(started(4, 900_000, 0));
    let snapshot = watch.see(started(5, 900_000, 900_100));
    assert_eq!(status(&snapshot, rule::ROLLING_RESTART, "test"), "true");
    let found = finding(&snapshot, rule::REQUESTS_FAILING, "n1");
    let root = found.caused_by.as_ref().map(|key| key.rule.as_str());
    assert_eq!(
        (found.status.is_true(), root),
        (true, Some(rule::ROLLING_RESTART))
    );
}

/// No number of a member is negative, infinite or none; shares lie between 0 and 1.
pub(super) fn check_rates(member: &MemberSnapshot) {
    fn walk(value: &serde_json::Value, path: &str) {
        match value {
            serde_json::Value::Number(number) => {
                let number = number.as_f64().unwrap();
                assert!(number >= 0.0, "{path} is {number}");
                let share = path.ends_with("server_fault_share");
                assert!(!share || number <= 1.0, "{path} is {number}");
            }
            serde_json::Value::Object(object) => {
                for (key, value) in object {
                    walk(value, &format!("{path}.{key}"));
                }
            }
            serde_json::Value::Array(values) => {
                for value in values {
                    walk(value, path);
                }
            }
            _ => {}
        }
    }
    // JSON has no infinity, so what is infinite would be null; the debug text shows it.
    let text = format!("{:?}", member.metrics);
    assert!(!text.contains("inf") && !text.contains("NaN"), "{text}");
    walk(&serde_json::to_value(&member.metrics).unwrap(), "metrics");
}
