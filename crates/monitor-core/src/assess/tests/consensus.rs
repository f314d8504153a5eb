//! Leaders, terms and elections.

use etcd_monitor_model::FailureKind::Refused;
use etcd_monitor_model::{MemberRole, rule};

use super::scene::{Scene, Watch, after_healthy, finding, id, roots, status_of};

#[test]
fn a_killed_leader_is_succeeded_and_the_change_is_told() {
    let mut watch = Watch::after_healthy(3);
    let during = watch.see(
        Scene::of(3)
            .fails(1, Refused)
            .led_by(None, 3)
            .without_quorum_reads(),
    );
    assert_eq!(during.leader, None);
    assert!(roots(&during).contains("NoLeader"));

    let after = watch.see(Scene::of(3).fails(1, Refused).led_by(Some(2), 3));
    let leader = after.leader.unwrap();
    assert_eq!(
        (leader.id, leader.name.as_str(), leader.term),
        (id(2), "n2", 3)
    );
    assert_eq!(leader.since, after.at);
    assert_eq!(after.leader_changes, Some(1));
    let change = after.leader_history.last().unwrap();
    assert_eq!(
        (change.from, change.to, change.term),
        (Some(id(1)), id(2), 3)
    );

    let back = watch.see(Scene::of(3).led_by(Some(2), 3));
    assert_eq!(back.leader.unwrap().since, after.at);
    assert_eq!(back.leader_changes, Some(1));
    let roles: Vec<MemberRole> = back.members.iter().map(|member| member.role).collect();
    let expected = [
        MemberRole::Follower,
        MemberRole::Leader,
        MemberRole::Follower,
    ];
    assert_eq!(roles, expected);
}

#[test]
fn a_change_says_how_long_there_was_no_leader_at_most_and_how_the_term_rose() {
    let mut watch = Watch::after_healthy(3);
    watch.see(Scene::of(3).led_by(None, 4));
    watch.see(Scene::of(3).led_by(None, 5));
    let snapshot = watch.see(Scene::of(3).led_by(Some(3), 6));
    let change = snapshot.leader_history.last().unwrap();
    assert_eq!(change.term_rise, Some(4));
    assert_eq!(change.leaderless_max_seconds, Some(15.0));

    let stored = serde_json::to_string(&watch.state).unwrap();
    watch.state = serde_json::from_str(&stored).unwrap();
    watch.second += 3_000;
    let restarted = watch.see(Scene::of(3).led_by(Some(1), 7));
    let change = restarted.leader_history.last().unwrap();
    assert_eq!(change.term_rise, Some(1));
    assert_eq!(change.leaderless_max_seconds, None, "nobody watched");
}

#[test]
fn the_first_leader_seen_is_no_change() {
    let snapshot = Watch::default().see(Scene::of(3));
    assert_eq!(snapshot.leader_changes, Some(0));
    assert!(snapshot.leader_history.is_empty());
}

#[test]
fn elections_are_counted_by_term_and_too_many_are_a_finding() {
    let mut watch = Watch::after_healthy(3);
    let three = watch.see(Scene::of(3).led_by(Some(1), 5));
    assert_eq!(three.leader_changes, Some(3));
    assert_eq!(status_of(&three, rule::FREQUENT_ELECTIONS), "false");
    let four = watch.see(Scene::of(3).led_by(Some(2), 6));
    assert_eq!(roots(&four), "FrequentElections test");
    watch.second += 3_700;
    let later = watch.see(Scene::of(3).led_by(Some(2), 6));
    assert_eq!(status_of(&later, rule::FREQUENT_ELECTIONS), "false");
}

#[test]
fn one_member_without_a_leader_is_no_cluster_without_one() {
    let lone = |status: &mut etcd_monitor_model::MemberStatus| {
        status.leader = None;
        status.raft_term = 9;
    };
    let snapshot = after_healthy(Scene::of(3).status(3, lone));
    assert_eq!(status_of(&snapshot, rule::NO_LEADER), "false");
    let leader = snapshot.leader.unwrap();
    assert_eq!(
        (leader.id, leader.term),
        (id(1), 2),
        "a candidate nobody follows deposes nobody"
    );
}

#[test]
fn a_linearizable_read_proves_a_leader() {
    let snapshot = after_healthy(Scene::of(3).led_by(None, 3));
    assert_eq!(status_of(&snapshot, rule::NO_LEADER), "false");
}

#[test]
fn a_deposed_leader_of_an_older_term_is_not_believed() {
    let deposed = |status: &mut etcd_monitor_model::MemberStatus| {
        status.leader = Some(id(1));
        status.raft_term = 2;
    };
    let split = Scene::of(3).led_by(Some(2), 3).status(1, deposed);
    assert_eq!(after_healthy(split).leader.unwrap().id, id(2));

    let mut watch = Watch::after_healthy(3);
    watch.see(Scene::of(3).led_by(Some(2), 3));
    let alone = watch.see(
        Scene::of(3)
            .fails(2, Refused)
            .fails(3, Refused)
            .without_quorum_reads(),
    );
    assert_eq!(alone.leader, None, "who leads in term 3 is not known");
    assert_eq!(alone.leader_changes, Some(1));
    let again = watch.see(Scene::of(3).led_by(Some(2), 3));
    assert_eq!(again.leader.unwrap().since, super::scene::at(10));
}

#[test]
fn while_most_elect_the_last_follower_of_the_old_leader_is_outvoted() {
    let electing = |status: &mut etcd_monitor_model::MemberStatus| {
        status.leader = None;
        status.raft_term = 3;
    };
    let scene = Scene::of(3).status(2, electing).status(3, electing);
    let snapshot = after_healthy(scene.without_quorum_reads());
    assert_eq!(
        (snapshot.leader.clone(), roots(&snapshot).as_str()),
        (None, "NoLeader test")
    );
}

#[test]
fn terms_that_began_anew_are_followed_when_a_read_proves_them() {
    let mut watch = Watch::after_healthy(3);
    watch.see(Scene::of(3).led_by(Some(3), 40));
    let restored = watch.see(Scene::of(3).led_by(Some(2), 2));
    let leader = restored.leader.unwrap();
    assert_eq!((leader.id, leader.term), (id(2), 2));
    assert_eq!(
        restored.leader_changes,
        Some(38),
        "a restore is no election"
    );
}

#[test]
fn extreme_terms_do_no_harm() {
    let mut watch = Watch::after_healthy(3);
    let extreme = watch.see(Scene::of(3).led_by(Some(2), u64::MAX));
    assert_eq!(extreme.leader_changes, Some(u64::MAX - 2));
    assert_eq!(
        finding(&extreme, rule::FREQUENT_ELECTIONS, "test")
            .status
            .as_str(),
        "true"
    );
    let sane = watch.see(Scene::of(3).led_by(Some(1), 3));
    assert_eq!(sane.leader.unwrap().term, 3);
}
