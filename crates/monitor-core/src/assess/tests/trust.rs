//! Whom the monitor talks to: other clusters, doubled and hostile members, and who does not let it in.

use etcd_monitor_model::FailureKind::{NotAllowed, Refused, TimedOut, Tls, Unauthenticated};
use etcd_monitor_model::{ClusterId, EndpointOrigin, Severity, rule};

use super::scene::{
    CLUSTER, Scene, Watch, after_healthy, at_first_sight, failed, finding, id, list, ok, roots,
    status_of,
};

const OTHER: ClusterId = ClusterId(0xc2);

/// Makes what a member answers come from another cluster.
fn of_other_cluster(scene: Scene, member: usize) -> Scene {
    let mut other = list(1);
    other.cluster_id = OTHER;
    scene
        .status(member, |status| status.cluster_id = OTHER)
        .edit(member, |seen| {
            seen.members_serializable = ok(other.clone());
            seen.members_linearizable = ok(other);
        })
}

#[test]
fn endpoints_of_two_clusters_are_named_with_both_ids() {
    let snapshot = at_first_sight(of_other_cluster(Scene::of(3), 3));
    let mismatch = finding(&snapshot, rule::CLUSTER_ID_MISMATCH, "test");
    assert!(
        mismatch.cause.contains("cluster ids c1 and c2"),
        "{}",
        mismatch.cause
    );
    assert_eq!(mismatch.evidence.len(), 3);
    assert_eq!(snapshot.cluster_id, Some(CLUSTER));
}

#[test]
fn a_member_of_another_cluster_has_no_id_here_even_if_it_is_that_of_one() {
    let twin = of_other_cluster(Scene::of(3), 3).status(3, |status| status.member_id = id(1));
    let snapshot = after_healthy(twin);
    let stranger = snapshot.members.last().unwrap();
    assert_eq!(
        (stranger.id, stranger.name.as_str()),
        (None, "http://n3:2379")
    );
    let ids: Vec<_> = snapshot
        .members
        .iter()
        .filter_map(|member| member.id)
        .collect();
    assert_eq!(ids, [id(1), id(2), id(3)]);
    let same: Vec<_> = snapshot
        .findings
        .iter()
        .filter(|found| found.subject.id == Some(id(1)))
        .collect();
    assert!(same.iter().all(|found| found.subject.name == "n1"));
}

#[test]
fn a_cluster_that_was_rebuilt_is_told_once_and_begins_anew() {
    let mut watch = Watch::after_healthy(3);
    watch.see(Scene::of(3).led_by(Some(1), 9));
    let rebuilt = || (1..=3).fold(Scene::of(3), of_other_cluster);
    let partly = watch.see(rebuilt().fails(2, TimedOut));
    assert_eq!(
        status_of(&partly, rule::CLUSTER_REPLACED),
        "false",
        "n2 may still be of the old one"
    );
    let replaced = watch.see(rebuilt());
    assert_eq!(replaced.cluster_id, Some(OTHER));
    let told = finding(&replaced, rule::CLUSTER_REPLACED, "test");
    assert!(told.cause.contains("from c1 to c2"), "{}", told.cause);
    assert_eq!(told.severity, Severity::Info);
    assert_eq!(
        (replaced.leader.unwrap().term, replaced.leader_changes),
        (2, Some(0))
    );
    assert_eq!(
        status_of(&watch.see(rebuilt()), rule::CLUSTER_ID_MISMATCH),
        "false"
    );
    watch.second += 3_600;
    assert_eq!(
        status_of(&watch.see(rebuilt()), rule::CLUSTER_REPLACED),
        "false"
    );
}

#[test]
fn who_does_not_let_the_monitor_in_is_not_called_down_or_ill() {
    for kind in [Tls, Unauthenticated, NotAllowed] {
        let snapshot = after_healthy(Scene::of(3).all_fail(kind));
        assert_ne!(
            status_of(&snapshot, rule::CLUSTER_UNREACHABLE),
            "true",
            "{kind:?}"
        );
        for rule in [
            rule::MEMBER_DOWN,
            rule::MEMBER_UNREACHABLE,
            rule::QUORUM_LOST,
            rule::LINEARIZABLE_READ_FAILING,
        ] {
            assert_eq!(
                status_of(&snapshot, rule),
                "unknown",
                "{rule} with {kind:?}"
            );
        }
        assert!(
            snapshot
                .members
                .iter()
                .all(|member| member.healthy.is_none()),
            "{kind:?}"
        );
        assert_eq!(snapshot.quorum.unwrap().available, None);
    }
}

#[test]
fn a_read_refused_for_want_of_a_password_says_nothing_of_the_quorum() {
    let refused = Scene::of(3).each(|seen| {
        seen.read_linearizable = failed(Unauthenticated);
        seen.read_serializable = failed(Unauthenticated);
    });
    let snapshot = after_healthy(refused);
    assert_eq!(roots(&snapshot), "AuthenticationFailed test");
    assert_eq!(
        finding(&snapshot, rule::AUTHENTICATION_FAILED, "test")
            .evidence
            .len(),
        3
    );
    assert_eq!(
        status_of(&snapshot, rule::LINEARIZABLE_READ_FAILING),
        "unknown"
    );
    assert_eq!(snapshot.health.healthy, None);
}

