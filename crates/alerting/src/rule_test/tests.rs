use super::*;
use crate::fixtures::matchers;
use crate::metric_rule::{MetricRule, MetricRuleText};
use crate::notification::NotificationKind;
use crate::rule::Rule;

fn cluster() -> ClusterName {
    ClusterName::new("prod")
}

fn member(name: &str) -> WrittenSubject {
    WrittenSubject::Member(name.to_owned())
}

fn input() -> WrittenInput {
    let start = "2026-01-01T00:00:00Z".parse().unwrap();
    WrittenInput::new(start, Duration::from_secs(5)).unwrap()
}

/// A test of findings about members of one cluster.
fn of_findings(written: &[(&str, &str, &str)]) -> RuleTest {
    let mut input = input();
    for (rule, name, statuses) in written {
        let finding = WrittenFinding::new(rule, cluster(), member(name), statuses);
        input.findings.push(finding.unwrap());
    }
    RuleTest::new("a test", RuleTestInput::Written(input))
}

fn alerts_at(seconds: u64, alerts: Vec<ExpectedAlert>) -> Expectation {
    let mut expectation = Expectation::at(Duration::from_secs(seconds));
    expectation.alerts = Some(alerts);
    expectation
}

fn told_at(seconds: u64, told: &[(NotificationKind, &str)]) -> Expectation {
    let mut expectation = Expectation::at(Duration::from_secs(seconds));
    let told = told.iter().map(|(kind, rule)| {
        let mut told = ExpectedNotification::new("pager", *kind);
        told.rules = Some(vec![(*rule).to_owned()]);
        told
    });
    expectation.notifications = Some(told.collect());
    expectation
}

fn policy() -> AlertPolicy {
    AlertPolicy::to_channels(["pager"])
}

fn mismatches(test: &RuleTest, policy: &AlertPolicy) -> Vec<Mismatch> {
    test.run(policy).unwrap().mismatches
}

#[test]
fn an_alert_fires_after_its_hold_and_resolves_at_once() {
    let mut test = of_findings(&[("MemberDown", "m1", "false x2 true x12 false")]);
    let fired = || vec![ExpectedAlert::firing("MemberDown")];
    test.expectations = vec![
        alerts_at(18, Vec::new()),
        // True from 10 s on, held for 9 s.
        alerts_at(19, fired()),
        alerts_at(69, fired()),
        alerts_at(70, Vec::new()),
    ];
    assert_eq!(mismatches(&test, &policy()), []);
    test.expectations = vec![
        told_at(18, &[]),
        told_at(19, &[(NotificationKind::Fired, "MemberDown")]),
        told_at(69, &[]),
        told_at(70, &[(NotificationKind::Resolved, "MemberDown")]),
    ];
    assert_eq!(mismatches(&test, &policy()), []);
}

#[test]
fn what_differs_is_said_with_what_was_expected() {
    let mut test = of_findings(&[("MemberDown", "m1", "true")]);
    let mut expected = ExpectedAlert::firing("MemberDown");
    expected.severity = Some(Severity::Critical);
    expected.subject = Some("m2".to_owned());
    expected.muted = Some(false);
    test.expectations = vec![alerts_at(60, vec![expected]), told_at(60, &[])];
    let found = mismatches(&test, &policy());
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].of, found[0].at_in_words().as_str()),
        ("alerts", "1m")
    );
    assert_eq!(
        found[0].expected,
        ["MemberDown firing critical m2 not muted"]
    );
    assert_eq!(found[0].got, ["MemberDown firing warning prod m1"]);
    assert_eq!(found[1].of, "notifications");
    assert!(found[1].expected.is_empty());
    assert_eq!(found[1].got, ["pager fired warning MemberDown"]);
}

#[test]
fn pending_alerts_count_where_they_are_listed() {
    let mut test = of_findings(&[("MemberDown", "m1", "true")]);
    let mut pending = ExpectedAlert::firing("MemberDown");
    pending.state = crate::AlertState::Pending;
    test.expectations = vec![
        alerts_at(5, Vec::new()),
        alerts_at(5, vec![pending.clone()]),
    ];
    assert_eq!(mismatches(&test, &policy()), []);
    test.expectations = vec![alerts_at(9, vec![pending])];
    assert_eq!(mismatches(&test, &policy()).len(), 1, "it fires by then");
}

