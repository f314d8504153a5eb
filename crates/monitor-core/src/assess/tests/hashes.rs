//! Hashes of the members' data: who is named, when nobody can be, and what asks for a round.

use etcd_monitor_model::FailureKind::{NotSupported, Other, PermissionDenied};
use etcd_monitor_model::{
    Alarm, AlarmKind, ClusterId, HashAnswer, HashRound, KvHash, Probe, Snapshot, UnknownClass, rule,
};

use super::scene::{CLUSTER, Scene, Watch, at, failed, finding, id, ok, roots};

const REVISION: i64 = 90;
const COMPACTED: i64 = 40;

fn hash_of(member: usize, hash: u32) -> KvHash {
    KvHash {
        cluster_id: CLUSTER,
        member_id: id(member),
        hash,
        compact_revision: COMPACTED,
        hash_revision: Some(REVISION),
        revision: REVISION + 3,
    }
}

fn answer(member: usize, hash: Option<Probe<KvHash>>) -> HashAnswer {
    HashAnswer {
        endpoint: format!("http://n{member}:2379"),
        member: id(member),
        hash: hash.unwrap(),
    }
}

/// A round at this second, in which `n1`, … have these hashes.
fn round(second: i64, hashes: &[u32]) -> HashRound {
    let numbered = (1..).zip(hashes);
    HashRound {
        began_at: at(second),
        suspicion: None,
        revision: REVISION,
        answers: numbered
            .map(|(member, hash)| answer(member, ok(hash_of(member, *hash))))
            .map(|mut answer| {
                answer.hash.at = at(second);
                answer
            })
            .collect(),
        compaction_moved: false,
    }
}

fn with(scene: Scene, round: HashRound) -> Scene {
    Scene {
        hashes: Some(round),
        ..scene
    }
}

/// What is said of so many members when the first thing seen is this round.
fn told(members: usize, round: HashRound) -> Snapshot {
    Watch::default().see(with(Scene::of(members), round))
}

fn status<'a>(snapshot: &'a Snapshot, subject: &str) -> &'a str {
    finding(snapshot, rule::DATA_DIVERGENCE, subject)
        .status
        .as_str()
}

fn change(round: &mut HashRound, member: usize, change: impl FnOnce(&mut KvHash)) {
    change(round.answers[member - 1].hash.result.as_mut().unwrap());
}

#[test]
fn equal_hashes_say_that_nobody_differs_until_they_are_old() {
    let mut watch = Watch::default();
    let snapshot = watch.see(with(Scene::of(3), round(1, &[7, 7, 7])));
    assert_eq!(
        (snapshot.cost.hash_calls, snapshot.consistency.calls),
        (3, 3)
    );
    for subject in ["test", "n1", "n2", "n3"] {
        assert_eq!(status(&snapshot, subject), "false", "{subject}");
    }
    assert!(
        !snapshot
            .coverage
            .signals
            .iter()
            .any(|gap| gap.signal == "HashKV")
    );
    watch.second += 43_000;
    assert_eq!(status(&watch.see(Scene::of(3)), "n2"), "false");
    watch.second += 300;
    let later = watch.see(Scene::of(3));
    assert_eq!(
        (status(&later, "n2"), status(&later, "test")),
        ("unknown", "unknown")
    );
    assert_eq!((later.cost.hash_calls, later.consistency.calls), (0, 3));
}

#[test]
fn the_member_that_differs_from_a_majority_is_named_with_all_hashes() {
    let snapshot = told(3, round(1, &[7, 8, 7]));
    assert_eq!(roots(&snapshot), "DataDivergence n2");
    let found = finding(&snapshot, rule::DATA_DIVERGENCE, "n2");
    let words = "The data of n2 differs from that of n1 and n3: HashKV gives different hashes of their keys and values up to revision 90";
    assert_eq!(found.cause, words);
    let evidence: Vec<String> = found
        .evidence
        .iter()
        .map(|evidence| format!("{}: {}", evidence.source, evidence.value))
        .collect();
    assert_eq!(evidence.len(), 3);
    assert_eq!(
        evidence[1],
        "HashKV of n2: hash 8 up to revision 90, compacted up to 40"
    );
    assert!(
        found.action.contains("etcdctl member remove"),
        "{}",
        found.action
    );
    assert_eq!(
        (status(&snapshot, "n1"), status(&snapshot, "test")),
        ("false", "false")
    );
}

#[test]
fn a_majority_is_one_of_all_voters_not_only_of_those_that_answered() {
    let mut two_of_five = round(1, &[7, 7, 8]);
    assert_eq!(roots(&told(5, two_of_five.clone())), "DataDivergence test");
    two_of_five.answers.push(answer(4, ok(hash_of(4, 7))));
    assert_eq!(roots(&told(5, two_of_five)), "DataDivergence n3");
    assert_eq!(
        roots(&told(5, round(1, &[7, 8, 7, 9, 7]))),
        "DataDivergence n2, DataDivergence n4"
    );
}

