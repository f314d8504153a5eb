//! What holds for any observation, however hostile.

use std::collections::BTreeSet;

use etcd_monitor_model::{
    Alarm, AlarmKind, Certificate, ClockReading, ClusterId, EndpointOrigin, FailureKind,
    ListedMember, MemberId, MemberObservation, MemberStatus, MembershipView, MetricsPage, PortKind,
    PortTrust, Probe, ProbeFailure, ReadAnswer, ShownCertificates, Snapshot, TrustReport, rule,
};
use jiff::Timestamp;
use proptest::prelude::*;

use super::scene::{Scene, Watch, at};

const KINDS: [FailureKind; 11] = [
    FailureKind::Refused,
    FailureKind::TimedOut,
    FailureKind::NameResolution,
    FailureKind::Tls,
    FailureKind::Unauthenticated,
    FailureKind::PermissionDenied,
    FailureKind::NoLeader,
    FailureKind::NotSupported,
    FailureKind::BadAnswer,
    FailureKind::NotAllowed,
    FailureKind::Other,
];

fn probe<T: Clone + std::fmt::Debug + 'static>(
    answer: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Option<Probe<T>>> {
    let failure = prop::sample::select(&KINDS[..]).prop_map(|kind| {
        Err(ProbeFailure {
            kind,
            message: String::new(),
        })
    });
    let result = prop_oneof![3 => answer.prop_map(Ok), 2 => failure];
    let probe = result.prop_map(|result| Probe {
        at: at(0),
        took_seconds: 0.01,
        result,
    });
    prop::option::weighted(0.9, probe)
}

/// Few values, so that ids meet; the extremes among them.
fn number() -> impl Strategy<Value = u64> {
    prop::sample::select(&[0, 1, 2, 3, u64::MAX][..])
}

fn signed() -> impl Strategy<Value = i64> {
    prop::sample::select(&[i64::MIN, -1, 0, 1, 80, 100, i64::MAX][..])
}

fn float() -> impl Strategy<Value = f64> {
    let values = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -1.0,
        0.0,
        1.0,
        5.0,
        1e300,
    ];
    prop::sample::select(values.to_vec())
}

fn member() -> impl Strategy<Value = MemberId> {
    number().prop_map(MemberId)
}

fn cluster() -> impl Strategy<Value = ClusterId> {
    prop::sample::select(&[1, 1, 1, 2, u64::MAX][..]).prop_map(ClusterId)
}

fn status() -> impl Strategy<Value = MemberStatus> {
    let ids = (cluster(), member(), prop::option::of(member()));
    let raft = (signed(), number(), number(), prop::option::of(number()));
    let sizes = (signed(), signed(), prop::option::of(signed()));
    (ids, raft, sizes, any::<bool>()).prop_map(|(ids, raft, sizes, is_learner)| MemberStatus {
        cluster_id: ids.0,
        member_id: ids.1,
        leader: ids.2,
        revision: raft.0,
        raft_term: raft.1,
        raft_index: raft.2,
        raft_applied_index: raft.3,
        db_size_bytes: sizes.0,
        db_size_in_use_bytes: sizes.1,
        db_quota_bytes: sizes.2,
        is_learner,
        version: String::new(),
        storage_version: None,
        downgrade_target: None,
        errors: Vec::new(),
    })
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(&["", "a", "a", "http://e0", "\n\"\\"][..]).prop_map(str::to_owned)
}

fn list() -> impl Strategy<Value = MembershipView> {
    let listed =
        (member(), name(), any::<bool>()).prop_map(|(id, name, is_learner)| ListedMember {
            id,
            client_urls: Vec::new(),
            peer_urls: Vec::new(),
            name,
            is_learner,
        });
    (cluster(), prop::collection::vec(listed, 0..6)).prop_map(|(cluster_id, members)| {
        MembershipView {
            cluster_id,
            members,
        }
    })
}

fn alarms() -> impl Strategy<Value = Vec<Alarm>> {
    let kinds = [AlarmKind::NoSpace, AlarmKind::Corrupt, AlarmKind::Unknown];
    let alarm = (
        prop::option::of(member()),
        prop::sample::select(kinds.to_vec()),
    );
    prop::collection::vec(
        alarm.prop_map(|(member, kind)| Alarm { member, kind }),
        0..4,
    )
}

