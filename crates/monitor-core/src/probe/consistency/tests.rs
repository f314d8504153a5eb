//! Rounds on real clusters: equal data, one changed value, and who is not asked.

use std::collections::BTreeSet;

use etcd_monitor_client::discovery::{Discovery, DiscoveryPolicy};
use etcd_monitor_model::{
    ClusterId, FailureKind, KvHash, ListedMember, MemberStatus, MembershipView, ProbeFailure,
    Snapshot, rule,
};
use etcd_monitor_testkit::Cluster;
use tokio::time::timeout;

use super::*;
use crate::probe::member;
use crate::{AssessState, ClusterProbe, EtcdProbe, Parameters, ProbeOptions, assess};

const PATIENCE: Duration = Duration::from_mins(1);

/// A monitor without pauses between its cycles.
struct Watch {
    probe: EtcdProbe,
    state: AssessState,
    cycle: u64,
}

impl Watch {
    fn of(cluster: &Cluster, interval: Duration) -> Self {
        let endpoint = Endpoint::parse(cluster.member(0).client_url(), false).unwrap();
        let mut options = ProbeOptions::new("test", vec![endpoint]);
        options.consistency = Some(ConsistencyOptions {
            interval,
            ..ConsistencyOptions::default()
        });
        Self {
            probe: EtcdProbe::new(options).unwrap(),
            state: AssessState::default(),
            cycle: 0,
        }
    }

    /// Looks until this is so of the snapshot and of the round that ended, if one did.
    async fn until(
        &mut self,
        mut wanted: impl FnMut(&Snapshot, Option<&HashRound>) -> bool,
    ) -> Snapshot {
        let look = async {
            loop {
                self.cycle += 1;
                let observation = self.probe.observe(self.cycle, Duration::ZERO).await;
                let snapshot = assess(&mut self.state, &observation, &Parameters::default());
                self.probe.suspect(&snapshot.consistency);
                if wanted(&snapshot, observation.hashes.as_ref()) {
                    return snapshot;
                }
            }
        };
        timeout(PATIENCE, look).await.expect("it came to this")
    }

    async fn round(&mut self) -> HashRound {
        let snapshot = self.until(|_, round| round.is_some()).await;
        snapshot.consistency.latest.unwrap()
    }
}

fn hashes(round: &HashRound) -> Vec<KvHash> {
    let answers = round.answers.iter();
    answers.map(|answer| *answer.hash.ok().unwrap()).collect()
}

async fn equal_on(version: &str) {
    let builder = Cluster::builder().members(3).version(version);
    let cluster = builder.start().await.unwrap();
    cluster.put("k", "v").await.unwrap();
    let mut watch = Watch::of(&cluster, Duration::from_millis(1));
    let round = watch.round().await;
    let hashes = hashes(&round);
    let members: BTreeSet<MemberId> = hashes.iter().map(|hash| hash.member_id).collect();
    assert_eq!((hashes.len(), members.len()), (3, 3));
    assert!(
        hashes.iter().all(|hash| hash.hash == hashes[0].hash),
        "{round:?}"
    );
    let leader = cluster.leader_index().await.unwrap();
    assert_eq!(round.answers[2].member.0, cluster.member(leader).id());
    assert_eq!(round.suspicion, None);
    let snapshot = watch.until(|_, _| true).await;
    let found = snapshot.findings.iter();
    let mut found = found.filter(|found| found.rule == rule::DATA_DIVERGENCE);
    assert!(found.all(|found| found.status.as_str() == "false"));
    watch.probe.close().await;
}

#[tokio::test]
async fn members_of_three_seven_hash_alike() {
    equal_on("3.7.3").await;
}

#[tokio::test]
async fn members_of_three_six_hash_alike() {
    equal_on("3.6.16").await;
}

#[tokio::test]
async fn members_of_three_five_hash_alike() {
    equal_on("3.5.35").await;
}