#[test]
fn an_unknown_finding_does_not_resolve_and_an_explained_one_is_not_told() {
    let mut test = of_findings(&[("MemberDown", "m1", "true x4 unknown")]);
    let mut doubtful = ExpectedAlert::firing("MemberDown");
    doubtful.unknown = Some(true);
    test.expectations = vec![alerts_at(60, vec![doubtful])];
    assert_eq!(mismatches(&test, &policy()), []);

    let mut test = of_findings(&[("QuorumLost", "m1", "true"), ("MemberDown", "m1", "true")]);
    let RuleTestInput::Written(input) = &mut test.input else {
        panic!("it is written");
    };
    let explained = input.findings.pop().unwrap();
    input
        .findings
        .push(explained.explained_by("QuorumLost").unwrap());
    test.expectations = vec![told_at(60, &[(NotificationKind::Fired, "QuorumLost")])];
    assert_eq!(mismatches(&test, &policy()), []);
}

#[test]
fn series_go_through_the_metric_rules() {
    let mut written = MetricRuleText::new("FsyncSlow", "wal_fsync_p99_seconds", ">", "100ms");
    written.aggregate = Some("max".to_owned());
    written.window = Some(Duration::from_secs(30));
    written.hold = Duration::from_mins(1);
    written.labels.insert("team".into(), "storage".into());
    let mut policy = policy();
    policy.metric_rules = vec![MetricRule::new(written).unwrap()];
    // The cluster's own rules are in the place of the default ones, but not of those over metrics.
    policy
        .cluster_rules
        .insert(cluster(), vec![Rule::new("NoLeader", Duration::ZERO)]);

    let mut input = input();
    let values = [
        ("m1", "0.02x3 0.2 0.02x20"),
        ("m2", "0.02x30"),
        ("m3", "0.2x30"),
    ];
    for (name, values) in values {
        let series = WrittenSeries::new("wal_fsync_p99_seconds", cluster(), member(name), values);
        input.series.push(series.unwrap());
    }
    let mut test = RuleTest::new("fsync", RuleTestInput::Written(input));
    let on = |name: &str| {
        let mut alert = ExpectedAlert::firing("FsyncSlow");
        alert.subject = Some(name.to_owned());
        alert.labels.insert("team".into(), "storage".into());
        alert
    };
    test.expectations = vec![
        // Half a window is there at 10 s; held for a minute from then on.
        alerts_at(69, Vec::new()),
        alerts_at(70, vec![on("m3")]),
        alerts_at(150, vec![on("m3")]),
    ];
    assert_eq!(mismatches(&test, &policy), []);
    // Its samples end at 150 s.
    let mut doubtful = on("m3");
    doubtful.unknown = Some(true);
    test.expectations = vec![alerts_at(180, vec![doubtful])];
    assert_eq!(mismatches(&test, &policy), []);
}

#[test]
fn a_link_is_seen_from_the_end_that_says_so() {
    let link = || WrittenSubject::Link("m1".to_owned(), "m2".to_owned());
    let mut policy = policy();
    let rule = |name: &str, metric: &str| {
        let text = MetricRuleText::new(name, metric, ">", "1KiB/s");
        MetricRule::new(text).unwrap()
    };
    policy.metric_rules = vec![
        rule("Sent", "peer_sent_bytes_per_second"),
        rule("Received", "peer_received_bytes_per_second"),
    ];
    let mut input = input();
    for metric in [
        "peer_sent_bytes_per_second",
        "peer_received_bytes_per_second",
    ] {
        let series = WrittenSeries::new(metric, cluster(), link(), "2000x9");
        input.series.push(series.unwrap());
    }
    let mut test = RuleTest::new("links", RuleTestInput::Written(input));
    let on_link = |rule: &str| {
        let mut alert = ExpectedAlert::firing(rule);
        alert.subject = Some("m1 -> m2".to_owned());
        alert
    };
    test.expectations = vec![alerts_at(5, vec![on_link("Sent"), on_link("Received")])];
    assert_eq!(mismatches(&test, &policy), []);
}

