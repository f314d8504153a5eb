use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::engine::Outcome;
use crate::environment::Environment;
use crate::failover::{Failover, Gap};
use crate::load::{Arrivals, Load, Rate, Until};
use crate::recorder::{Recording, Tally};
use crate::report::{Accounting, Parts, Plan};
use crate::request::OperationKind;
use crate::self_load::OwnCost;
use crate::server::{Durations, MemberFigures, PeerFigures, ServerMember};

/// A closed loop of ten clients over ten seconds, whose requests took so long: each waited all the time.
fn report(service_seconds: f64) -> Report {
    let mut tally = Tally::default();
    let took = Duration::from_secs_f64(service_seconds);
    for _ in 0..Duration::from_secs(10 * 10).as_micros() / took.as_micros() {
        tally.succeeded += 1;
        tally.in_window += 1;
        tally.response.record(took);
        tally.service.record(took);
    }
    let mut outcome = Outcome {
        window_seconds: 10.0,
        ..Outcome::default()
    };
    outcome.recording.tallies.insert(OperationKind::Put, tally);
    let accounting = Accounting::of(&Recording::default(), 1, Ok(1));
    Report::new(Parts {
        plan: Plan {
            workload: "write".to_owned(),
            engine: "test".to_owned(),
            endpoints: vec!["http://10.0.0.1:2379".to_owned()],
            prefix: "/".to_owned(),
            parameters: BTreeMap::new(),
            load: Load::new(Until::Seconds(10.0)),
            began_at: Timestamp::UNIX_EPOCH,
        },
        outcome,
        seconds: Vec::new(),
        accounting,
        own: OwnCost {
            cpu_share: Some(0.2),
            machine_busy_share: Some(0.3),
            ..OwnCost::default()
        },
        environment: Environment::default(),
        server: (1..=3).map(member).collect(),
        failover: Failover::default(),
        fsync_probe: None,
    })
}

fn durations(mean_seconds: f64, busy_share: f64) -> Durations {
    Durations {
        count: 100,
        mean_seconds: Some(mean_seconds),
        p99_seconds: Some(2.0 * mean_seconds),
        busy_share: Some(busy_share),
        ..Durations::default()
    }
}

/// A member that idles; the first leads.
fn member(number: u32) -> ServerMember {
    let peer = |peer: u32| PeerFigures {
        peer: peer.to_string(),
        round_trip: durations(1e-4, 0.0),
        since_start: true,
    };
    ServerMember {
        endpoint: format!("http://10.0.0.{number}:2379"),
        leads: Some(number == 1),
        figures: Some(MemberFigures {
            wal_fsync: Some(durations(2e-4, 0.1)),
            backend_commit: Some(durations(1e-3, 0.01)),
            peers: [2, 3].map(peer).to_vec(),
            cpu_cores: Some(0.4),
            cpu_cores_allowed: Some(4.0),
            cpu_share: Some(0.1),
            ..MemberFigures::default()
        }),
        ..ServerMember::default()
    }
}

fn figures(report: &mut Report, member: usize) -> &mut MemberFigures {
    report.server[member].figures.as_mut().unwrap()
}

fn limit(report: &Report) -> Limit {
    let bottleneck = Bottleneck::of(report);
    assert!(!bottleneck.evidence.is_empty() && !bottleneck.action.is_empty());
    // It is read on the page and in the API as well, which have no flags.
    let flags = bottleneck
        .action
        .replace("--backend-batch-limit of the members", "");
    assert!(!flags.contains("--"), "{flags}");
    bottleneck.limit
}

#[test]
fn nothing_at_its_limit_is_the_load_itself() {
    let report = report(0.01);
    assert_eq!(limit(&report), Limit::ClientFlow);
    assert_eq!(report.bottleneck, Bottleneck::of(&report));
}

#[test]
fn a_log_that_is_synced_all_the_time_is_the_disk() {
    let mut report = report(0.012);
    figures(&mut report, 0).wal_fsync = Some(durations(0.01, 0.95));
    assert_eq!(limit(&report), Limit::WalFsync);
    // So long a wait is no matter of cores.
    report.own.cpu_share = Some(0.9);
    assert_eq!(limit(&report), Limit::WalFsync);
    // So short a one may be.
    figures(&mut report, 0).wal_fsync = Some(durations(0.001, 0.95));
    assert_eq!(limit(&report), Limit::ClientMachine);
    report.own.cpu_share = Some(0.2);
    assert_eq!(limit(&report), Limit::WalFsync);
    figures(&mut report, 0).backend_commit = Some(durations(0.1, 0.98));
    assert_eq!(limit(&report), Limit::BackendCommit);
}

#[test]
fn of_the_followers_the_one_that_a_quorum_needs_counts() {
    let mut report = report(0.012);
    figures(&mut report, 1).wal_fsync = Some(durations(0.01, 0.95));
    // The other one is fast, and enough.
    assert_eq!(limit(&report), Limit::ClientFlow);
    figures(&mut report, 2).wal_fsync = Some(durations(0.009, 0.9));
    let bottleneck = Bottleneck::of(&report);
    assert_eq!(bottleneck.limit, Limit::WalFsync);
    assert!(
        bottleneck.evidence[0].contains("10.0.0.3"),
        "{bottleneck:?}"
    );
}

