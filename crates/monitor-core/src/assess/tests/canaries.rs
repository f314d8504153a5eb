//! What the canary showed: writes that fail, watches that are late, and a canary that is off.

use etcd_monitor_model::FailureKind::{NoLeader, Other, PermissionDenied, Refused, TimedOut};
use etcd_monitor_model::{Alarm, AlarmKind, CanaryEvent, CanaryReading, FailureKind, Probe, rule};

use super::scene::{
    Scene, Watch, after_healthy, at, at_first_sight, explained, failed, finding, id, ok, roots,
    status_of,
};

/// A canary whose events came so many seconds after the write began; a negative number: not at all.
fn told(scene: Scene, seconds: &[f64]) -> Scene {
    let events = seconds.iter().enumerate().map(|(index, seconds)| {
        let mut event: Probe<()> = if *seconds < 0.0 {
            failed(TimedOut).unwrap()
        } else {
            ok(()).unwrap()
        };
        event.took_seconds = seconds.abs();
        CanaryEvent {
            endpoint: format!("http://n{}:2379", index + 1),
            event,
        }
    });
    let reading = CanaryReading {
        events: events.collect(),
        ..reading(ok(()))
    };
    Scene {
        canary: Some(reading),
        ..scene
    }
}

fn reading(put: Option<Probe<()>>) -> CanaryReading {
    CanaryReading {
        key: "canary".to_owned(),
        through: "http://n1:2379".to_owned(),
        interval_seconds: 10.0,
        put: put.unwrap(),
        events: Vec::new(),
    }
}

fn write_fails(scene: Scene, kind: FailureKind) -> Scene {
    Scene {
        canary: Some(reading(failed(kind))),
        ..scene
    }
}

#[test]
fn a_canary_that_is_off_tells_nothing() {
    let snapshot = at_first_sight(Scene::of(3));
    for rule in [rule::CANARY_WRITE_FAILING, rule::WATCH_LATE] {
        assert_eq!(status_of(&snapshot, rule), "unknown");
    }
    assert_eq!((snapshot.canary, snapshot.cost.canary_writes), (None, 0));
}

#[test]
fn a_timely_canary_is_silent_and_measures_the_writes() {
    let mut watch = Watch::default();
    let snapshot = watch.see(told(Scene::of(3), &[0.003, 0.004, 0.9]));
    for rule in [rule::CANARY_WRITE_FAILING, rule::WATCH_LATE] {
        assert_eq!(status_of(&snapshot, rule), "false");
    }
    let latencies = snapshot
        .members
        .iter()
        .map(|member| member.counters.unwrap().write_p99_seconds);
    assert_eq!(latencies.collect::<Vec<_>>(), [Some(0.002), None, None]);
    assert_eq!(snapshot.canary.unwrap().write_latency.unwrap().count, 1);
    assert_eq!(snapshot.cost.canary_writes, 1);
    let between = watch.see(Scene::of(3));
    assert_eq!(
        status_of(&between, rule::WATCH_LATE),
        "false",
        "10 s have not passed"
    );
    watch.second += 100;
    assert_eq!(
        status_of(&watch.see(Scene::of(3)), rule::WATCH_LATE),
        "unknown"
    );
}

#[test]
fn a_watch_that_is_late_or_silent_is_told_with_what_waits_on_the_member() {
    let page =
        "etcd_debugging_mvcc_slow_watcher_total 7\netcd_debugging_mvcc_pending_events_total 9\n";
    for (seconds, words) in [(1.7, "tells 1.7 s late"), (-2.0, "more than 2.0 s late")] {
        let scene = told(Scene::of(3), &[0.003, seconds, 0.004]).page(2, page);
        let snapshot = after_healthy(scene);
        assert_eq!(roots(&snapshot), "WatchLate n2");
        let found = finding(&snapshot, rule::WATCH_LATE, "n2");
        assert!(
            found.cause.contains(words) && found.cause.contains("2 of 2 other"),
            "{}",
            found.cause
        );
        assert_eq!(found.evidence.len(), 3);
    }
}

#[test]
fn a_slow_write_is_no_late_watch() {
    let mut scene = told(Scene::of(3), &[1.9, 1.9, 1.9]);
    scene.canary.as_mut().unwrap().put.took_seconds = 1.9;
    assert_eq!(roots(&at_first_sight(scene)), "");
}

#[test]
fn a_late_monitor_calls_no_watch_late_and_no_write_failing() {
    let late = at_first_sight(told(Scene::of(3), &[0.003, 1.9, 0.004]).late());
    assert_eq!(
        finding(&late, rule::WATCH_LATE, "n2").status.as_str(),
        "unknown"
    );
    let late = at_first_sight(write_fails(Scene::of(3), TimedOut).late());
    assert_eq!(status_of(&late, rule::CANARY_WRITE_FAILING), "unknown");
}

#[test]
fn a_member_without_a_watch_and_a_watch_that_broke_are_unknown() {
    let learner = told(Scene::of(3), &[0.003, 0.004]);
    let snapshot = at_first_sight(learner);
    assert_eq!(
        finding(&snapshot, rule::WATCH_LATE, "n3").status.as_str(),
        "unknown"
    );
    let mut broken = told(Scene::of(3), &[0.003, 0.004, 0.004]);
    for event in &mut broken.canary.as_mut().unwrap().events {
        event.event = failed(Refused).unwrap();
    }
    assert_eq!(
        status_of(&at_first_sight(broken), rule::WATCH_LATE),
        "unknown"
    );
}

#[test]
fn a_write_that_fails_is_told_unless_the_user_may_not_write() {
    let snapshot = at_first_sight(write_fails(Scene::of(3), Other));
    assert_eq!(roots(&snapshot), "CanaryWriteFailing test");
    let snapshot = at_first_sight(write_fails(Scene::of(3), PermissionDenied));
    assert_eq!(status_of(&snapshot, rule::CANARY_WRITE_FAILING), "unknown");
}

#[test]
fn what_explains_a_failing_write_is_named() {
    let alarm = Alarm {
        member: Some(id(1)),
        kind: AlarmKind::NoSpace,
    };
    let full = Scene::of(3).each(|seen| seen.alarms = ok(vec![alarm.clone()]));
    let lost = Scene::of(3)
        .fails(2, TimedOut)
        .fails(3, TimedOut)
        .without_quorum_reads();
    let leaderless = Scene::of(3).led_by(None, 3).without_quorum_reads();
    for (scene, root) in [
        (full, "AlarmNoSpace"),
        (lost, "QuorumLost"),
        (leaderless, "NoLeader"),
    ] {
        let snapshot = after_healthy(write_fails(scene, NoLeader));
        assert!(roots(&snapshot).starts_with(root), "{}", roots(&snapshot));
        assert!(
            explained(&snapshot).contains("CanaryWriteFailing test"),
            "{root}"
        );
    }
}

#[test]
fn times_that_are_none_are_survived() {
    for took in [f64::NAN, f64::INFINITY, -5.0] {
        let mut scene = told(Scene::of(3), &[0.003, 0.004, 0.005]);
        for event in &mut scene.canary.as_mut().unwrap().events {
            event.event.took_seconds = took;
        }
        scene.canary.as_mut().unwrap().put.took_seconds = took;
        scene.canary.as_mut().unwrap().put.at = at(1_000_000_000);
        let snapshot = at_first_sight(scene);
        assert_eq!(roots(&snapshot), "", "{took}");
        assert_eq!(snapshot.canary.unwrap().write_latency, None);
    }
}