#[tokio::test]
async fn a_member_with_one_changed_value_is_named_although_all_revisions_agree() {
    let cluster = Cluster::builder().members(3).start().await.unwrap();
    cluster.put("k", "what was written").await.unwrap();
    let leader = cluster.leader_index().await.unwrap();
    let victim = (leader + 1) % 3;
    let mut watch = Watch::of(&cluster, Duration::from_millis(1));
    watch.round().await;
    // It has applied the write once it answers a linearizable read.
    let member = cluster.member(victim);
    member.wait_ready(PATIENCE).await.unwrap();
    member.terminate().await.unwrap();
    cluster
        .tamper(victim, b"what was written", b"what nobody knew")
        .unwrap();
    member.restart().await.unwrap();
    let is_named = |snapshot: &Snapshot| {
        let mut found = snapshot.findings.iter();
        found.any(|found| found.rule == rule::DATA_DIVERGENCE && found.status.is_true())
    };
    let snapshot = watch.until(|snapshot, _| is_named(snapshot)).await;
    let found = snapshot.findings.iter();
    let found: Vec<_> = found
        .filter(|found| found.rule == rule::DATA_DIVERGENCE && found.status.is_true())
        .collect();
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].subject.id, Some(MemberId(member.id())));
    let only_hashes = found[0].evidence.iter();
    assert!(
        only_hashes
            .clone()
            .all(|evidence| evidence.source.starts_with("HashKV of ")),
        "{:#?}",
        found[0].evidence
    );
    assert_eq!(only_hashes.count(), 3);
}

#[tokio::test]
async fn a_suspicion_does_not_wait_for_the_schedule() {
    let mut cluster = Cluster::builder().members(3).start().await.unwrap();
    cluster.add_learner().await.unwrap();
    let mut watch = Watch::of(&cluster, Duration::from_hours(6));
    watch.until(|snapshot, _| snapshot.members.len() == 4).await;
    watch
        .probe
        .suspect(&suspected("a test wants to know", true));
    let began = Timestamp::now();
    watch.cycle += 1;
    let observation = watch.probe.observe(watch.cycle, Duration::ZERO).await;
    assert!(observation.hashes.is_none(), "a round runs beside cycles");
    let round = watch.round().await;
    assert_eq!(round.suspicion.as_deref(), Some("a test wants to know"));
    assert!(round.began_at >= began);
    assert_eq!(hashes(&round).len(), 3, "the learner is not asked");
    // Further suspicions wait.
    let consistency = watch.probe.consistency.as_mut().unwrap();
    consistency.suspect(&suspected("again", true));
    assert!(!consistency.may_suspect(&[], Instant::now()));
    assert!(consistency.may_suspect(&[], Instant::now() + SUSPICION_PAUSE));
}

fn suspected(what: &str, urgent: bool) -> ConsistencySummary {
    ConsistencySummary {
        suspicion: Some(what.to_owned()),
        urgent,
        ..ConsistencySummary::default()
    }
}

/// A voter that uses so many bytes, whose page says this of the hashes that it has made.
fn sized(bytes: i64, page: &str) -> MemberObservation {
    let mut member = seen(1, 90, 40, true);
    let status = member
        .status
        .as_mut()
        .and_then(|probe| probe.result.as_mut().ok());
    status.unwrap().db_size_in_use_bytes = bytes;
    member.metrics = Some(answer(crate::read_metrics_page(page.as_bytes())));
    member
}