#[test]
fn maintenance_mutes_and_long_intervals_are_no_jumps_of_the_clock() {
    let mut policy = policy();
    let everything = Some(matchers(&["cluster=prod"]));
    let hour = Duration::from_hours(1);
    let window = crate::MaintenanceWindow::new("w", "0 1 * * *", hour, "UTC", everything);
    policy.maintenance = vec![window.unwrap()];
    let mut test = of_findings(&[("NoLeader", "m1", "true")]);
    let RuleTestInput::Written(input) = &mut test.input else {
        panic!("it is written");
    };
    input.start = "2026-01-01T00:59:00Z".parse().unwrap();
    input.interval = Duration::from_mins(2);
    test.expectations = vec![
        alerts_at(59, Vec::new()),
        // Held for a minute: it would be told at the very time at which the window opens.
        told_at(3_659, &[]),
        told_at(3_662, &[(NotificationKind::Fired, "NoLeader")]),
    ];
    let mut silent = ExpectedAlert::firing("NoLeader");
    silent.muted = Some(true);
    test.expectations.push(alerts_at(120, vec![silent]));
    assert_eq!(mismatches(&test, &policy), []);
}

#[test]
fn snapshots_that_were_recorded_are_played_at_their_own_times() {
    let RuleTestInput::Written(written) = of_findings(&[("MemberDown", "m1", "true")]).input else {
        panic!("it is written");
    };
    let world = world::World::of(&written);
    let at = |cycle: usize| written.start + Duration::from_secs(5) * u32::try_from(cycle).unwrap();
    let cycles = (0..10).flat_map(|cycle| world.cycle(cycle, at(cycle)));
    let recorded = RuleTestInput::Recorded(cycles.map(|seen| seen.snapshot).collect());
    let mut test = RuleTest::new("recorded", recorded);
    test.expectations = vec![
        alerts_at(8, Vec::new()),
        alerts_at(9, vec![ExpectedAlert::firing("MemberDown")]),
    ];
    assert_eq!(mismatches(&test, &policy()), []);
}

#[test]
fn what_cannot_be_tested_is_refused_by_its_key() {
    let series = |metric: &str, subject, values: &str| {
        WrittenSeries::new(metric, cluster(), subject, values)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        series("read_second", member("m1"), "1"),
        "metric: there is no metric \"read_second\"; did you mean read_seconds?"
    );
    assert!(series("read_seconds", WrittenSubject::Cluster, "1").contains("say which by `member`"));
    assert!(series("members", member("m1"), "1").contains("`cluster` alone"));
    assert!(series("read_seconds", member("m1"), "one").starts_with("values: \"one\""));
    let finding = |rule: &str, statuses: &str| {
        WrittenFinding::new(rule, cluster(), member("m1"), statuses)
            .unwrap_err()
            .to_string()
    };
    assert!(finding("MemberDwon", "true").ends_with("did you mean MemberDown?"));
    assert!(finding("MemberDown", "").starts_with("status: "));
    let known = WrittenFinding::new("MemberDown", cluster(), member("m1"), "true").unwrap();
    assert!(known.explained_by("Nothing").is_err());

    let mut late = of_findings(&[("MemberDown", "m1", "true")]);
    late.expectations = vec![alerts_at(1_000_000, Vec::new())];
    assert_eq!(late.run(&policy()).unwrap_err().key, "at");
    let nothing = RuleTest::new("x", RuleTestInput::Written(input()));
    assert_eq!(nothing.run(&policy()).unwrap_err().key, "series");
    let none = RuleTest::new("x", RuleTestInput::Recorded(Vec::new()));
    assert_eq!(none.run(&policy()).unwrap_err().key, "recording");
    assert!(WrittenInput::new(Timestamp::UNIX_EPOCH, Duration::ZERO).is_err());
}
