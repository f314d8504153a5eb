//! Members whose data differs, and the many ways in which it only looks so.

mod cluster;

use etcd_monitor_model::{FailureKind, Severity, Snapshot, rule};
use proptest::prelude::*;

use super::scene::{Scene, Watch, finding, id, roots};
use cluster::{Event, TestCluster};

/// Revision and applied index of each member; nothing is under way. All started long ago.
fn at_rest(members: &[(i64, u64)]) -> Scene {
    let numbered = members.iter().zip(1..);
    numbered.fold(
        Scene::of(members.len()),
        |scene, ((revision, applied), member)| {
            let scene = scene.status(member, |status| {
                status.revision = *revision;
                status.raft_index = *applied;
                status.raft_applied_index = Some(*applied);
            });
            scene.page(member, "process_start_time_seconds 1\n")
        },
    )
}

fn seen(cycles: impl IntoIterator<Item = Scene>) -> Snapshot {
    let mut watch = Watch::default();
    let snapshots = cycles.into_iter().map(|scene| watch.see(scene));
    snapshots.last().unwrap()
}

fn status<'a>(snapshot: &'a Snapshot, subject: &str) -> &'a str {
    finding(snapshot, rule::DATA_DIVERGENCE, subject)
        .status
        .as_str()
}

#[test]
fn the_one_member_that_contradicts_the_two_others_is_named() {
    for odd in [105, 95] {
        let scene = at_rest(&[(100, 200), (odd, 200), (100, 200)]);
        let snapshot = seen(vec![scene; 4]);
        assert_eq!(roots(&snapshot), "DataDivergence n2");
        let found = finding(&snapshot, rule::DATA_DIVERGENCE, "n2");
        assert_eq!(found.severity, Severity::Critical);
        assert!(
            found
                .cause
                .contains("data of n2 differs from that of n1 and n3"),
            "{}",
            found.cause
        );
        assert!(found.evidence.len() >= 3, "{:?}", found.evidence);
        assert_eq!(status(&snapshot, "n1"), "false");
        assert_eq!(status(&snapshot, "test"), "false");
    }
}

#[test]
fn one_contradiction_is_not_enough() {
    let odd = at_rest(&[(100, 200), (105, 200), (100, 200)]);
    assert_eq!(status(&seen(vec![odd; 3]), "n2"), "false");
}

#[test]
fn without_a_majority_the_cluster_cannot_tell() {
    let two = at_rest(&[(100, 200), (105, 200)]);
    let snapshot = seen(vec![two; 4]);
    assert_eq!(roots(&snapshot), "DataDivergence test");
    assert_eq!(status(&snapshot, "n1"), "false");

    let all_differ = at_rest(&[(100, 200), (105, 200), (110, 200)]);
    assert_eq!(roots(&seen(vec![all_differ; 4])), "DataDivergence test");

    let one_down = at_rest(&[(100, 200), (105, 200), (0, 0)]).fails(3, FailureKind::Refused);
    let snapshot = seen(vec![one_down; 4]);
    assert!(roots(&snapshot).contains("DataDivergence test"));
    assert_eq!(status(&snapshot, "n3"), "unknown");
}

#[test]
fn two_of_five_are_outvoted_by_three() {
    let scene = at_rest(&[(100, 200), (100, 200), (105, 200), (105, 200), (100, 200)]);
    assert_eq!(
        roots(&seen(vec![scene; 4])),
        "DataDivergence n3, DataDivergence n4"
    );
}

#[test]
fn a_learner_that_contradicts_the_voters_is_named_and_has_no_vote_itself() {
    let learner = at_rest(&[(100, 200), (100, 200), (100, 200), (105, 200)]).last_is_learner();
    let snapshot = seen(vec![learner; 4]);
    assert_eq!(status(&snapshot, "n4"), "true");
    assert_eq!(status(&snapshot, "test"), "false");

    let second = at_rest(&[(100, 200), (105, 200), (100, 200)]).last_is_learner();
    let snapshot = seen(vec![second; 4]);
    assert_eq!(status(&snapshot, "n2"), "false");
    assert_eq!(status(&snapshot, "test"), "true");
}

#[test]
fn a_cluster_that_writes_without_a_pause_is_judged_as_well() {
    let writing = |cycle: i64| {
        let applied = 1_000 + 20 * u64::try_from(cycle).unwrap();
        let revision = 500 + 20 * cycle;
        at_rest(&[
            (revision, applied),
            (revision + 70, applied + 3),
            (revision - 2, applied - 2),
        ])
    };
    assert_eq!(roots(&seen((0..6).map(writing))), "DataDivergence n2");
}