#[test]
fn without_a_majority_the_cluster_cannot_tell() {
    for (members, hashes) in [(2, &[7, 8][..]), (3, &[7, 8, 9]), (4, &[7, 7, 8, 8])] {
        let snapshot = told(members, round(1, hashes));
        assert_eq!(roots(&snapshot), "DataDivergence test");
        let found = finding(&snapshot, rule::DATA_DIVERGENCE, "test");
        assert!(
            found.cause.ends_with("no majority tells who is right"),
            "{}",
            found.cause
        );
        assert_eq!(found.evidence.len(), members);
    }
}

#[test]
fn only_equal_revisions_and_compactions_compare() {
    let mut moved = round(1, &[7, 8, 7]);
    change(&mut moved, 2, |hash| hash.compact_revision += 1);
    moved.compaction_moved = true;
    let snapshot = told(3, moved);
    assert_eq!(
        (roots(&snapshot).as_str(), status(&snapshot, "n2")),
        ("", "unknown")
    );
    assert_eq!(status(&snapshot, "n1"), "false", "it equals n3");
    let gap = snapshot
        .coverage
        .signals
        .iter()
        .find(|gap| gap.signal == "HashKV");
    let gap = gap.unwrap();
    assert_eq!(
        (gap.class, gap.subject.name.as_str()),
        (UnknownClass::NotEnoughData, "test")
    );

    let mut other_revision = round(1, &[7, 8, 7]);
    change(&mut other_revision, 2, |hash| {
        hash.hash_revision = Some(REVISION + 1);
    });
    assert_eq!(roots(&told(3, other_revision)), "");
    let mut old = round(1, &[7, 8, 7]);
    for member in 1..=3 {
        change(&mut old, member, |hash| hash.hash_revision = None);
    }
    assert_eq!(roots(&told(3, old)), "DataDivergence n2");
}

#[test]
fn a_member_that_refuses_is_unknown_and_stands_in_the_coverage() {
    for (kind, class) in [
        (PermissionDenied, UnknownClass::PermissionDenied),
        (NotSupported, UnknownClass::NotServed),
        (Other, UnknownClass::Other),
    ] {
        let mut refused = round(1, &[7, 7]);
        refused.answers.push(answer(3, failed(kind)));
        let snapshot = told(3, refused);
        assert_eq!(roots(&snapshot), "");
        assert_eq!(
            (status(&snapshot, "n1"), status(&snapshot, "n3")),
            ("false", "unknown")
        );
        let gaps = snapshot.coverage.signals.iter();
        let gaps: Vec<_> = gaps.filter(|gap| gap.signal == "HashKV").collect();
        assert_eq!(gaps.len(), 1);
        assert_eq!(
            (gaps[0].class, gaps[0].subject.name.as_str()),
            (class, "n3")
        );
        assert!(gaps[0].reason.contains("asked at"), "{}", gaps[0].reason);
    }
}

#[test]
fn learners_strangers_and_answers_of_another_cluster_have_no_vote() {
    let learner = with(Scene::of(3).last_is_learner(), round(1, &[7, 7, 8]));
    let snapshot = Watch::default().see(learner);
    assert_eq!(status(&snapshot, "n3"), "unknown");
    assert_eq!(status(&snapshot, "test"), "false");
    let mut stranger = round(1, &[7, 7, 8]);
    change(&mut stranger, 3, |hash| hash.member_id = id(9));
    assert_eq!(roots(&told(3, stranger)), "");
    let mut foreign = round(1, &[7, 7, 8]);
    change(&mut foreign, 3, |hash| hash.cluster_id = ClusterId(1));
    assert_eq!(roots(&told(3, foreign)), "");
    let mut twice = round(1, &[7, 8, 8]);
    change(&mut twice, 3, |hash| hash.member_id = id(2));
    assert_eq!(
        roots(&told(3, twice)),
        "DataDivergence test",
        "two voters, two hashes"
    );
}

