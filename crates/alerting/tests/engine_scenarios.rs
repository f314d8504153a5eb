//! The state machine, told as stories: what the findings say and when, and what is told in the end.
//!
//! Snapshots come every 5 s, at 0, 5, 10, …; the rule is `MemberDown`, which holds 9 s, where no other is named.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use etcd_monitor_alerting::{
    AlertEngine, AlertEventKind, AlertPolicy, AlertState, HISTORY_LIMIT, MAX_ALERTS,
    MAX_ALERTS_TOLD, NotificationKind, Rule,
};
use etcd_monitor_model::{AlertType, Finding, FindingStatus, Severity, Subject};
use jiff::ToSpan;
use scenario::{Says, cluster, empty_snapshot, finding, start};
use script::check;

mod scenario;
mod script;

/// A policy with one rule alone.
fn only(rule: Rule) -> AlertPolicy {
    let mut policy = AlertPolicy::to_channels(["pager"]);
    policy.rules = vec![rule];
    policy
}

#[test]
fn fires_when_the_hold_is_over_not_with_the_next_cycle_and_resolves_at_once() {
    check(
        "0 m1 down
         20 m1 up
         400 end",
        "9 fired warning m1
         20 resolved warning -m1",
    );
}

#[test]
fn a_blip_shorter_than_the_hold_tells_nothing() {
    let world = check(
        "0 m1 down
         5 m1 up
         400 end",
        "",
    );
    assert_eq!(world.engine.history().len(), 0);
    assert!(world.engine.alerts().is_empty());
}

#[test]
fn a_pending_alert_is_listed() {
    let world = check(
        "0 m1 down
         7 end",
        "",
    );
    let alerts = world.engine.alerts();
    assert_eq!(alerts[0].state, AlertState::Pending);
    assert_eq!(alerts[0].fired_at, None);
    assert_eq!(
        world.engine.next_deadline(),
        Some(alerts[0].since + 9.seconds())
    );
}

#[test]
fn unknown_starts_the_hold_anew() {
    check(
        "0 m1 down
         5 m1 unknown
         10 m1 down
         40 end",
        "19 fired warning m1",
    );
}

#[test]
fn unknown_alone_never_fires() {
    check(
        "0 m1 unknown
         400 end",
        "",
    );
}

#[test]
fn unknown_does_not_resolve() {
    let world = check(
        "0 m1 down
         20 m1 unknown
         600 end",
        "9 fired warning m1",
    );
    let alert = &world.engine.alerts()[0];
    assert_eq!(alert.state, AlertState::Firing);
    assert_eq!(alert.unknown_since, Some(alert.since + 20.seconds()));
}

#[test]
fn an_alert_whose_snapshots_stop_is_unknown_until_they_come_again() {
    let mut world = check(
        "0 m1 down
         20 probes stop
         60 end",
        "9 fired warning m1",
    );
    let alert = &world.engine.alerts()[0];
    assert_eq!(alert.unknown_since, Some(alert.since + 28.seconds()));
    world.probing = true;
    world.run_until(70);
    assert_eq!(world.engine.alerts()[0].unknown_since, None);
}

#[test]
fn unknown_then_down_goes_on_silently() {
    let world = check(
        "0 m1 down
         20 m1 unknown
         40 m1 down
         60 end",
        "9 fired warning m1",
    );
    assert_eq!(world.engine.alerts()[0].unknown_since, None);
}

#[test]
fn an_explained_finding_makes_no_alert_and_drops_a_pending_one() {
    let world = check(
        "0 m1 explained
         30 m2 down
         35 m2 explained
         400 end",
        "",
    );
    assert!(world.engine.alerts().is_empty());
}

#[test]
fn a_firing_alert_that_becomes_explained_stays_and_is_quiet_until_it_ends() {
    let world = check(
        "0 m1 down
         20 m1 explained
         60 end",
        "9 fired warning m1",
    );
    let alert = &world.engine.alerts()[0];
    assert_eq!(
        alert.explained_by.as_ref().unwrap().rule,
        "ClusterUnreachable"
    );
    let last = world.engine.history().last().unwrap();
    assert_eq!(last.kind, AlertEventKind::Explained);
    check(
        "0 m1 down
         20 m1 explained
         60 m1 up
         400 end",
        "9 fired warning m1
         60 resolved critical -m1",
    );
}

#[test]
fn a_raised_severity_is_told_once_and_a_lowered_one_never() {
    check(
        "0 m1 down
         20 m1 critical
         30 m1 down
         40 m1 critical
         60 end",
        "9 fired warning m1
         20 updated critical m1",
    );
}

#[test]
fn a_removed_member_resolves_with_that_reason() {
    check(
        "0 m1 down
         0 m2 up
         20 m1 gone
         60 end",
        "9 fired warning m1
         20 resolved warning -m1:removed",
    );
}

