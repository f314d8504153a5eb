//! Numbers that are missing, impossible, or from another time.

use etcd_monitor_model::{FailureKind, Snapshot, UnknownClass, rule};

use super::super::scene::{Scene, Watch, roots};
use super::pages::{Numbers, scene};
use super::{check_rates, class, status, watch_on};

#[test]
fn a_page_that_was_not_read_makes_unknown_what_stands_on_it() {
    let mut watch = Watch::default();
    watch_on(&mut watch, 10, &[Numbers::quick().fsync(0.064); 3]);
    let unread = scene(11, &[Numbers::quick(); 3]).edit(2, |seen| {
        seen.metrics = super::super::scene::failed(FailureKind::TimedOut);
    });
    let snapshot = watch.see(unread);
    for rule in [
        rule::WAL_FSYNC_SLOW,
        rule::MEMBER_DISK_SLOW,
        rule::SLOW_WATCHERS,
        rule::REQUESTS_FAILING,
        rule::FILE_DESCRIPTORS_NEAR_LIMIT,
    ] {
        assert_eq!(
            class(&snapshot, rule, "n2"),
            UnknownClass::MetricsUnread,
            "{rule}"
        );
    }
    let bare = super::super::scene::after_healthy(Scene::of(3));
    assert_eq!(
        class(&bare, rule::WAL_FSYNC_SLOW, "n1"),
        UnknownClass::MetricAbsent
    );
}

/// A leader that stalls and fails proposals until its page, or all of it, is gone.
fn stalled_and_then(gone: impl Fn(Scene) -> Scene) -> Snapshot {
    let others = Numbers::quick();
    let numbers = [
        others.late_heartbeats(2).failed_proposals(30),
        others,
        others,
    ];
    let mut watch = Watch::default();
    let stalling = watch_on(&mut watch, 12, &numbers);
    for (rule, subject) in [
        (rule::HEARTBEATS_LATE, "n1"),
        (rule::WRITE_OVERLOAD, "test"),
    ] {
        assert_eq!(status(&stalling, rule, subject), "true", "{rule}");
    }
    watch.see(gone(scene(13, &numbers)))
}

#[test]
fn what_a_leader_counted_before_its_page_was_gone_says_nothing_of_now() {
    let unread = stalled_and_then(|scene| {
        scene.edit(1, |seen| {
            seen.metrics = super::super::scene::failed(FailureKind::TimedOut);
        })
    });
    for (rule, subject) in [
        (rule::HEARTBEATS_LATE, "n1"),
        (rule::WRITE_OVERLOAD, "test"),
    ] {
        assert_eq!(
            class(&unread, rule, subject),
            UnknownClass::MetricsUnread,
            "{rule}"
        );
    }
    let led_by_another =
        stalled_and_then(|scene| scene.led_by(Some(2), 3).fails(1, FailureKind::Refused));
    assert_eq!(
        status(&led_by_another, rule::WRITE_OVERLOAD, "test"),
        "false"
    );
}

#[test]
fn stalls_and_failing_writes_are_told_at_long_intervals_too() {
    let others = Numbers::quick();
    let numbers = [
        others.late_heartbeats(2).failed_proposals(30),
        others,
        others,
    ];
    for interval in [20, 30, 60, 600, 3_600] {
        let mut watch = Watch::default();
        watch.interval = interval;
        watch.see(scene(0, &numbers));
        let short = watch.see(scene(1, &numbers));
        for (rule, subject) in [
            (rule::HEARTBEATS_LATE, "n1"),
            (rule::WRITE_OVERLOAD, "test"),
        ] {
            assert_eq!(
                class(&short, rule, subject),
                UnknownClass::NotEnoughData,
                "{rule} at {interval} s"
            );
        }
        for cycle in 2..20 {
            // Pages come a little early and a little late.
            watch.second += [-2, 3, -1][(cycle % 3) as usize];
            let snapshot = watch.see(scene(cycle, &numbers));
            for (rule, subject) in [
                (rule::HEARTBEATS_LATE, "n1"),
                (rule::WRITE_OVERLOAD, "test"),
            ] {
                assert_eq!(
                    status(&snapshot, rule, subject),
                    "true",
                    "{rule} at {interval} s in cycle {cycle}"
                );
            }
            let metrics = &snapshot.members[0].metrics;
            assert!(metrics.requests.per_second.is_some(), "{interval} s");
            let fsync = metrics.disk.wal_fsync.as_ref();
            assert!(fsync.is_some_and(|it| it.count > 0), "{interval} s");
        }
    }
}

