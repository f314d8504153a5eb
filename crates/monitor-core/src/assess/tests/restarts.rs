//! Why leaders changed, and restarts that are rolling ones.

use etcd_monitor_model::FailureKind::{Refused, TimedOut};
use etcd_monitor_model::{LeaderChange, LeaderChangeCause, Snapshot, rule};

use super::scene::{Scene, Watch, explained, finding, id, ok, page, roots, status_of};

/// What a leader's page says of its process, disk, heartbeats and links.
#[derive(Clone, Copy)]
struct Signs {
    start: u32,
    slow_fsyncs: u32,
    heartbeats: u32,
    disconnects: u32,
    defragments: u32,
}

const WELL: Signs = Signs {
    start: 1_000,
    slow_fsyncs: 3,
    heartbeats: 2,
    disconnects: 1,
    defragments: 0,
};

fn shows(scene: Scene, member: usize, signs: Signs) -> Scene {
    let text = format!(
        "process_start_time_seconds {}\n\
         etcd_server_heartbeat_send_failures_total {}\n\
         etcd_disk_defrag_inflight {}\n\
         etcd_network_disconnected_peers_total{{Local=\"a1\",Remote=\"a2\"}} {}\n\
         etcd_disk_wal_fsync_duration_seconds_bucket{{le=\"0.512\"}} 100\n\
         etcd_disk_wal_fsync_duration_seconds_bucket{{le=\"+Inf\"}} {}\n",
        signs.start,
        signs.heartbeats,
        signs.defragments,
        signs.disconnects,
        100 + signs.slow_fsyncs
    );
    scene.edit(member, |seen| seen.metrics = ok(page(&text)))
}

/// The change that is noted when `n1`, well before, shows this, and `n2` leads term 3.
fn change(after: Scene) -> LeaderChange {
    let mut watch = Watch::default();
    watch.see(shows(Scene::of(3), 1, WELL));
    let snapshot = watch.see(after);
    snapshot.leader_history.last().unwrap().clone()
}

fn elected() -> Scene {
    Scene::of(3).led_by(Some(2), 3)
}

#[test]
fn each_sign_of_the_old_leader_is_its_cause() {
    use LeaderChangeCause as Cause;
    let signs = [
        (
            Signs {
                start: 1_500,
                heartbeats: 0,
                slow_fsyncs: 0,
                ..WELL
            },
            Cause::ProcessRestart,
        ),
        (
            Signs {
                defragments: 1,
                heartbeats: 9,
                ..WELL
            },
            Cause::Defragmentation,
        ),
        (
            Signs {
                slow_fsyncs: 5,
                heartbeats: 9,
                ..WELL
            },
            Cause::DiskStall,
        ),
        (
            Signs {
                heartbeats: 9,
                ..WELL
            },
            Cause::Overload,
        ),
        (
            Signs {
                disconnects: 4,
                ..WELL
            },
            Cause::Network,
        ),
        (WELL, Cause::PlannedTransfer),
        (
            Signs {
                start: 1_001,
                ..WELL
            },
            Cause::PlannedTransfer,
        ),
    ];
    for (signs, cause) in signs {
        let change = change(shows(elected(), 1, signs));
        assert_eq!(change.cause, cause);
        assert_eq!(change.evidence.len(), 1);
    }
}

#[test]
fn a_silent_leader_ended_or_hangs() {
    let refused = change(elected().fails(1, Refused));
    assert_eq!(refused.cause, LeaderChangeCause::ProcessRestart);
    let silent = change(elected().fails(1, TimedOut));
    assert_eq!(silent.cause, LeaderChangeCause::Unresponsive);
    let late = change(elected().fails(1, TimedOut).late());
    assert_eq!(
        late.cause,
        LeaderChangeCause::Unknown,
        "a late monitor blames nobody"
    );
}

#[test]
fn a_leader_that_does_not_hear_of_its_successor_is_cut_off() {
    let old = shows(elected(), 1, WELL).status(1, |status| {
        status.leader = Some(id(1));
        status.raft_term = 2;
    });
    assert_eq!(change(old).cause, LeaderChangeCause::Network);
}

#[test]
fn what_is_not_known_is_no_planned_transfer() {
    assert_eq!(change(elected()).cause, LeaderChangeCause::Unknown);
    let jumped = shows(Scene::of(3).led_by(Some(2), 5), 1, WELL);
    assert_eq!(change(jumped).cause, LeaderChangeCause::Unknown);
    let again = shows(Scene::of(3).led_by(Some(1), 3), 1, WELL);
    assert_eq!(change(again).cause, LeaderChangeCause::Unknown);
}

#[test]
fn a_hung_leader_that_comes_back_as_another_process_was_restarted() {
    let mut watch = Watch::default();
    watch.see(shows(Scene::of(3), 1, WELL));
    watch.see(elected().fails(1, TimedOut));
    let same = watch.clone().see(shows(
        elected(),
        1,
        Signs {
            heartbeats: 50,
            ..WELL
        },
    ));
    assert_eq!(
        same.leader_history[0].cause,
        LeaderChangeCause::Unresponsive
    );
    let other = watch.see(shows(
        elected(),
        1,
        Signs {
            start: 1_500,
            ..WELL
        },
    ));
    assert_eq!(
        other.leader_history[0].cause,
        LeaderChangeCause::ProcessRestart
    );
}