#[test]
fn a_finding_that_vanishes_while_its_member_is_listed_is_unknown() {
    let world = check(
        "0 m1 down
         20 m1 missing
         400 end",
        "9 fired warning m1",
    );
    assert!(world.engine.alerts()[0].unknown_since.is_some());
}

/// As with an alarm, which has a subject only while it is raised.
#[test]
fn a_finding_that_vanishes_from_a_rule_that_was_evaluated_is_cleared() {
    check(
        "0 m1 down
         0 m2 up
         20 m1 missing
         400 end",
        "9 fired warning m1
         20 resolved warning -m1",
    );
}

/// As when the monitor is cut off: the finding exists only while it is.
#[test]
fn a_finding_about_the_monitor_is_over_when_it_vanishes_unless_the_monitor_is_late() {
    let mut engine = AlertEngine::new(only(Rule::new("MonitorCutOff", Duration::ZERO)));
    let mut snapshot = empty_snapshot(1, start());
    let mut cut_off = Finding::new(
        "MonitorCutOff",
        AlertType::Configuration,
        Severity::Critical,
        &cluster(),
        Subject::monitor(),
        start(),
    );
    cut_off.status = FindingStatus::True;
    snapshot.findings.push(cut_off);
    assert_eq!(engine.observe(&snapshot, start()).len(), 1);
    let mut late = empty_snapshot(2, start() + 5.seconds());
    late.monitor.timer_lag_seconds = 30.0;
    assert!(engine.observe(&late, late.at).is_empty());
    let punctual = empty_snapshot(3, start() + 10.seconds());
    let told = engine.observe(&punctual, punctual.at);
    assert_eq!(told[0].kind, NotificationKind::Resolved);
}

#[test]
fn a_removed_cluster_resolves_what_fires() {
    let mut world = check(
        "0 m1 down
         0 m2 up
         20 end",
        "9 fired warning m1",
    );
    let told = world.engine.remove_cluster(&cluster(), world.now());
    assert_eq!(told[0].kind, NotificationKind::Resolved);
    assert!(world.engine.alerts().is_empty());
}

#[test]
fn a_refire_within_the_window_is_told_at_once_and_its_resolve_is_held() {
    let world = check(
        "0 m1 down
         20 m1 up
         60 m1 down
         100 m1 up
         700 end",
        "9 fired warning m1
         20 resolved warning -m1
         69 fired warning m1
         320 resolved warning -m1",
    );
    let begin = world.told[0].1.incident_at;
    assert!(world.told.iter().all(|(_, told)| told.incident_at == begin));
    let numbers: Vec<u64> = world.told.iter().map(|(_, told)| told.sequence).collect();
    assert_eq!(numbers, [0, 1, 2, 3]);
}

#[test]
fn a_refire_while_the_resolve_is_held_tells_nothing_new_and_the_third_one_makes_it_flap() {
    check(
        "0 m1 down
         20 m1 up
         60 m1 down
         100 m1 up
         200 m1 down
         500 m1 up
         1200 end",
        "9 fired warning m1
         20 resolved warning -m1
         69 fired warning m1
         800 resolved warning -m1",
    );
}

#[test]
fn a_refire_after_the_window_is_another_incident() {
    let world = check(
        "0 m1 down
         20 m1 up
         330 m1 down
         400 end",
        "9 fired warning m1
         20 resolved warning -m1
         339 fired warning m1",
    );
    let (first, second) = (&world.told[0].1, &world.told[2].1);
    assert_ne!(first.incident_at, second.incident_at);
    assert_eq!(second.sequence, 0);
    assert_eq!(first.dedup_key, second.dedup_key);
    assert_ne!(first.id, second.id);
}

#[test]
fn nothing_fires_on_old_news() {
    check(
        "0 m1 down
         1 probes stop
         300 end",
        "9 fired warning m1",
    );
    check(
        "0 m1 down
         1 process stop
         31 process go
         31 probes stop
         300 end",
        "",
    );
}

#[test]
fn a_monitor_that_stood_still_holds_anew() {
    check(
        "0 m1 down
         1 process stop
         33 process go
         60 end",
        "44 fired warning m1",
    );
}

#[test]
fn a_clock_set_forward_fires_nothing_early() {
    check(
        "0 m1 down
         3 clock 3600
         40 end",
        "14 fired warning m1",
    );
}

/// The step with the jump counts as 30 s instead of 1 s: the held resolve comes 29 s early, not an hour.
#[test]
fn a_clock_set_forward_does_not_end_the_window() {
    check(
        "0 m1 down
         20 m1 up
         60 m1 down
         100 m1 up
         106 clock 3600
         700 end",
        "9 fired warning m1
         20 resolved warning -m1
         69 fired warning m1
         291 resolved warning -m1",
    );
}