#[tokio::test]
async fn what_can_wait_also_waits_for_what_a_hash_is_likely_to_take() {
    let start = Instant::now();
    let options = ConsistencyOptions::default();
    let mut consistency = Consistency::new(options, &ClusterName::new("test"), start);
    let family = "etcd_mvcc_hash_rev_duration_seconds";
    let made = |count, sum| {
        format!(
            "{family}_bucket{{le=\"+Inf\"}} {count}\n{family}_sum {sum}\n{family}_count {count}\n"
        )
    };
    let small = sized(0, "");
    // By its size a hash takes 0.97 s, and by those it made 4 s.
    for (seen, pause) in [
        (vec![small.clone(), sized(3_000_000_000, "")], 97),
        (vec![sized(3_000_000_000, &made(0, 0)), small.clone()], 97),
        (vec![small, sized(3_000_000_000, &made(3, 12))], 400),
    ] {
        consistency.suspect(&suspected("n3 restarted", false));
        let may = |after: u64| consistency.may_suspect(&seen, start + Duration::from_secs(after));
        assert_eq!((may(pause - 1), may(pause + 1)), (false, true));
        consistency.suspect(&suspected("answers contradict each other", true));
        assert!(consistency.may_suspect(&seen, start), "at once");
    }
}

fn answered(took_seconds: f64, result: Result<KvHash, FailureKind>) -> HashAnswer {
    HashAnswer {
        endpoint: "http://n1:2379".to_owned(),
        member: MemberId(1),
        hash: Probe {
            at: Timestamp::UNIX_EPOCH,
            took_seconds,
            result: result.map_err(|kind| ProbeFailure {
                kind,
                message: String::new(),
            }),
        },
    }
}

fn round_of(answers: Vec<HashAnswer>) -> HashRound {
    HashRound {
        began_at: Timestamp::UNIX_EPOCH,
        suspicion: None,
        revision: 9,
        answers,
        compaction_moved: false,
    }
}

/// Seconds from a round with these calls to the next scheduled one and to the next on suspicion.
fn pauses(calls: &[f64]) -> (u64, u64) {
    let client = ClusterClient::new(etcd_monitor_client::ClientOptions::default()).unwrap();
    let now = Instant::now();
    let name = ClusterName::new("test");
    let mut consistency = Consistency::new(ConsistencyOptions::default(), &name, now);
    let timed_out = |seconds: &f64| answered(*seconds, Err(FailureKind::TimedOut));
    let round = round_of(calls.iter().map(timed_out).collect());
    consistency.go_on(&round, &client, &[], now);
    let after = |at: Instant| at.duration_since(now).as_secs();
    (after(consistency.due), after(consistency.calm_until))
}

#[tokio::test]
async fn the_longer_a_member_takes_the_rarer_it_is_asked() {
    assert_eq!(pauses(&[0.1, 0.3]), (21_600, 600));
    assert_eq!(pauses(&[2.0, 40.0, 1.0]), (40_000, 4_000));
    assert_eq!(pauses(&[f64::NAN, -1.0]), (21_600, 600));
}

#[tokio::test]
async fn first_rounds_of_clusters_spread_over_ten_minutes() {
    let now = Instant::now();
    for name in ["a", "b", "c", "d"] {
        let options = ConsistencyOptions::default();
        let consistency = Consistency::new(options, &ClusterName::new(name), now);
        let first = consistency.due.duration_since(now);
        assert!((FIRST..FIRST + SPREAD).contains(&first), "{first:?}");
    }
}

#[test]
fn what_was_compacted_otherwise_does_not_compare() {
    let hash = |compact_revision| KvHash {
        cluster_id: ClusterId(1),
        member_id: MemberId(1),
        hash: 7,
        compact_revision,
        hash_revision: None,
        revision: 9,
    };
    let before = [
        answered(0.1, Err(FailureKind::Other)),
        answered(0.1, Ok(hash(3))),
    ];
    assert!(has_compacted_as(&before, &answered(0.1, Ok(hash(3)))));
    assert!(!has_compacted_as(&before, &answered(0.1, Ok(hash(4)))));
    let refused = answered(0.1, Err(FailureKind::Other));
    assert!(has_compacted_as(&before, &refused));
}