#[test]
fn too_many_elections_name_their_causes() {
    let mut watch = Watch::default();
    let mut snapshot = watch.see(shows(Scene::of(3), 1, WELL));
    for term in 3..7 {
        let leader = 1 + usize::from(term % 2 == 1);
        let scene = Scene::of(3).led_by(Some(leader), term);
        snapshot = watch.see(scene.fails(3 - leader, TimedOut));
    }
    let told = finding(&snapshot, rule::FREQUENT_ELECTIONS, "test");
    assert!(
        told.cause.contains("4 by unresponsive leader"),
        "{}",
        told.cause
    );
    assert_eq!(told.evidence.len(), 9);
    let change = "n1 to n2 in term 3, which rose by 1; without a leader for 5 s at most";
    let told = told.evidence.iter();
    assert_eq!(told.filter(|seen| seen.value == change).count(), 1);
}

/// Three members whose processes started then.
fn started(starts: [u32; 3]) -> Scene {
    (1..=3).fold(Scene::of(3), |scene, member| {
        let start = starts[member - 1];
        shows(scene, member, Signs { start, ..WELL })
    })
}

fn rolls(snapshot: &Snapshot) -> &'static str {
    status_of(snapshot, rule::ROLLING_RESTART)
}

#[test]
fn members_that_restart_one_at_a_time_are_a_roll_that_explains_the_one_away() {
    let mut watch = Watch::default();
    watch.see(started([100; 3]));
    let first = watch.see(started([100; 3]).fails(1, Refused));
    assert_eq!(
        (rolls(&first), roots(&first).as_str()),
        ("false", "MemberDown n1")
    );
    assert_eq!(
        rolls(&watch.see(started([200, 100, 100]))),
        "false",
        "one restart is no roll"
    );
    let second = watch.see(started([200, 100, 100]).fails(2, Refused));
    assert_eq!(roots(&second), "RollingRestart test");
    assert_eq!(explained(&second), "MemberDown n2");
    assert_eq!(second.health.healthy, Some(true));
    let told = finding(&second, rule::ROLLING_RESTART, "test");
    assert!(told.cause.contains("n2 is away now"), "{}", told.cause);
    assert_eq!(rolls(&watch.see(started([200, 300, 100]))), "true");
    let third = watch.see(started([200, 300, 100]).fails(3, TimedOut));
    assert_eq!(explained(&third), "MemberDown n3");
    assert_eq!(
        roots(&watch.see(started([200, 300, 400]))),
        "RollingRestart test"
    );
    watch.second += 300;
    assert_eq!(rolls(&watch.see(started([200, 300, 400]))), "false");
}

#[test]
fn a_member_that_does_not_come_back_is_down_after_ten_minutes() {
    let mut watch = Watch::default();
    watch.see(started([100; 3]));
    watch.see(started([200, 100, 100]));
    let away = || started([200, 100, 100]).fails(2, Refused);
    assert_eq!(explained(&watch.see(away())), "MemberDown n2");
    watch.second += 590;
    assert_eq!(explained(&watch.see(away())), "MemberDown n2");
    watch.see(away());
    assert_eq!(roots(&watch.see(away())), "MemberDown n2");
}

#[test]
fn two_at_once_and_one_again_and_again_are_no_roll() {
    let mut both = Watch::default();
    both.see(started([100; 3]));
    assert_eq!(rolls(&both.see(started([200, 200, 100]))), "false");
    assert_eq!(
        rolls(&both.see(started([200, 200, 100]).fails(3, Refused))),
        "false"
    );

    let mut looping = Watch::default();
    looping.see(started([100; 3]));
    looping.see(started([200, 100, 100]));
    looping.see(started([300, 100, 100]));
    let down = looping.see(started([300, 100, 100]).fails(2, Refused));
    assert_eq!(roots(&down), "MemberDown n2");
}

#[test]
fn a_second_member_that_fails_during_a_roll_is_told() {
    let mut watch = Watch::default();
    watch.see(started([100; 3]));
    watch.see(started([200, 100, 100]));
    watch.see(started([200, 100, 100]).fails(2, Refused));
    let lost = started([200, 100, 100]).fails(2, Refused).fails(3, Refused);
    let snapshot = watch.see(lost.without_quorum_reads());
    assert!(
        roots(&snapshot).contains("QuorumLost test"),
        "{}",
        roots(&snapshot)
    );
    assert_eq!(rolls(&snapshot), "false");
}

#[test]
fn elections_of_a_roll_are_explained_and_count_no_more_when_it_is_over() {
    let mut watch = Watch::default();
    watch.see(started([100; 3]));
    let led = |starts, term| started(starts).led_by(Some(1), term);
    watch.see(led([200, 100, 100], 4));
    let rolling = watch.see(led([200, 300, 100], 7));
    assert_eq!(explained(&rolling), "FrequentElections test");
    watch.second += 400;
    let over = watch.see(led([200, 300, 100], 7));
    assert_eq!(status_of(&over, rule::FREQUENT_ELECTIONS), "false");
    let unrelated = watch.see(led([200, 300, 100], 11));
    assert_eq!(roots(&unrelated), "FrequentElections test");
}

#[test]
fn without_start_times_no_roll_is_known() {
    assert_eq!(rolls(&Watch::default().see(Scene::of(3))), "unknown");
}
