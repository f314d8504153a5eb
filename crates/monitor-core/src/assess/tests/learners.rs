//! Learners that come along, that do not, and that nobody promotes.

use etcd_monitor_model::FailureKind::Refused;
use etcd_monitor_model::{Severity, Snapshot, rule};

use super::scene::{Scene, Watch, finding, roots, status_of};

/// `n3` is a learner that has applied so much of what the leader has committed.
fn learner(applied: u64, committed: u64) -> Scene {
    Scene::of(3)
        .last_is_learner()
        .status(1, |status| status.raft_index = committed)
        .status(3, |status| status.raft_applied_index = Some(applied))
}

fn share(snapshot: &Snapshot) -> f64 {
    snapshot.members[2].learner.unwrap().share
}

#[test]
fn a_learner_that_comes_along_is_shown_with_its_speed_and_when_it_is_ready() {
    let mut watch = Watch::default();
    let first = watch.see(learner(100, 1_000));
    assert_eq!(first.members[2].learner.unwrap().entries_per_second, None);
    let snapshot = watch.see(learner(200, 1_000));
    let progress = snapshot.members[2].learner.unwrap();
    assert_eq!(
        (progress.share, progress.entries_per_second),
        (0.2, Some(20.0))
    );
    assert_eq!(
        progress.ready_in_seconds,
        Some(35.0),
        "700 entries at 20 per second"
    );
    assert_eq!(roots(&snapshot), "");
    assert_eq!(snapshot.members[0].learner, None, "a voter learns nothing");
}

#[test]
fn a_learner_that_applies_nothing_for_five_minutes_is_stuck() {
    let mut watch = Watch::default();
    watch.see(learner(100, 1_000));
    watch.second += 290;
    let early = watch.see(learner(100, 1_000));
    assert_eq!(status_of(&early, rule::LEARNER_STUCK), "false");
    let stuck = watch.see(learner(100, 1_000));
    assert_eq!(roots(&stuck), "LearnerStuck n3");
    let told = finding(&stuck, rule::LEARNER_STUCK, "n3");
    assert!(
        told.cause.contains("nothing for 300 s, at 10 %"),
        "{}",
        told.cause
    );
    let moving = watch.see(learner(101, 1_000));
    assert_eq!(roots(&moving), "");
}

#[test]
fn a_learner_that_is_slower_than_the_cluster_is_stuck_after_half_an_hour() {
    let mut watch = Watch::default();
    let mut snapshot = watch.see(learner(100, 1_000));
    for minute in 1..=30 {
        watch.second += 55;
        assert_eq!(roots(&snapshot), "", "minute {minute}");
        snapshot = watch.see(learner(100 + minute, 1_000 + 10 * minute));
    }
    let told = finding(&snapshot, rule::LEARNER_STUCK, "n3");
    assert!(
        told.cause
            .contains("after 30 min (it does not come nearer)"),
        "{}",
        told.cause
    );
}

#[test]
fn a_learner_that_was_away_is_not_stuck_when_it_returns() {
    let mut watch = Watch::default();
    watch.see(learner(100, 1_000));
    watch.second += 400;
    let away = watch.see(learner(100, 1_000).fails(3, Refused));
    assert_eq!(
        finding(&away, rule::LEARNER_STUCK, "n3").status.as_str(),
        "unknown"
    );
    assert_eq!(roots(&watch.see(learner(100, 1_000))), "");
}

#[test]
fn a_learner_that_nobody_promotes_is_told_and_after_half_an_hour_a_warning() {
    let mut watch = Watch::default();
    let ready = watch.see(learner(950, 1_000));
    let told = finding(&ready, rule::LEARNER_NOT_PROMOTED, "n3");
    assert_eq!(
        (told.status.as_str(), told.severity),
        ("true", Severity::Info)
    );
    assert_eq!(told.action, "`etcdctl member promote a3`");
    watch.second += 1_795;
    let late = watch.see(learner(950, 1_000));
    let told = finding(&late, rule::LEARNER_NOT_PROMOTED, "n3");
    assert_eq!(told.severity, Severity::Warning);
    assert_eq!(
        roots(&late),
        "LearnerNotPromoted n3",
        "an idle cluster leaves it where it is"
    );
    let promoted = watch.see(Scene::of(3));
    assert_eq!(status_of(&promoted, rule::LEARNER_NOT_PROMOTED), "false");
    assert_eq!(status_of(&promoted, rule::LEARNER_STUCK), "false");
}

#[test]
fn ninety_percent_is_ready_and_less_is_not() {
    let ready = |applied| Watch::default().see(learner(applied, 1_000));
    let told = |snapshot: &Snapshot| {
        finding(snapshot, rule::LEARNER_NOT_PROMOTED, "n3")
            .status
            .is_true()
    };
    assert!(told(&ready(900)));
    assert!(!told(&ready(899)));
}

#[test]
fn the_metric_stands_in_where_status_lags_after_a_snapshot() {
    let scene = learner(0, 1_000).page(3, "etcd_server_proposals_applied_total 990\n");
    assert!((share(&Watch::default().see(scene)) - 0.99).abs() < 1e-9);
    let absurd = learner(500, 1_000).page(3, "etcd_server_proposals_applied_total -3\n");
    assert!((share(&Watch::default().see(absurd)) - 0.5).abs() < 1e-9);
}

#[test]
fn indexes_at_their_limits_do_no_harm() {
    assert!((share(&Watch::default().see(learner(u64::MAX, 0))) - 1.0).abs() < 1e-9);
    assert!(share(&Watch::default().see(learner(0, u64::MAX))) < 1e-9);
}
