//! One cycle each: what is wrong, and what the monitor says is the root of it.

use etcd_monitor_model::FailureKind::{
    self, BadAnswer, NameResolution, NotAllowed, Refused, TimedOut, Tls, Unauthenticated,
};
use etcd_monitor_model::{MetricsPage, ReadAnswer, Severity, rule};

use super::scene::{
    Scene, after_healthy, at_first_sight, explained, failed, finding, ok, page, roots, status_of,
};

struct Case {
    what: &'static str,
    scene: Scene,
    roots: &'static str,
    healthy: Option<bool>,
}

fn case(
    what: &'static str,
    scene: Scene,
    roots: &'static str,
    healthy: impl Into<Option<bool>>,
) -> Case {
    Case {
        what,
        scene,
        roots,
        healthy: healthy.into(),
    }
}

fn check(cases: Vec<Case>, see: fn(Scene) -> etcd_monitor_model::Snapshot) {
    for case in cases {
        let snapshot = see(case.scene);
        let said = (roots(&snapshot), snapshot.health.healthy);
        assert_eq!(said, (case.roots.to_owned(), case.healthy), "{}", case.what);
    }
}

#[test]
fn members_that_fall_silent_are_down_until_the_quorum_is_lost() {
    let three = || Scene::of(3);
    check(
        vec![
            case("all well", three(), "", true),
            case(
                "a member killed",
                three().fails(2, Refused),
                "MemberDown n2",
                false,
            ),
            case(
                "a member stopped",
                three().fails(2, TimedOut),
                "MemberDown n2",
                false,
            ),
            case(
                "a host name gone",
                three().fails(2, NameResolution),
                "MemberDown n2",
                false,
            ),
            case(
                "one of five killed",
                Scene::of(5).fails(2, Refused),
                "MemberDown n2",
                true,
            ),
            case(
                "two of five killed",
                Scene::of(5).fails(2, Refused).fails(3, Refused),
                "MemberDown n2, MemberDown n3",
                false,
            ),
            case(
                "two of three killed",
                two_of_three_killed(),
                "QuorumLost test",
                false,
            ),
        ],
        after_healthy,
    );
}

#[test]
fn nobody_answering_is_an_unreachable_cluster() {
    let three = || Scene::of(3);
    check(
        vec![
            case(
                "nobody listens",
                three().all_fail(Refused),
                "ClusterUnreachable test",
                false,
            ),
            case(
                "cut off",
                three().all_fail(TimedOut),
                "ClusterUnreachable test",
                false,
            ),
            case(
                "some refuse, some are silent",
                three().all_fail(TimedOut).fails(1, Refused),
                "ClusterUnreachable test",
                false,
            ),
            case(
                "the only one that could be asked is silent",
                three().all_fail(NotAllowed).fails(1, TimedOut),
                "ClusterUnreachable test",
                false,
            ),
        ],
        after_healthy,
    );
}

#[test]
fn one_part_that_fails_is_named_as_that_part() {
    let three = || Scene::of(3);
    check(
        vec![
            case(
                "wrong CA",
                three().all_fail(Tls),
                "TlsFailed n1, TlsFailed n2, TlsFailed n3, MetricsUnreadable n1, MetricsUnreadable n2, MetricsUnreadable n3",
                false,
            ),
            case("one certificate expired", expired(2), "TlsFailed n2", true),
            case(
                "no leader",
                three().led_by(None, 3).without_quorum_reads(),
                "NoLeader test",
                false,
            ),
            case(
                "reads fail through every member",
                three().without_quorum_reads(),
                "LinearizableReadFailing test",
                false,
            ),
            case(
                "gRPC hangs, HTTP answers",
                grpc_hangs(2),
                "MemberNotServing n2",
                true,
            ),
            case(
                "gRPC hangs, HTTP answers nonsense",
                grpc_hangs(2).edit(2, |seen| seen.metrics = failed(BadAnswer)),
                "MemberNotServing n2, MetricsUnreadable n2",
                true,
            ),
            case(
                "garbage metrics",
                three().page(2, "<html>\n<body>\n"),
                "MetricsUnreadable n2",
                true,
            ),
            case(
                "metrics too large",
                three().edit(2, |seen| seen.metrics = failed(BadAnswer)),
                "MetricsUnreadable n2",
                true,
            ),
        ],
        after_healthy,
    );
}