#[test]
fn lag_alone_is_no_difference() {
    let lagging = |cycle: i64| {
        let applied = 1_000 + 20 * u64::try_from(cycle).unwrap();
        let revision = 500 + 20 * cycle;
        let third = if cycle < 3 {
            (revision, applied)
        } else {
            (540, 1_040)
        };
        at_rest(&[(revision, applied), (revision, applied), third])
    };
    let snapshot = seen((0..9).map(lagging));
    for subject in ["n1", "n2", "n3", "test"] {
        assert_eq!(status(&snapshot, subject), "false", "{subject}");
    }
}

#[test]
fn a_member_that_has_not_caught_up_since_it_was_first_seen_is_not_compared() {
    let replaying = at_rest(&[(540, 1_000), (540, 1_000), (540, 600)]);
    let snapshot = seen(vec![replaying; 9]);
    assert_eq!(status(&snapshot, "n3"), "unknown");
    assert_eq!(status(&snapshot, "n1"), "false");
}

#[test]
fn what_was_proven_holds_over_a_restart_of_the_member_and_of_the_monitor_and_ends_when_it_leaves() {
    let odd = || at_rest(&[(100, 200), (105, 200), (100, 200)]);
    let mut watch = Watch::default();
    for _ in 0..4 {
        watch.see(odd());
    }
    let saved = serde_json::to_string(&watch.state).unwrap();
    watch.state = serde_json::from_str(&saved).unwrap();
    let restarted = watch.see(odd().page(2, "process_start_time_seconds 900\n"));
    assert_eq!(roots(&restarted), "DataDivergence n2");

    let without = odd().each(|seen| {
        for list in [
            &mut seen.members_serializable,
            &mut seen.members_linearizable,
        ] {
            let list = list.as_mut().unwrap().result.as_mut().unwrap();
            list.members.retain(|member| member.id != id(2));
        }
    });
    let without = without.fails(2, FailureKind::Refused);
    let left = [(); 4].map(|()| watch.see(without.clone()));
    assert_eq!(status(&left[3], "test"), "false");
}

#[test]
fn an_alarm_of_etcd_about_it_is_explained() {
    let scene = at_rest(&[(100, 200), (105, 200), (100, 200)]).each(|seen| {
        let alarm = etcd_monitor_model::Alarm {
            member: Some(id(2)),
            kind: etcd_monitor_model::AlarmKind::Corrupt,
        };
        seen.alarms = super::scene::ok(vec![alarm]);
    });
    assert_eq!(roots(&seen(vec![scene; 4])), "DataDivergence n2");
}

#[test]
fn a_member_alone_has_nobody_to_differ_from() {
    let snapshot = seen([at_rest(&[(100, 200)])]);
    assert_eq!(status(&snapshot, "n1"), "false");
    assert_eq!(status(&snapshot, "test"), "false");
}

#[test]
fn a_page_that_does_not_tell_when_the_process_started_leaves_it_unknown() {
    let scene = at_rest(&[(100, 200), (105, 200), (100, 200)]).page(2, "a 1\n");
    let snapshot = seen(vec![scene; 4]);
    assert_eq!(status(&snapshot, "n2"), "unknown");
    assert_eq!(status(&snapshot, "n1"), "false");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens to members that all hold the log, in whatever order it is seen, no two contradict each other.
    #[test]
    fn members_that_hold_the_log_never_contradict_each_other(
        learners in 0usize..2,
        cycles in prop::collection::vec(prop::collection::vec(cluster::event(4), 12), 4..24),
    ) {
        let mut cluster = TestCluster::new(4, learners);
        let mut watch = Watch::default();
        for events in cycles {
            let snapshot = watch.see(cluster.observe(&events));
            let differ = snapshot.findings.iter().any(|finding| {
                finding.rule == rule::DATA_DIVERGENCE && finding.status.is_true()
            });
            prop_assert!(!differ, "{:#?}", snapshot.findings);
        }
    }

    /// A member that applied an entry twice is found as soon as the cluster rests, whatever happened before.
    #[test]
    fn a_member_that_holds_more_than_the_log_is_named_once_the_cluster_rests(
        odd in 0usize..4,
        before in prop::collection::vec(cluster::event(4), 60),
    ) {
        let mut cluster = TestCluster::new(4, 0);
        let mut watch = Watch::default();
        for events in before.chunks(12) {
            watch.see(cluster.observe(events));
        }
        cluster.happen(Event::Write { revisions: 1 });
        cluster.settle();
        cluster.corrupt(odd, 3);
        for _ in 0..4 {
            watch.see(cluster.observe(&[]));
        }
        let snapshot = watch.see(cluster.observe(&[]));
        let name = format!("n{}", odd + 1);
        prop_assert_eq!(status(&snapshot, &name), "true");
        prop_assert_eq!(status(&snapshot, "test"), "false");
    }
}
