//! Clusters that are silent together.

use etcd_monitor_model::{
    EndpointOrigin, MemberObservation, MonitorCondition, Observation, Probe, ProbeFailure,
};
use jiff::{Timestamp, ToSpan};

use super::*;
use crate::{AssessState, Parameters, assess};

/// A cluster whose endpoints fail in these ways, as assessed `second`s after a fixed time.
fn silent(name: &str, second: i64, kinds: &[FailureKind]) -> Snapshot {
    let at = Timestamp::from_second(1_700_000_000 + second).unwrap();
    let members = kinds.iter().enumerate();
    let observation = Observation {
        cluster: ClusterName::new(name),
        cycle: 1,
        started_at: at - 2.seconds(),
        ended_at: at,
        interval_seconds: 5.0,
        monitor: MonitorCondition {
            timer_lag_seconds: 0.0,
            deadline_seconds: 2.0,
        },
        members: members.map(|(n, kind)| member(n, *kind, at)).collect(),
        own_certificates: None,
        canary: None,
        hashes: None,
    };
    assess(
        &mut AssessState::default(),
        &observation,
        &Parameters::default(),
    )
}

fn member(number: usize, kind: FailureKind, at: Timestamp) -> MemberObservation {
    let failure = ProbeFailure {
        kind,
        message: String::new(),
    };
    MemberObservation {
        endpoint: format!("http://n{number}:2379"),
        origin: EndpointOrigin::Configured,
        expected_member: None,
        status: Some(Probe {
            at,
            took_seconds: 2.0,
            result: Err(failure),
        }),
        members_serializable: None,
        members_linearizable: None,
        alarms: None,
        read_linearizable: None,
        read_serializable: None,
        metrics: None,
        clock: None,
        trust: None,
        metrics_url: None,
    }
}

const TIMED_OUT: &[FailureKind] = &[FailureKind::TimedOut];

fn timed_out_at(name: &str, second: i64) -> Snapshot {
    silent(name, second, TIMED_OUT)
}

#[test]
fn cycles_that_jitter_around_the_same_start_still_cover_one_interval() {
    // The latest of b is that of the cycle before, which ended a little earlier within its interval than a's does now.
    let (a, b) = (timed_out_at("a", 6), timed_out_at("b", 0));
    assert!(doubt_monitor(&a, &[&a, &b]).is_some());
    let long_ago = timed_out_at("b", -5);
    assert!(doubt_monitor(&a, &[&a, &long_ago]).is_none());
}

#[test]
fn two_clusters_silent_within_an_interval_are_one_doubt_about_the_monitor() {
    let (a, b) = (timed_out_at("a", 0), timed_out_at("b", 4));
    let first = doubt_monitor(&a, &[&a, &b]).unwrap();
    let second = doubt_monitor(&b, &[&a, &b]).unwrap();
    let roots: Vec<&Finding> = first
        .findings
        .iter()
        .filter(|found| found.is_root())
        .collect();
    assert_eq!(roots.len(), 1);
    assert_eq!(roots[0].rule, rule::MONITOR_CUT_OFF);
    assert_eq!(roots[0].subject, Subject::monitor());
    assert_eq!(roots[0].alert_type, AlertType::Configuration);
    assert!(roots[0].cause.contains("(a, b)"), "{}", roots[0].cause);
    assert_eq!(
        roots[0].action,
        "On the monitor's own host: `ip route`, then `curl -sS --max-time 3 http://n0:2379/health` (a), `curl -sS --max-time 3 http://n0:2379/health` (b)"
    );
    for doubted in [&first, &second] {
        assert_eq!((doubted.health.healthy, doubted.health.worst), (None, None));
        assert!(
            doubted
                .members
                .iter()
                .all(|member| member.healthy.is_none())
        );
        let rest = doubted
            .findings
            .iter()
            .filter(|found| found.rule != rule::MONITOR_CUT_OFF);
        assert!(
            rest.into_iter()
                .all(|found| found.status.as_str() == "unknown")
        );
    }
    assert!(
        second.findings.iter().all(|found| !found.status.is_true()),
        "said once"
    );
}

#[test]
fn the_list_may_leave_out_the_cluster_itself() {
    let (a, b) = (timed_out_at("a", 0), timed_out_at("b", 4));
    assert_eq!(doubt_monitor(&a, &[&b]), doubt_monitor(&a, &[&a, &b]));
    assert_eq!(doubt_monitor(&a, &[&a]), None);
}

#[test]
fn a_refusal_or_another_time_is_no_doubt() {
    use FailureKind::{Refused, TimedOut};
    let own = timed_out_at("a", 0);
    for (what, other) in [
        ("it refused", silent("b", 0, &[Refused])),
        ("one of it refused", silent("b", 0, &[TimedOut, Refused])),
        ("it was long ago", timed_out_at("b", -11)),
        ("it has no endpoint", silent("b", 0, &[])),
    ] {
        assert_eq!(doubt_monitor(&own, &[&own, &other]), None, "{what}");
    }
    let refused = silent("c", 0, &[Refused]);
    let other = timed_out_at("b", 0);
    assert_eq!(doubt_monitor(&refused, &[&own, &other, &refused]), None);
}

