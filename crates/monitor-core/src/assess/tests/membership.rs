//! Who is in the cluster: by the list that a quorum confirms, and by what each member holds.

use etcd_monitor_model::FailureKind::{NoLeader, Refused, TimedOut};
use etcd_monitor_model::{ListedMember, MembershipView, Severity, Snapshot, rule};

use super::scene::{Scene, Watch, after_healthy, failed, finding, id, list, ok, roots, status_of};

/// What a monitor says after it has seen the scene for so many cycles.
fn after(cycles: usize, scene: &Scene) -> Snapshot {
    let mut watch = Watch::after_healthy(scene.members.len());
    for _ in 1..cycles {
        watch.see(scene.clone());
    }
    watch.see(scene.clone())
}

/// `n1` to `n3`, and one that was removed.
fn with_zombie() -> MembershipView {
    let mut zombie = list(3);
    zombie.members.push(ListedMember {
        id: id(9),
        name: "n9".to_owned(),
        client_urls: vec!["http://n9:2379".to_owned()],
        peer_urls: vec!["http://n9:2380".to_owned()],
        is_learner: false,
    });
    zombie
}

fn believes_in_zombie(member: usize) -> Scene {
    Scene::of(3).edit(member, |seen| {
        seen.members_serializable = ok(with_zombie());
        seen.members_linearizable = ok(with_zombie());
    })
}

#[test]
fn a_member_with_another_list_is_named_with_what_it_lists() {
    let scene = believes_in_zombie(3);
    let early = after(2, &scene);
    assert_eq!(roots(&early), "", "two cycles may span a change");
    let told = finding(&early, rule::MEMBERSHIP_MISMATCH, "n3");
    assert_eq!(told.status.as_str(), "unknown");

    let snapshot = after(3, &scene);
    assert_eq!(roots(&snapshot), "MembershipMismatch n3");
    let told = finding(&snapshot, rule::MEMBERSHIP_MISMATCH, "n3");
    assert!(
        told.cause.contains("n3 still lists n9 (a9)"),
        "{}",
        told.cause
    );
    assert_eq!(told.evidence.len(), 6, "each list of each member");
    let well = finding(&snapshot, rule::MEMBERSHIP_MISMATCH, "n1");
    assert_eq!(well.status.as_str(), "false");
}

#[test]
fn the_first_endpoint_is_not_believed_against_most() {
    assert_eq!(
        roots(&after(3, &believes_in_zombie(1))),
        "MembershipMismatch n1"
    );
}

#[test]
fn a_list_that_lacks_a_member_differs_too() {
    let scene = Scene::of(3).edit(2, |seen| {
        seen.members_serializable = ok(list(2));
        seen.members_linearizable = failed(TimedOut);
    });
    let snapshot = after(3, &scene);
    let told = finding(&snapshot, rule::MEMBERSHIP_MISMATCH, "n2");
    assert!(told.cause.contains("does not list n3"), "{}", told.cause);
}

#[test]
fn a_member_that_is_cut_off_lists_what_was_and_is_not_blamed() {
    let mut watch = Watch::default();
    for _ in 0..3 {
        watch.see(
            believes_in_zombie(1)
                .edit(2, |seen| {
                    seen.members_serializable = ok(with_zombie());
                    seen.members_linearizable = ok(with_zombie());
                })
                .edit(3, |seen| {
                    seen.members_serializable = ok(with_zombie());
                    seen.members_linearizable = ok(with_zombie());
                }),
        );
    }
    // n9 is removed at index 21 while n3 is cut off.
    let scene = || {
        Scene::of(3)
            .status(1, |status| status.raft_index = 21)
            .edit(3, |seen| {
                seen.members_serializable = ok(with_zombie());
                seen.members_linearizable = failed(NoLeader);
            })
    };
    for _ in 0..5 {
        let snapshot = watch.see(scene());
        let told = finding(&snapshot, rule::MEMBERSHIP_MISMATCH, "n3");
        assert_eq!(told.status.as_str(), "unknown");
        assert!(format!("{:?}", told.status).contains("may be old"));
    }
    // It has applied the change, and lists n9 all the same.
    let caught_up = || scene().status(3, |status| status.raft_applied_index = Some(21));
    watch.see(caught_up());
    watch.see(caught_up());
    assert_eq!(roots(&watch.see(caught_up())), "MembershipMismatch n3");
}

#[test]
fn a_change_of_members_is_no_mismatch() {
    let mut watch = Watch::after_healthy(3);
    for step in 0..8 {
        // The change comes through in the middle of a cycle, and n3 hears of it one cycle later.
        let grown = |member: usize| step > 2 && (member < 3 || step > 3);
        let scene = (1..=3).fold(Scene::of(3), |scene, member| {
            scene.edit(member, |seen| {
                let members = if grown(member) {
                    with_zombie()
                } else {
                    list(3)
                };
                seen.members_serializable = ok(members.clone());
                seen.members_linearizable = ok(members);
            })
        });
        assert_eq!(roots(&watch.see(scene)), "", "step {step}");
    }
}

#[test]
fn without_a_confirmed_list_nobody_differs_and_nobody_is_removed() {
    let scene = believes_in_zombie(3).without_quorum_reads();
    let snapshot = after(5, &scene);
    assert_eq!(status_of(&snapshot, rule::MEMBERSHIP_MISMATCH), "unknown");
    assert_eq!(status_of(&snapshot, rule::MEMBER_REMOVED), "unknown");
}