/// A voter at this revision that has compacted up to another one, among three that are listed.
fn seen(member: u64, revision: i64, compacted: i64, leads: bool) -> MemberObservation {
    let endpoint = Endpoint::parse(&format!("n{member}:2379"), false).unwrap();
    let policy = DiscoveryPolicy {
        enabled: true,
        has_credentials: false,
        verified_tls: false,
    };
    let target = Discovery::new(vec![endpoint], policy).targets().remove(0);
    let mut seen = member::unasked(&target.advertised, &target);
    let listed = (1..=3).map(|id| ListedMember {
        id: MemberId(id),
        name: format!("n{id}"),
        client_urls: Vec::new(),
        peer_urls: Vec::new(),
        is_learner: id == 3,
    });
    let list = MembershipView {
        cluster_id: ClusterId(1),
        members: listed.collect(),
    };
    seen.members_linearizable = Some(answer(list));
    seen.status = Some(answer(status(member, revision, leads)));
    let page = format!("etcd_debugging_mvcc_compact_revision {compacted}\n");
    seen.metrics = Some(answer(crate::read_metrics_page(page.as_bytes())));
    seen
}

fn status(member: u64, revision: i64, leads: bool) -> MemberStatus {
    MemberStatus {
        cluster_id: ClusterId(1),
        member_id: MemberId(member),
        revision,
        raft_term: 2,
        raft_index: 20,
        raft_applied_index: Some(20),
        leader: leads.then_some(MemberId(member)),
        is_learner: false,
        version: "3.7.3".to_owned(),
        db_size_bytes: 1,
        db_size_in_use_bytes: 1,
        db_quota_bytes: None,
        errors: Vec::new(),
        downgrade_target: None,
        storage_version: None,
    }
}

fn answer<T>(answer: T) -> Probe<T> {
    Probe {
        at: Timestamp::UNIX_EPOCH,
        took_seconds: 0.0,
        result: Ok(answer),
    }
}

#[test]
fn voters_that_are_ahead_of_every_compaction_are_asked_the_leader_last() {
    let ids = |seen: &[MemberObservation]| -> Vec<u64> {
        voters(seen).iter().map(|voter| voter.id.0).collect()
    };
    let [first, second] = [seen(1, 90, 40, true), seen(2, 80, 40, false)];
    assert_eq!(ids(&[first.clone(), second.clone()]), [2, 1]);
    let twice = [first.clone(), first.clone(), second.clone()];
    assert_eq!(ids(&twice), [2, 1]);
    let third_is_listed_as_learner = [first.clone(), seen(3, 90, 40, false)];
    assert_eq!(ids(&third_is_listed_as_learner), [1]);
    assert_eq!(
        ids(&[first, seen(9, 90, 40, false)]),
        [1],
        "it is not listed"
    );
    for behind in [79, 80] {
        let lagging = [seen(1, 90, 80, true), seen(2, behind, 40, false)];
        assert_eq!(ids(&lagging), [1], "{behind}");
    }
    assert!(ids(&[]).is_empty());
}

#[tokio::test]
async fn a_round_that_compaction_overtook_is_begun_anew_twice_and_the_third_goes_on() {
    let client = ClusterClient::new(etcd_monitor_client::ClientOptions::default()).unwrap();
    let now = Instant::now();
    let name = ClusterName::new("test");
    let mut consistency = Consistency::new(ConsistencyOptions::default(), &name, now);
    let voters = [seen(1, 90, 40, true), seen(2, 80, 40, false)];
    consistency.begin(None, &client, &voters);
    let mut moved = round_of(Vec::new());
    moved.compaction_moved = true;
    for attempt in 2..=ATTEMPTS_MAX {
        consistency.close().await;
        consistency.go_on(&moved, &client, &voters, now);
        assert_eq!(
            (consistency.attempt, consistency.running.len()),
            (attempt, 1)
        );
    }
    consistency.close().await;
    consistency.go_on(&moved, &client, &voters, now);
    assert_eq!(consistency.running.len(), 0, "it waits for the schedule");
    consistency.begin(None, &client, &voters[..1]);
    assert_eq!(
        consistency.running.len(),
        0,
        "one has nobody to compare with"
    );
}