#[test]
fn an_address_that_may_not_be_asked_does_not_hide_the_silence() {
    let own = silent("a", 0, &[FailureKind::TimedOut, FailureKind::NotAllowed]);
    let other = timed_out_at("b", 0);
    assert!(doubt_monitor(&own, &[&own, &other]).is_some());
}

#[tokio::test]
async fn a_fleet_publishes_what_it_doubts_and_ends_with_its_monitors() {
    let (a, seen_a) = watch::channel(None);
    let (b, seen_b) = watch::channel(None);
    let names = [ClusterName::new("a"), ClusterName::new("b")];
    let fleet = Fleet::new(names.into_iter().zip([seen_a, seen_b]));
    let mut published = fleet.subscribe();
    let running = tokio::spawn(fleet.run(CancellationToken::new()));
    a.send_replace(Some(Arc::new(timed_out_at("a", 0))));
    published[0].1.changed().await.unwrap();
    assert_eq!(next(&published[0].1).health.healthy, Some(false));
    b.send_replace(Some(Arc::new(timed_out_at("b", 1))));
    published[1].1.changed().await.unwrap();
    assert_eq!(next(&published[1].1).health.healthy, None);
    drop((a, b));
    running.await.unwrap();
}

#[tokio::test]
async fn clusters_come_change_and_go_without_touching_the_others() {
    let name = |name: &str| ClusterName::new(name);
    let (a, seen_a) = watch::channel(None);
    let (b, seen_b) = watch::channel(None);
    let fleet = Fleet::new([(name("a"), seen_a.clone()), (name("b"), seen_b)]);
    let handle = fleet.handle();
    let running = tokio::spawn(fleet.run(CancellationToken::new()));
    let before = handle.subscribe();
    let (mut of_a, mut of_b) = (before[0].1.clone(), before[1].1.clone());
    a.send_replace(Some(Arc::new(timed_out_at("a", 0))));
    of_a.changed().await.unwrap();

    // `b` gets another monitor, and `c` comes.
    let (other_b, seen_b) = watch::channel(None);
    let (c, seen_c) = watch::channel(None);
    handle.set([
        (name("a"), seen_a),
        (name("b"), seen_b),
        (name("c"), seen_c),
    ]);
    drop(b);
    let mut of_c = handle.subscribe().remove(2).1;
    other_b.send_replace(Some(Arc::new(timed_out_at("b", 500))));
    of_b.changed().await.unwrap();
    c.send_replace(Some(Arc::new(timed_out_at("c", 1_000))));
    of_c.changed().await.unwrap();
    assert!(!of_a.has_changed().unwrap(), "nothing is told twice");

    handle.set([]);
    for gone in [&mut of_a, &mut of_b, &mut of_c] {
        assert!(gone.changed().await.is_err(), "its receivers are closed");
    }
    drop(handle);
    running.await.unwrap();
}

fn next(receiver: &SnapshotReceiver) -> Arc<Snapshot> {
    receiver.borrow().clone().unwrap()
}

fn stored(snapshot: &Snapshot) -> Option<&Finding> {
    let mut findings = snapshot.findings.iter();
    findings.find(|finding| finding.rule == rule::HISTORY_NOT_STORED)
}

#[tokio::test]
async fn a_history_that_is_not_stored_is_said_once_and_ends() {
    let (failing, failure) = watch::channel(None);
    let (a, b) = (watch::Sender::new(None), watch::Sender::new(None));
    let names = [("a", a.subscribe()), ("b", b.subscribe())];
    let names = names.map(|(name, receiver)| (ClusterName::new(name), receiver));
    let fleet = Fleet::new(names).with_part(MonitorPart::History, move || failure.borrow().clone());
    let fleet = fleet.with_part(MonitorPart::Notifications, move || None);
    let mut receivers = fleet.subscribe();
    let stop = CancellationToken::new();
    let running = tokio::spawn(fleet.run(stop.clone()));
    let mut said = Vec::new();
    let since = Timestamp::from_second(1_699_999_000).unwrap();
    let broken = PartFailure {
        since,
        reason: "no space left on device".to_owned(),
    };
    for (second, condition) in [(0, None), (5, Some(broken)), (10, None)] {
        failing.send_replace(condition);
        for (sender, (name, receiver)) in [&a, &b].into_iter().zip(&mut receivers) {
            sender.send_replace(Some(Arc::new(silent(name.as_str(), second, &[]))));
            receiver.changed().await.unwrap();
            said.push(receiver.borrow_and_update().clone().unwrap());
        }
    }
    let of_first: Vec<&Finding> = said.iter().step_by(2).filter_map(|it| stored(it)).collect();
    let statuses: Vec<bool> = of_first.iter().map(|it| it.status.is_true()).collect();
    assert_eq!(statuses, [false, true, false]);
    assert_eq!(of_first[1].since, since);
    assert!(of_first[1].cause.contains("no space left"));
    let others = |it: &Snapshot| {
        let mut findings = it.findings.iter();
        let other = findings.find(|it| it.rule == rule::NOTIFICATIONS_FAILING);
        other.map(|it| it.status.is_true())
    };
    let of_other: Vec<_> = said.iter().step_by(2).map(|it| others(it)).collect();
    assert_eq!(
        of_other,
        [Some(false); 3],
        "each part has a finding of its own"
    );
    assert!(
        said.iter()
            .skip(1)
            .step_by(2)
            .all(|it| stored(it).is_none())
    );
    stop.cancel();
    running.await.unwrap();
}