#[test]
fn the_first_sight_of_a_cluster_is_judged_alike() {
    let unmatched = |scene: Scene| scene.each(|seen| seen.expected_member = None);
    let one = |kind| {
        let mut scene = unmatched(Scene::of(3)).all_fail(kind);
        scene.members.truncate(1);
        scene
    };
    let mut only_seen = unmatched(Scene::of(3));
    only_seen.members.truncate(1);
    check(
        vec![
            case("one endpoint leads to the cluster", only_seen, "", true),
            case(
                "refused at the start",
                one(Refused),
                "ClusterUnreachable test",
                false,
            ),
            case(
                "silent at the start",
                one(TimedOut),
                "ClusterUnreachable test",
                false,
            ),
            case(
                "a name that does not resolve",
                one(NameResolution),
                "ClusterUnreachable test",
                false,
            ),
            case(
                "wrong password",
                unmatched(Scene::of(3))
                    .all_fail(Unauthenticated)
                    .each(|seen| seen.metrics = ok(MetricsPage::default())),
                "AuthenticationFailed test",
                false,
            ),
            case(
                "an endpoint that leads nowhere",
                unmatched(Scene::of(3))
                    .fails(1, Refused)
                    .edit(2, no_members)
                    .edit(3, no_members),
                "EndpointUnreachable http://n1:2379",
                true,
            ),
            case(
                "nothing to probe",
                Scene {
                    members: Vec::new(),
                    lag_seconds: 0.0,
                    own_certificates: None,
                    canary: None,
                    hashes: None,
                },
                "",
                None,
            ),
            case("only forbidden addresses", one(NotAllowed), "", None),
        ],
        at_first_sight,
    );
}

/// A list that names nobody, so that nobody is known behind the first endpoint.
fn no_members(seen: &mut etcd_monitor_model::MemberObservation) {
    seen.members_linearizable = failed(FailureKind::Other);
    seen.members_serializable = failed(FailureKind::Other);
}

fn two_of_three_killed() -> Scene {
    Scene::of(3)
        .fails(1, Refused)
        .fails(2, Refused)
        .led_by(None, 3)
        .without_quorum_reads()
}

fn expired(member: usize) -> Scene {
    Scene::of(3).fails(member, Tls).page(member, "")
}

fn grpc_hangs(member: usize) -> Scene {
    Scene::of(3)
        .fails(member, TimedOut)
        .page(member, "process_resident_memory_bytes 1\n")
}

#[test]
fn a_lost_quorum_explains_what_follows_from_it() {
    let snapshot = after_healthy(two_of_three_killed());
    assert_eq!(
        explained(&snapshot),
        "LinearizableReadFailing test, MemberDown n1, MemberDown n2, NoLeader test"
    );
    let lost = finding(&snapshot, rule::QUORUM_LOST, "test");
    assert!(
        lost.cause
            .contains("n1 and n2 do not answer (1 of 3 voters answer, 2 needed)"),
        "{}",
        lost.cause
    );
    let down = finding(&snapshot, rule::MEMBER_DOWN, "n1");
    assert_eq!(down.caused_by, Some(lost.key()));
    let quorum = snapshot.quorum.unwrap();
    assert_eq!((quorum.available, quorum.tolerance), (Some(1), Some(0)));
}

#[test]
fn an_unreachable_cluster_explains_or_hides_everything_else_and_says_how_it_is_silent() {
    let mixed = Scene::of(3).all_fail(TimedOut).fails(1, Refused);
    for (scene, words) in [
        (
            Scene::of(3).all_fail(Refused),
            "refused the connection: no etcd listens there",
        ),
        (
            Scene::of(3).all_fail(TimedOut),
            "the monitor is cut off, or the hosts are down",
        ),
        (
            Scene::of(3).all_fail(NameResolution),
            "could not be resolved",
        ),
        (mixed, "some refused, some timed out"),
    ] {
        let snapshot = after_healthy(scene);
        let root = finding(&snapshot, rule::CLUSTER_UNREACHABLE, "test");
        assert!(root.cause.contains(words), "{}", root.cause);
        assert_eq!(root.evidence.len(), 3);
        for other in snapshot
            .findings
            .iter()
            .filter(|other| other.status.is_true())
        {
            assert!(
                other.rule == root.rule || other.caused_by == Some(root.key()),
                "{other:?}"
            );
        }
        assert_eq!(status_of(&snapshot, rule::ALARM_NO_SPACE), "unknown");
        assert_eq!(snapshot.last_answer_at, Some(super::scene::at(5)));
    }
}