/// A page with any of the families that are read, whatever their values and labels.
fn page() -> impl Strategy<Value = MetricsPage> {
    let families = prop::sample::select(crate::metrics_page::FAMILIES.clone());
    let ending = prop::sample::select(&["", "_bucket", "_sum"][..]);
    let bound = prop::sample::select(&["0.001", "0.002", "+Inf", "NaN"][..]);
    let line = (families, ending, bound, member(), float());
    prop::collection::vec(line.prop_map(sample), 0..40)
        .prop_map(|lines| crate::read_metrics_page(lines.concat().as_bytes()))
}

fn sample((family, ending, bound, peer, value): (&str, &str, &str, MemberId, f64)) -> String {
    let labels = format!(
        "To=\"{peer}\",type=\"Put\",success=\"true\",grpc_type=\"unary\",grpc_method=\"Put\",grpc_code=\"Internal\",name=\"a\",le=\"{bound}\""
    );
    format!("{family}{ending}{{{labels}}} {value}\n")
}

fn seen() -> impl Strategy<Value = MemberObservation> {
    let read = || probe(Just(ReadAnswer { revision: Some(1) }));
    let place = (0u8..4, any::<bool>(), prop::option::of(member()));
    let answers = (
        probe(status()),
        probe(list()),
        probe(list()),
        probe(alarms()),
    );
    (place, answers, read(), read(), probe(page())).prop_map(
        |(place, answers, linearizable, serializable, metrics)| MemberObservation {
            endpoint: format!("http://e{}", place.0),
            origin: if place.1 {
                EndpointOrigin::Configured
            } else {
                EndpointOrigin::Discovered
            },
            expected_member: place.2,
            status: answers.0,
            members_serializable: answers.1,
            members_linearizable: answers.2,
            alarms: answers.3,
            read_linearizable: linearizable,
            read_serializable: serializable,
            metrics,
            clock: None,
            trust: None,
            metrics_url: None,
        },
    )
}

/// Any chain on any of the ports that any member is asked at.
fn trust() -> impl Strategy<Value = Option<TrustReport>> {
    let time = prop::sample::select(vec![Timestamp::MIN, at(-9_000), at(9_000), Timestamp::MAX]);
    let certificate = (time.clone(), time, name(), any::<bool>()).prop_map(|seen| Certificate {
        subject: seen.2.clone(),
        issuer: seen.2,
        serial: String::new(),
        issuer_key: None,
        own_key: None,
        not_before: seen.0,
        not_after: seen.1,
        names: Vec::new(),
        server_auth: seen.3,
        client_auth: seen.3,
    });
    let chain = prop::collection::vec(certificate, 0..3);
    let shown = (chain, any::<bool>()).prop_map(|(chain, covers_host)| ShownCertificates {
        chain,
        covers_host,
        refused: None,
    });
    let kind = prop::sample::select(&[PortKind::Client, PortKind::Peer][..]);
    let port = (kind, 0u8..4, any::<bool>(), probe(shown)).prop_map(|port| PortTrust {
        kind: port.0,
        url: format!("http://e{}", port.1),
        advertised: port.2,
        handshake: port.3,
    });
    let report = prop::collection::vec(port, 0..4).prop_map(|ports| TrustReport { ports });
    prop::option::of(report)
}

fn clock() -> impl Strategy<Value = Option<ClockReading>> {
    let time = || prop::sample::select(vec![Timestamp::MIN, at(0), at(5), Timestamp::MAX]);
    let reading = (time(), float(), time()).prop_map(|(sent_at, took, date)| ClockReading {
        sent_at,
        answered_after_seconds: took,
        date,
    });
    prop::option::of(reading)
}

fn trusted() -> impl Strategy<Value = MemberObservation> {
    (seen(), trust(), clock()).prop_map(|(seen, trust, clock)| MemberObservation {
        trust,
        clock,
        ..seen
    })
}