#[test]
fn a_blind_monitor_is_critical_one_eye_is_a_warning() {
    for (scene, severity) in [
        (Scene::of(3).all_fail(Tls), Severity::Critical),
        (Scene::of(3).fails(1, Tls), Severity::Warning),
    ] {
        let snapshot = after_healthy(scene);
        let failed = finding(&snapshot, rule::TLS_FAILED, "n1");
        assert!(failed.status.is_true());
        assert_eq!(failed.severity, severity);
    }
}

/// The page of a peer that has received so many bytes from `n3`.
fn heard(scene: Scene, bytes: u32) -> Scene {
    let page = format!("etcd_network_peer_received_bytes_total{{From=\"a3\"}} {bytes}\n");
    scene.page(1, &page)
}

#[test]
fn a_silent_member_that_its_peers_hear_is_unreachable_not_down() {
    let silent = |bytes| heard(Scene::of(3).fails(3, TimedOut), bytes);
    let mut watch = Watch::default();
    watch.see(heard(Scene::of(3), 100));
    assert_eq!(
        roots(&watch.see(silent(200))),
        "MemberDown n3",
        "those bytes may be from before"
    );
    let heard_again = watch.see(silent(300));
    assert_eq!(roots(&heard_again), "MemberUnreachable n3");
    let unreachable = finding(&heard_again, rule::MEMBER_UNREACHABLE, "n3");
    assert!(
        unreachable
            .evidence
            .iter()
            .any(|seen| seen.value.contains("n1"))
    );
    assert_eq!(
        roots(&watch.see(silent(300))),
        "MemberDown n3",
        "nobody hears it any more"
    );
}

#[test]
fn what_a_peer_said_cycles_ago_is_no_proof_of_life() {
    let silent = || Scene::of(3).fails(3, TimedOut);
    let mut watch = Watch::default();
    watch.see(heard(Scene::of(3), 100));
    watch.see(silent().page(1, ""));
    assert_eq!(roots(&watch.see(heard(silent(), 200))), "MemberDown n3");
}

#[test]
fn two_members_of_one_name_are_two_subjects() {
    let twins = Scene::of(3).each(|seen| {
        for list in [
            &mut seen.members_linearizable,
            &mut seen.members_serializable,
        ] {
            let mut same = list.as_ref().unwrap().ok().unwrap().clone();
            same.members
                .iter_mut()
                .for_each(|member| member.name = "twin".to_owned());
            *list = ok(same);
        }
    });
    let snapshot = after_healthy(twins.fails(2, Refused));
    let down: Vec<_> = snapshot
        .findings
        .iter()
        .filter(|found| found.rule == rule::MEMBER_DOWN && found.status.is_true())
        .map(|found| found.subject.key())
        .collect();
    assert_eq!(down, ["member:a2"]);
}

#[test]
fn a_member_without_a_name_is_called_by_its_address_or_id() {
    let nameless = Scene::of(3).each(|seen| {
        let mut list = list(4);
        list.members
            .iter_mut()
            .for_each(|member| member.name.clear());
        list.members[3].client_urls.clear();
        seen.members_linearizable = ok(list);
    });
    let snapshot = after_healthy(nameless);
    let names: Vec<&str> = snapshot
        .members
        .iter()
        .map(|member| member.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["a4", "http://n1:2379", "http://n2:2379", "http://n3:2379"]
    );
    let started = finding(&snapshot, rule::MEMBER_DOWN, "a4");
    assert_eq!(
        started.status.as_str(),
        "unknown",
        "it advertises no URL yet"
    );
}

#[test]
fn a_list_of_nobody_and_a_list_that_repeats_are_not_believed() {
    let nobody = Scene::of(3).each(|seen| {
        seen.members_linearizable = ok(list(0));
        seen.members_serializable = ok(list(0));
    });
    let snapshot = after_healthy(nobody);
    assert_eq!(snapshot.member_count, Some(3));
    assert_eq!(snapshot.quorum.unwrap().voters, 3);
    let doubled = Scene::of(3).edit(1, |seen| {
        let mut list = list(3);
        list.members.extend(list.members.clone());
        seen.members_linearizable = ok(list);
    });
    assert_eq!(at_first_sight(doubled).member_count, Some(3));
}

#[test]
fn a_second_endpoint_of_a_member_is_the_same_member() {
    let mut scene = Scene::of(3).fails(2, Refused);
    let mut second = Scene::of(3).members.swap_remove(1);
    second.endpoint = "http://other:2379".to_owned();
    second.origin = EndpointOrigin::Configured;
    scene.members.push(second);
    let snapshot = Watch::after_healthy(3).see(scene);
    assert_eq!(roots(&snapshot), "", "it answers at its other address");
    assert_eq!(snapshot.members.len(), 3);
    assert_eq!(snapshot.quorum.unwrap().available, Some(3));
}
