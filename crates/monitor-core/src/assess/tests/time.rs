//! The monitor's own time: late, restarted, or with a clock that jumps.

use etcd_monitor_model::FailureKind::{Refused, TimedOut, Tls};
use etcd_monitor_model::{Observation, Snapshot, rule};

use super::scene::{Scene, Watch, after_healthy, at, at_first_sight, finding, roots, status_of};
use crate::assess::{AssessState, Parameters, assess};

#[test]
fn a_late_monitor_blames_nobody() {
    let faults = [
        Scene::of(3).fails(2, TimedOut),
        Scene::of(3)
            .fails(2, Refused)
            .fails(3, TimedOut)
            .without_quorum_reads(),
        Scene::of(3).all_fail(TimedOut),
        Scene::of(3).all_fail(Tls),
        Scene::of(3).without_quorum_reads(),
    ];
    for scene in faults {
        for snapshot in [
            after_healthy(scene.clone().late()),
            at_first_sight(scene.late()),
        ] {
            assert_eq!(roots(&snapshot), "MonitorLate monitor");
            assert_ne!(snapshot.health.healthy, Some(false));
            assert!(
                snapshot
                    .members
                    .iter()
                    .all(|member| member.healthy != Some(false))
            );
            assert!(
                snapshot
                    .members
                    .iter()
                    .all(|member| member.linearizable != Some(false))
            );
            let available = snapshot.quorum.and_then(|quorum| quorum.available);
            assert!(available.is_none_or(|available| available == 3));
        }
    }
}

#[test]
fn what_a_late_monitor_did_see_stands() {
    let snapshot = after_healthy(Scene::of(3).late());
    assert_eq!(roots(&snapshot), "MonitorLate monitor");
    assert_eq!(snapshot.health.healthy, Some(true));
    assert_eq!(snapshot.quorum.unwrap().tolerance, Some(1));
}

#[test]
fn silence_while_late_is_not_the_first_silent_cycle() {
    let heard = |scene: Scene, bytes: u32| {
        scene.page(
            1,
            &format!("etcd_network_peer_received_bytes_total{{From=\"a3\"}} {bytes}\n"),
        )
    };
    let mut watch = Watch::default();
    watch.see(heard(Scene::of(3).fails(3, TimedOut).late(), 100));
    let first = watch.see(heard(Scene::of(3).fails(3, TimedOut), 200));
    assert_eq!(roots(&first), "MemberDown n3");
}

#[test]
fn since_is_when_the_status_began() {
    let mut watch = Watch::after_healthy(3);
    let down = || Scene::of(3).fails(2, Refused);
    let since = |snapshot: &Snapshot| finding(snapshot, rule::MEMBER_DOWN, "n2").since;
    assert_eq!(since(&watch.see(down())), at(10));
    assert_eq!(since(&watch.see(down())), at(10));
    assert_eq!(since(&watch.see(Scene::of(3))), at(20));
    assert_eq!(since(&watch.see(down())), at(25));
    watch.second -= 1_000;
    let back = watch.see(down());
    assert_eq!(since(&back), back.at, "nothing began in the future");
    let on = watch.see(down());
    assert_eq!(since(&on), back.at);
}

#[test]
fn a_restored_state_keeps_since_elections_and_the_leader() {
    let mut watch = Watch::after_healthy(3);
    watch.see(Scene::of(3).led_by(Some(2), 6).fails(3, Refused));
    let saved = serde_json::to_string(&watch.state).unwrap();
    let restored: AssessState = serde_json::from_str(&saved).unwrap();
    assert_eq!(restored.members().map(<[_]>::len), Some(3));
    watch.state = restored;
    let snapshot = watch.see(Scene::of(3).led_by(Some(2), 6).fails(3, Refused));
    assert_eq!(finding(&snapshot, rule::MEMBER_DOWN, "n3").since, at(10));
    assert_eq!(snapshot.leader.as_ref().unwrap().since, at(10));
    assert_eq!(snapshot.leader_changes, Some(4));
    assert_eq!(status_of(&snapshot, rule::FREQUENT_ELECTIONS), "true");
    assert_eq!(snapshot.leader_history.len(), 1);
}

#[test]
fn what_went_away_is_remembered_with_its_age() {
    let mut watch = Watch::after_healthy(3);
    let down = watch.see(Scene::of(3).all_fail(Refused));
    assert_eq!(down.last_answer_at, Some(at(5)));
    let member = &down.members[1];
    assert_eq!(member.last_answer_at, Some(at(5)));
    assert_eq!(member.version.as_deref(), Some("3.7.3"));
    assert_eq!((member.raft, member.database), (None, None));
}

#[test]
fn the_same_input_gives_the_same_snapshot_and_a_recording_replays() {
    let page = "etcd_disk_wal_fsync_duration_seconds_bucket{le=\"+Inf\"} 3\n\
                etcd_disk_wal_fsync_duration_seconds_bucket{le=\"0.001\"} 1\n";
    let scenes = [
        Scene::of(3).page(1, page),
        Scene::of(3).fails(1, Refused).led_by(Some(2), 3),
        Scene::of(3).all_fail(TimedOut),
        Scene::of(3).page(2, page).late(),
    ];
    let (mut direct, mut replayed) = (AssessState::default(), AssessState::default());
    let mut watch = Watch::default();
    for scene in scenes {
        watch.second += 5;
        let observation = watch.observation(scene);
        let written = serde_json::to_string(&observation).unwrap();
        let read: Observation = serde_json::from_str(&written).unwrap();
        assert_eq!(read, observation);
        let parameters = Parameters::default();
        assert_eq!(
            assess(&mut direct, &observation, &parameters),
            assess(&mut replayed, &read, &parameters)
        );
        assert_eq!(direct, replayed);
    }
}