#[test]
fn round_trips_that_are_most_of_a_request_are_the_network() {
    let mut report = report(0.012);
    figures(&mut report, 0).peers[0].round_trip = durations(0.01, 0.0);
    assert_eq!(
        limit(&report),
        Limit::ClientFlow,
        "the nearer one is enough"
    );
    figures(&mut report, 0).peers[1].round_trip = durations(0.011, 0.0);
    let bottleneck = Bottleneck::of(&report);
    assert_eq!(bottleneck.limit, Limit::PeerNetwork);
    assert!(bottleneck.evidence[0].contains("since the leader started"));
    // What is answered sooner does not wait for it.
    for peer in &mut figures(&mut report, 0).peers {
        peer.round_trip = durations(0.1, 0.0);
    }
    assert_eq!(limit(&report), Limit::ClientFlow);
}

#[test]
fn processors_are_named_by_whose_they_are() {
    let mut report = report(0.002);
    figures(&mut report, 0).cpu_share = Some(0.92);
    assert_eq!(limit(&report), Limit::ServerCpu);
    report.own.machine_busy_share = Some(0.97);
    assert_eq!(limit(&report), Limit::ClientMachine);
    let evidence = Bottleneck::of(&report).evidence.join("\n");
    let shown = "97 % busy; the load generator took 20 % of its cores";
    assert!(evidence.contains(shown), "{evidence}");
}

#[test]
fn a_machine_that_members_fill_is_not_that_of_the_generator() {
    let mut report = report(0.002);
    report.own.machine_busy_share = Some(0.98);
    report.own.cpu_share = Some(0.02);
    report.environment.client.cores = Some(2);
    figures(&mut report, 0).cpu_cores = Some(1.5);
    // Of members elsewhere nobody can say that they use these cores.
    assert_eq!(limit(&report), Limit::ClientMachine);
    report.server[0].endpoint = "http://127.0.0.1:2379".to_owned();
    assert_eq!(limit(&report), Limit::ServerCpu);
    let evidence = Bottleneck::of(&report).evidence.join("\n");
    let shares =
        "of its 2 cores the load generator took 0.04, members of the cluster 1.50, others 0.42";
    assert!(evidence.contains(shares), "{evidence}");
    // A generator that takes its part is a part of the reason, and so are others where members take little.
    report.own.cpu_share = Some(0.3);
    assert_eq!(limit(&report), Limit::ClientMachine);
    report.own.cpu_share = Some(0.02);
    figures(&mut report, 0).cpu_cores = Some(0.5);
    assert_eq!(limit(&report), Limit::ClientMachine);
    let evidence = Bottleneck::of(&report).evidence.join("\n");
    assert!(
        evidence.contains("members of the cluster 0.50, others 1.42"),
        "{evidence}"
    );
}

#[test]
fn answers_that_come_late_and_were_given_soon_are_the_network_to_the_client() {
    let mut report = report(0.02);
    let mut request = durations(0.002, 0.5);
    request.count = report.succeeded;
    figures(&mut report, 0).request = Some(request.clone());
    assert_eq!(limit(&report), Limit::ClientNetwork);
    // Where others ask most, their requests say nothing of ours.
    request.count = 10 * report.succeeded;
    figures(&mut report, 0).request = Some(request);
    assert_eq!(limit(&report), Limit::ClientFlow);
}

#[test]
fn what_is_not_known_is_not_claimed() {
    let mut report = report(0.01);
    report.server[0].figures = None;
    report.server[0].unreadable = Some("refused".to_owned());
    let bottleneck = Bottleneck::of(&report);
    assert_eq!(bottleneck.limit, Limit::Unknown);
    assert!(bottleneck.evidence[0].contains("refused"), "{bottleneck:?}");
    report.server.clear();
    assert_eq!(limit(&report), Limit::Unknown);
    report.server = (1..=3).map(member).collect();
    // Two of three are a quorum.
    report.server[2].figures = None;
    assert_eq!(limit(&report), Limit::ClientFlow);
    // Used 0.4 cores, it is at no limit, however many it has; of 2 nobody knows.
    figures(&mut report, 0).cpu_share = None;
    assert_eq!(limit(&report), Limit::ClientFlow);
    figures(&mut report, 0).cpu_cores = Some(2.0);
    assert_eq!(limit(&report), Limit::Unknown);
    report.server[1].figures = None;
    report.server[0] = member(1);
    assert_eq!(limit(&report), Limit::Unknown);
    report.succeeded = 0;
    assert_eq!(limit(&report), Limit::Unknown);
}

#[test]
fn a_rate_that_was_reached_has_no_limit_and_one_that_was_not_has() {
    let mut report = report(0.01);
    let mut rate = |per_second| {
        report.plan.load.rate = Some(Rate {
            per_second,
            arrivals: Arrivals::Uniform,
        });
        Bottleneck::of(&report).limit
    };
    // 1,000 in a second were answered.
    assert_eq!(rate(1_000.0), Limit::None);
    assert_eq!(rate(1_500.0), Limit::ClientFlow);
    rate(1_000.0);
    report.dropped = 100;
    assert_eq!(limit(&report), Limit::ClientFlow);
}

#[test]
fn a_cluster_without_service_is_the_reason_of_its_own() {
    let mut report = report(0.012);
    let gap = Gap {
        from_seconds: 2.0,
        to_seconds: 4.0,
        is_open: false,
    };
    report.failover = Failover::new(Vec::new(), &[gap], &[], 10.0, &report.plan.load);
    assert_eq!(
        limit(&report),
        Limit::ClientFlow,
        "10 answers may be as far apart"
    );
    let second = crate::series::Second {
        succeeded: 1_000,
        ..crate::series::Second::default()
    };
    report.failover = Failover::new(Vec::new(), &[gap], &[second], 10.0, &report.plan.load);
    assert_eq!(limit(&report), Limit::Outage);
}