#[test]
fn what_was_found_holds_until_a_round_finds_it_equal_or_the_member_leaves() {
    let mut watch = Watch::default();
    watch.see(with(Scene::of(3), round(1, &[7, 8, 7])));
    let saved = serde_json::to_string(&watch.state).unwrap();
    watch.state = serde_json::from_str(&saved).unwrap();
    watch.second += 100_000;
    assert_eq!(roots(&watch.see(Scene::of(3))), "DataDivergence n2");
    let mut refused = round(2, &[7, 7, 7]);
    refused.answers[1] = answer(2, failed(Other));
    assert_eq!(
        roots(&watch.see(with(Scene::of(3), refused))),
        "DataDivergence n2"
    );
    let equal = round(watch.second, &[5, 5, 5]);
    let equal = watch.see(with(Scene::of(3), equal));
    assert_eq!(
        (roots(&equal).as_str(), status(&equal, "n2")),
        ("", "false")
    );

    let mut watch = Watch::default();
    watch.see(with(Scene::of(3), round(1, &[7, 7, 8])));
    let left = [(); 4].map(|()| watch.see(Scene::of(2)));
    assert_eq!(roots(&left[3]), "");
}

#[test]
fn a_split_ends_when_a_majority_settles_it() {
    let mut watch = Watch::default();
    let split = watch.see(with(Scene::of(3), round(1, &[7, 8, 9])));
    assert_eq!(roots(&split), "DataDivergence test");
    let mut without = round(2, &[7, 7, 7]);
    without.answers.pop();
    let part = watch.see(with(Scene::of(3), without));
    assert_eq!(roots(&part), "DataDivergence test", "nobody asked n3");
    assert_eq!(
        roots(&watch.see(with(Scene::of(3), round(3, &[7, 7, 9])))),
        "DataDivergence n3"
    );
    assert_eq!(
        roots(&watch.see(with(Scene::of(3), round(4, &[7, 7, 7])))),
        ""
    );
}

/// An alarm of etcd that calls `n2` corrupt.
fn corrupt() -> Scene {
    let alarm = Alarm {
        member: Some(id(2)),
        kind: AlarmKind::Corrupt,
    };
    Scene::of(3).each(|seen| seen.alarms = ok(vec![alarm.clone()]))
}

fn suspicion(snapshot: &Snapshot) -> &str {
    snapshot
        .consistency
        .suspicion
        .as_deref()
        .unwrap_or_default()
}

#[test]
fn an_alarm_is_a_suspicion_until_a_round_after_it() {
    let mut watch = Watch::default();
    assert_eq!(suspicion(&watch.see(Scene::of(3))), "");
    let words = "etcd raised the CORRUPT alarm for n2";
    assert_eq!(suspicion(&watch.see(corrupt())), words);
    let raised = watch.second;
    let early = watch.see(with(corrupt(), round(raised - 3, &[7, 7, 7])));
    assert_eq!(suspicion(&early), words, "it began before the alarm");
    let mut moved = round(raised + 6, &[7]);
    moved.compaction_moved = true;
    assert_eq!(suspicion(&watch.see(with(corrupt(), moved))), words);
    let looked = watch.see(with(corrupt(), round(raised + 11, &[7, 8, 7])));
    assert_eq!(suspicion(&looked), "");
    assert_eq!(
        roots(&looked),
        "DataDivergence n2",
        "which explains the alarm"
    );
    assert_eq!(suspicion(&watch.see(corrupt())), "", "it is no news");
    watch.see(Scene::of(3));
    assert_eq!(
        suspicion(&watch.see(corrupt())),
        words,
        "it was raised again"
    );
}

#[test]
fn a_restart_and_a_contradiction_are_suspicions() {
    let started = |second: i64| format!("process_start_time_seconds {second}\n");
    let mut watch = Watch::default();
    let running = |watch: &mut Watch, second| {
        let scene = (1..=3).fold(Scene::of(3), |scene, member| {
            scene.page(member, &started(1))
        });
        watch.see(scene.page(3, &started(second)))
    };
    assert_eq!(suspicion(&running(&mut watch, 1)), "");
    for restarted in [900, 1_200] {
        // Another restart begins the wait anew.
        for _ in 0..100 {
            assert_eq!(suspicion(&running(&mut watch, restarted)), "");
        }
    }
    let quiet = (0..22).map(|_| running(&mut watch, 1_200)).last().unwrap();
    assert_eq!(suspicion(&quiet), "n3 restarted");
    assert!(!quiet.consistency.urgent, "it can wait");
    let looked = watch.second + 1;
    watch.second += 5;
    let after = watch.see(with(Scene::of(3), round(looked, &[7, 7, 7])));
    assert_eq!(suspicion(&after), "");
    assert_eq!(suspicion(&running(&mut watch, 1_200)), "", "it is no news");

    let mut watch = Watch::default();
    let odd = || {
        let scene = (1..=3).fold(Scene::of(3), |scene, member| {
            scene.page(member, &started(1))
        });
        scene.status(2, |status| status.revision += 5)
    };
    let seen = [(); 3].map(|()| watch.see(odd()));
    assert_eq!(roots(&seen[2]), "", "once is no proof");
    assert!(suspicion(&seen[2]).starts_with("an answer of n2 contradicts one of "));
    assert!(seen[2].consistency.urgent);
}