#[test]
fn a_clock_set_back_does_not_make_old_news_fresh() {
    let mut engine = AlertEngine::new(only(Rule::new("MemberDown", Duration::from_mins(1))));
    let mut snapshot = empty_snapshot(1, start());
    let down = finding("m1", Says::True(Severity::Warning), start());
    snapshot.findings.extend(down);
    engine.observe(&snapshot, start());
    for second in 0..300 {
        let now = start() - 1.hour() + second.seconds();
        assert!(
            engine.tick(now).is_empty(),
            "fired {second} s after the latest snapshot"
        );
    }
}

/// The step in which the clock was set back counts as no time: each is one cycle late, and none is lost.
#[test]
fn a_clock_set_back_loses_nothing() {
    check(
        "0 m1 down
         3 clock -3600
         20 m1 up
         60 m1 down
         62 clock -3600
         100 m1 up
         900 end",
        "14 fired warning m1
         20 resolved warning -m1
         74 fired warning m1
         325 resolved warning -m1",
    );
}

#[test]
fn a_rule_without_a_hold_fires_with_the_first_snapshot_and_with_its_own_severity() {
    let mut engine = AlertEngine::new(AlertPolicy::to_channels(["pager"]));
    let mut snapshot = empty_snapshot(1, start());
    let subject = Subject::cluster(&cluster());
    let mut alarm = Finding::new(
        "AlarmNoSpace",
        AlertType::Capacity,
        Severity::Warning,
        &cluster(),
        subject,
        start(),
    );
    alarm.status = FindingStatus::True;
    let mut unruled = alarm.clone();
    unruled.rule = "UnreadableMetrics".to_owned();
    snapshot.findings = vec![alarm, unruled];
    let told = engine.observe(&snapshot, start());
    assert_eq!(told.len(), 1, "a finding without a rule makes no alert");
    assert_eq!(told[0].severity, Severity::Critical);
    assert!(engine.observe(&snapshot, start()).is_empty());
}

#[test]
fn a_stale_snapshot_fires_nothing() {
    let mut engine = AlertEngine::new(only(Rule::new("MemberDown", Duration::ZERO)));
    let mut snapshot = empty_snapshot(1, start());
    snapshot.findings = finding("m1", Says::True(Severity::Warning), start())
        .into_iter()
        .collect();
    assert!(engine.observe(&snapshot, start() + 13.seconds()).is_empty());
    snapshot.cycle = 2;
    snapshot.at = start() + 14.seconds();
    assert_eq!(engine.observe(&snapshot, start() + 14.seconds()).len(), 1);
}

#[test]
fn a_snapshot_from_before_the_first_cycle_claims_nothing() {
    let mut world = check(
        "0 m1 down
         20 end",
        "9 fired warning m1",
    );
    let told = world
        .engine
        .observe(&empty_snapshot(0, world.now()), world.now());
    assert!(told.is_empty());
    assert_eq!(world.engine.alerts()[0].unknown_since, None);
}

#[test]
fn the_worst_comes_first() {
    let world = check(
        "0 m1 down
         0 m2 critical
         20 end",
        "9 fired critical m2 m1",
    );
    assert_eq!(world.engine.alerts()[0].subject.name, "m2");
}

#[test]
fn the_number_of_alerts_and_of_events_is_bounded() {
    let mut engine = AlertEngine::new(only(Rule::new("MemberDown", Duration::ZERO)));
    let mut snapshot = empty_snapshot(1, start());
    let names = (0..MAX_ALERTS + 5).map(|number| format!("m{number}"));
    snapshot.findings = names
        .filter_map(|name| finding(&name, Says::True(Severity::Warning), start()))
        .collect();
    let told = engine.observe(&snapshot, start());
    let [told] = &told[..] else {
        panic!("one group is one message, not {}", told.len());
    };
    assert_eq!(told.firing_count, MAX_ALERTS);
    assert_eq!(told.firing.len(), MAX_ALERTS_TOLD);
    assert_eq!(engine.alerts().len(), MAX_ALERTS);
    assert_eq!(engine.refused(), 5);
    assert_eq!(engine.history().len(), HISTORY_LIMIT);
    assert_eq!(engine.events_recorded(), MAX_ALERTS as u64);
}

#[test]
fn an_alert_is_written_with_the_promised_names() {
    let world = check(
        "0 m1 down
         20 end",
        "9 fired warning m1",
    );
    let json = serde_json::to_value(&world.engine.alerts()[0]).unwrap();
    assert_eq!(json["rule"], "MemberDown");
    assert_eq!(json["alert_type"], "member");
    assert_eq!(json["severity"], "warning");
    assert_eq!(json["state"], "firing");
    assert_eq!(json["cluster"], "prod");
    assert_eq!(json["subject"]["kind"], "member");
    assert_eq!(json["subject"]["name"], "m1");
    assert_eq!(json["cause"], "m1 refuses connections");
    assert_eq!(json["since"], "2026-01-02T00:00:00Z");
    assert_eq!(json["id"], "bd33eadbf8a628a2");
}