fn cycle() -> impl Strategy<Value = (i64, Scene)> {
    let steps = prop::sample::select(&[-10_000i64, 0, 5, 400, 5_000][..]);
    let lag = prop::sample::select(&[0.0, 0.0, 0.0, 30.0, f64::NAN][..]);
    (steps, lag, prop::collection::vec(trusted(), 0..6)).prop_map(|(step, lag_seconds, members)| {
        let scene = Scene {
            members,
            lag_seconds,
            own_certificates: None,
            canary: None,
            hashes: None,
        };
        (step, scene)
    })
}

fn check(snapshot: &Snapshot) {
    let mut keys = BTreeSet::new();
    for finding in &snapshot.findings {
        assert!(
            keys.insert(finding.key()),
            "{:?} stands twice",
            finding.key()
        );
        let area = rule::alert_type(&finding.rule);
        assert_eq!(area, Some(finding.alert_type), "{}", finding.rule);
        assert!(finding.since <= snapshot.at, "{finding:?}");
        assert_eq!(
            finding.status.is_true(),
            !finding.cause.is_empty(),
            "{finding:?}"
        );
        assert_eq!(
            finding.status.is_true(),
            !finding.action.is_empty(),
            "{finding:?}"
        );
    }
    for finding in &snapshot.findings {
        let explained_by = finding.caused_by.as_ref();
        assert!(
            explained_by.is_none_or(|root| keys.contains(root)),
            "{finding:?}"
        );
    }
    check_members(snapshot);
    super::samples::check(snapshot);
    check_quorum(snapshot);
    assert!(snapshot.cycle_seconds >= 0.0);
}

fn check_members(snapshot: &Snapshot) {
    let mut ids = BTreeSet::new();
    for member in &snapshot.members {
        assert!(
            member.id.is_none_or(|id| ids.insert(id)),
            "{:?} stands twice",
            member.id
        );
        super::load::check_rates(member);
        let counters = member.counters.unwrap_or_default();
        for value in [
            counters.proposals_pending,
            counters.proposals_failed,
            counters.resident_memory_bytes,
            counters.watchers,
            counters.rpcs_in_flight,
            counters.request_rate_per_second,
        ] {
            assert!(
                value.is_none_or(|value| value.is_finite() && value >= 0.0),
                "{counters:?}"
            );
        }
        for quantile in [
            counters.wal_fsync_p95_seconds,
            counters.backend_commit_p95_seconds,
            counters.write_p50_seconds,
            counters.write_p95_seconds,
            counters.write_p99_seconds,
        ] {
            assert!(quantile.is_none_or(f64::is_finite), "{counters:?}");
        }
    }
}

fn check_quorum(snapshot: &Snapshot) {
    if let Some(quorum) = snapshot.quorum {
        assert!(
            quorum.needed >= 1 && quorum.needed <= quorum.voters,
            "{quorum:?}"
        );
        assert!(
            quorum
                .available
                .is_none_or(|available| available <= quorum.voters),
            "{quorum:?}"
        );
        assert!(
            quorum
                .tolerance
                .is_none_or(|tolerance| tolerance < quorum.voters),
            "{quorum:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_observation_is_recorded_as_it_is(cycles in prop::collection::vec(cycle(), 1..5)) {
        let watch = Watch::default();
        let seen: Vec<_> = cycles.into_iter().map(|(_, scene)| watch.observation(scene)).collect();
        let head = crate::RecordingHead::new(seen[0].cluster.clone(), crate::Parameters::default());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recording");
        crate::Recording::of(head, seen.clone()).save(&path).unwrap();
        let loaded = crate::Recording::load(&path).unwrap();
        let loaded: Vec<_> = loaded.observations().cloned().collect();
        // Not a number does not equal itself.
        prop_assert_eq!(format!("{:?}", loaded), format!("{:?}", seen));
    }

    #[test]
    fn any_observation_gives_a_sound_snapshot(cycles in prop::collection::vec(cycle(), 1..5)) {
        let mut watch = Watch::default();
        for (step, scene) in cycles {
            watch.second += step;
            let before = watch.clone();
            let snapshot = watch.see(scene.clone());
            check(&snapshot);
            let mut again = before;
            prop_assert_eq!(format!("{:?}", again.see(scene)), format!("{snapshot:?}"));
            let saved = serde_json::to_string(&watch.state).unwrap();
            prop_assert!(serde_json::from_str::<crate::AssessState>(&saved).is_ok(), "{}", saved);
        }
    }
}