#[test]
fn a_restart_makes_no_negative_rate_and_no_verdict_from_before_it() {
    let mut watch = Watch::default();
    watch_on(
        &mut watch,
        10,
        &[Numbers::quick().fsync(0.064).faults(50); 3],
    );
    let restarted = watch.see(scene(0, &[Numbers::quick(); 3]));
    for member in &restarted.members {
        check_rates(member);
        assert_eq!(member.metrics.requests.per_second, None);
    }
    assert_eq!(
        class(&restarted, rule::WAL_FSYNC_SLOW, "n1"),
        UnknownClass::NotEnoughData
    );
    assert_eq!(
        class(&restarted, rule::REQUESTS_FAILING, "n1"),
        UnknownClass::NotEnoughData
    );
}

#[test]
fn a_number_that_cannot_be_is_unknown_alone() {
    let mut watch = Watch::default();
    watch_on(&mut watch, 10, &[Numbers::quick(); 3]);
    for wrong in ["1e300", "1e308", "NaN", "+Inf", "-7"] {
        let cycle = watch.second.unsigned_abs() / 5;
        let text = format!("process_cpu_seconds_total {wrong}\nprocess_open_fds {wrong}\n");
        let garbled = scene(cycle, &[Numbers::quick(); 3]).edit(1, |seen| {
            let page = seen
                .metrics
                .as_mut()
                .and_then(|probe| probe.result.as_mut().ok());
            page.unwrap().process = super::super::scene::page(&text).process;
        });
        let snapshot = watch.see(garbled);
        check_rates(&snapshot.members[0]);
        let metrics = &snapshot.members[0].metrics;
        assert_eq!(metrics.process.cpu_cores, None, "{wrong}");
        assert_eq!(metrics.requests.per_second, Some(40.0), "{wrong}");
        assert_eq!(
            status(&snapshot, rule::WAL_FSYNC_SLOW, "n1"),
            "false",
            "{wrong}"
        );
    }
}

#[test]
fn after_a_clock_that_jumped_nothing_is_said_until_two_pages_are_there() {
    for jump in [-3_600, 86_400] {
        let mut watch = Watch::default();
        watch_on(
            &mut watch,
            10,
            &[Numbers::quick().fsync(0.064).faults(50); 3],
        );
        watch.second += jump;
        let jumped = watch.see(scene(11, &[Numbers::quick().fsync(0.064).faults(50); 3]));
        assert_eq!(
            class(&jumped, rule::WAL_FSYNC_SLOW, "n1"),
            UnknownClass::NotEnoughData
        );
        assert_eq!(
            class(&jumped, rule::REQUESTS_FAILING, "n1"),
            UnknownClass::NotEnoughData
        );
        check_rates(&jumped.members[0]);
        let next = watch.see(scene(12, &[Numbers::quick().fsync(0.064).faults(50); 3]));
        assert_eq!(
            next.members[0].metrics.requests.per_second,
            Some(40.0),
            "{jump}"
        );
    }
}

#[test]
fn a_member_of_another_cluster_has_no_share_in_the_load() {
    let numbers = [
        Numbers::quick(),
        Numbers::quick(),
        Numbers::quick().pending(5_000).fsync(1.0),
    ];
    let foreign = |cycle| {
        scene(cycle, &numbers)
            .status(3, |status| {
                status.cluster_id = etcd_monitor_model::ClusterId(7);
            })
            .edit(3, |seen| seen.members_serializable = None)
    };
    let mut watch = Watch::after_healthy(3);
    for cycle in 0..12 {
        watch.see(foreign(cycle));
    }
    let snapshot = watch.see(foreign(12));
    assert_eq!(roots(&snapshot), "ClusterIdMismatch test");
    assert_eq!(status(&snapshot, rule::WRITE_OVERLOAD, "test"), "false");
}