#[test]
fn a_member_down_is_critical_when_no_further_failure_is_tolerated() {
    for (scene, subject, severity) in [
        (Scene::of(3).fails(2, Refused), "n2", Severity::Critical),
        (Scene::of(5).fails(2, Refused), "n2", Severity::Warning),
        (
            Scene::of(5).fails(2, Refused).fails(3, TimedOut),
            "n2",
            Severity::Critical,
        ),
        (
            Scene::of(4).last_is_learner().fails(4, Refused),
            "n4",
            Severity::Warning,
        ),
    ] {
        let snapshot = after_healthy(scene);
        let down = finding(&snapshot, rule::MEMBER_DOWN, subject);
        assert!(down.status.is_true());
        assert_eq!(down.severity, severity, "{}", down.cause);
    }
}

#[test]
fn a_learner_down_costs_no_tolerance_and_one_alone_proves_nothing() {
    let down = after_healthy(Scene::of(4).last_is_learner().fails(4, Refused));
    let quorum = down.quorum.unwrap();
    assert_eq!((quorum.voters, quorum.tolerance), (3, Some(1)));
    assert_eq!(
        (roots(&down), down.health.healthy),
        ("MemberDown n4".to_owned(), Some(true))
    );

    let mut alone = Scene::of(4).last_is_learner();
    alone.members.rotate_left(3);
    alone.members.truncate(1);
    let snapshot = at_first_sight(alone);
    assert_eq!(
        status_of(&snapshot, rule::LINEARIZABLE_READ_FAILING),
        "unknown"
    );
    assert_eq!(snapshot.health.healthy, None);
}

#[test]
fn a_voter_that_was_not_asked_leaves_the_quorum_unknown() {
    let mut scene = Scene::of(3);
    scene.members.truncate(2);
    let quorum = at_first_sight(scene).quorum.unwrap();
    assert_eq!((quorum.voters, quorum.needed), (3, 2));
    assert_eq!((quorum.available, quorum.tolerance), (None, None));
}

#[test]
fn a_user_who_may_not_see_the_key_reads_well() {
    let unseen = Scene::of(3).each(|seen| {
        seen.read_linearizable = ok(ReadAnswer { revision: None });
        seen.read_serializable = ok(ReadAnswer { revision: None });
    });
    let snapshot = after_healthy(unseen);
    assert_eq!(snapshot.health.healthy, Some(true));
    assert!(
        snapshot
            .members
            .iter()
            .all(|member| member.healthy == Some(true))
    );
}

#[test]
fn every_rule_is_evaluated_on_a_healthy_cluster() {
    let snapshot = after_healthy(Scene::of(3));
    let evaluated = |rule: &str| snapshot.findings.iter().any(|found| found.rule == rule);
    // The fleet judges the ones that are not here.
    let missing: Vec<&str> = rule::ALL
        .into_iter()
        .filter(|rule| !evaluated(rule))
        .collect();
    let of_fleet = [
        rule::MONITOR_CUT_OFF,
        rule::HISTORY_NOT_STORED,
        rule::ALERTS_NOT_STORED,
        rule::NOTIFICATIONS_FAILING,
    ];
    assert_eq!(missing, of_fleet);
    assert_eq!(roots(&snapshot), "");
    assert_eq!(snapshot.members.len(), 3);
    let counted = format!("{} rules on 3 members", rule::ALL.len() - of_fleet.len());
    assert!(
        snapshot.health.sentence.contains(&counted),
        "{}",
        snapshot.health.sentence
    );
}

#[test]
fn a_page_reads_what_it_says() {
    let scene = Scene::of(3).edit(1, |seen| {
        seen.metrics = ok(page("process_resident_memory_bytes 5\ngrpc_server_started_total 9\ngrpc_server_handled_total 7\n"));
    });
    let counters = after_healthy(scene).members[0].counters.unwrap();
    assert_eq!(counters.resident_memory_bytes, Some(5.0));
    assert_eq!(counters.rpcs_in_flight, Some(2.0));
    assert_eq!(counters.watchers, None);
}