#[test]
fn a_learner_lists_nothing_and_is_not_asked_to() {
    let scene = Scene::of(3).last_is_learner().edit(3, |seen| {
        seen.members_serializable = failed(etcd_monitor_model::FailureKind::NotSupported);
        seen.members_linearizable = failed(etcd_monitor_model::FailureKind::NotSupported);
    });
    let snapshot = after(3, &scene);
    assert_eq!(roots(&snapshot), "LearnerNotPromoted n3");
    assert_eq!(status_of(&snapshot, rule::MEMBERSHIP_MISMATCH), "false");
}

#[test]
fn a_removed_member_that_is_silent_is_an_endpoint_without_a_member() {
    let scene = Scene::of(3).each(|seen| {
        seen.members_serializable = ok(list(2));
        seen.members_linearizable = ok(list(2));
    });
    let configured = |seen: &mut etcd_monitor_model::MemberObservation| {
        seen.origin = etcd_monitor_model::EndpointOrigin::Configured;
    };
    let snapshot = after(3, &scene.edit(3, configured).fails(3, Refused));
    assert_eq!(roots(&snapshot), "EndpointUnreachable http://n3:2379");
    let told = finding(&snapshot, rule::ENDPOINT_UNREACHABLE, "http://n3:2379");
    assert_eq!(told.severity, etcd_monitor_model::Severity::Warning);
}

#[test]
fn a_removed_member_that_still_answers_is_told() {
    let scene = Scene::of(3).each(|seen| {
        seen.members_serializable = ok(list(2));
        seen.members_linearizable = ok(list(2));
    });
    let scene = scene.edit(3, |seen| {
        seen.members_serializable = ok(list(3));
        seen.members_linearizable = failed(NoLeader);
        seen.read_linearizable = failed(NoLeader);
        seen.read_serializable = ok(etcd_monitor_model::ReadAnswer { revision: Some(7) });
    });
    let scene = scene.status(3, |status| status.raft_applied_index = Some(19));
    // The cycle of the change, and three that agree.
    assert_eq!(roots(&after(3, &scene)), "");
    let snapshot = after(4, &scene);
    assert_eq!(roots(&snapshot), "MemberRemoved http://n3:2379");
    let told = finding(&snapshot, rule::MEMBER_REMOVED, "http://n3:2379");
    assert!(told.cause.contains("member a3"), "{}", told.cause);
    let gone = after(5, &scene.fails(3, Refused));
    assert_eq!(status_of(&gone, rule::MEMBER_REMOVED), "false");
}

#[test]
fn a_member_that_never_started_is_told_after_five_minutes_until_it_starts() {
    let added = || {
        Scene::of(3).each(|seen| {
            let mut grown = list(4);
            grown.members[3].name.clear();
            grown.members[3].client_urls.clear();
            seen.members_serializable = ok(grown.clone());
            seen.members_linearizable = ok(grown);
        })
    };
    let mut watch = Watch::after_healthy(3);
    assert_eq!(roots(&watch.see(added())), "");
    watch.second += 294;
    let early = watch.see(added());
    assert_eq!(status_of(&early, rule::MEMBER_NOT_STARTED), "false");
    let late = watch.see(added());
    assert_eq!(roots(&late), "MemberNotStarted a4");
    let told = finding(&late, rule::MEMBER_NOT_STARTED, "a4");
    assert!(told.cause.contains("http://n4:2380"), "{}", told.cause);
    assert!(told.action.contains("etcdctl member remove a4"));
    let started = watch.see(Scene::of(4));
    assert_eq!(status_of(&started, rule::MEMBER_NOT_STARTED), "false");
}

#[test]
fn a_clock_that_goes_back_does_not_age_a_new_member() {
    let added = || {
        Scene::of(3).each(|seen| {
            let mut grown = list(4);
            grown.members[3].name.clear();
            seen.members_linearizable = ok(grown);
        })
    };
    let mut watch = Watch::after_healthy(3);
    watch.see(added());
    watch.second -= 10_000;
    watch.see(added());
    watch.second += 200;
    let snapshot = watch.see(added());
    assert_eq!(status_of(&snapshot, rule::MEMBER_NOT_STARTED), "false");
}

fn two_leaders(terms: (u64, u64)) -> Scene {
    Scene::of(3)
        .status(1, |status| status.raft_term = terms.0)
        .status(3, |status| {
            status.leader = Some(id(3));
            status.raft_term = terms.1;
        })
}

#[test]
fn two_leaders_of_one_term_are_a_split_brain_when_it_lasts() {
    assert_eq!(
        status_of(&after(2, &two_leaders((5, 5))), rule::SPLIT_BRAIN),
        "unknown"
    );
    let snapshot = after(3, &two_leaders((5, 5)));
    let told = finding(&snapshot, rule::SPLIT_BRAIN, "test");
    assert_eq!(
        (told.status.as_str(), told.severity),
        ("true", Severity::Critical)
    );
    assert!(
        told.cause.contains("n1 and n3 both lead term 5"),
        "{}",
        told.cause
    );
    assert_eq!(told.evidence.len(), 2);
}

#[test]
fn a_deposed_leader_of_an_older_term_is_no_split_brain() {
    let snapshot = after(5, &two_leaders((4, 5)));
    assert_eq!(status_of(&snapshot, rule::SPLIT_BRAIN), "false");
}

#[test]
fn one_voice_cannot_tell_a_split_brain() {
    let alone = Scene::of(3).fails(2, TimedOut).fails(3, TimedOut);
    let snapshot = after_healthy(alone.without_quorum_reads());
    assert_eq!(status_of(&snapshot, rule::SPLIT_BRAIN), "unknown");
    let single = after_healthy(Scene::of(1));
    assert_eq!(status_of(&single, rule::SPLIT_BRAIN), "false");
}
