//! What rules make of findings and numbers, told as stories, and that it goes on after a restart.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use etcd_monitor_alerting::{
    AlertEngine, AlertPolicy, MetricRule, MetricRuleText, NotificationKind, Rule,
};
use etcd_monitor_model::{MemberSnapshot, Severity};
use scenario::cluster;
use script::{check, check_with, paced, pager};

mod scenario;
mod script;

#[test]
fn a_rule_can_keep_firing() {
    let mut policy = pager();
    let mut rule = Rule::new("MemberDown", Duration::ZERO);
    rule.keep_firing = Duration::from_mins(1);
    policy.rules = vec![rule];
    check_with(
        policy,
        "0 m1 down
         20 m1 up
         50 m1 down
         100 m1 up
         130 m1 unknown
         150 m1 up
         400 end",
        "0 fired warning m1
         210 resolved warning -m1",
    );
}

#[test]
fn two_rules_over_one_finding_make_two_alerts() {
    let mut policy = pager();
    let mut late =
        Rule::new("MemberDown", Duration::from_mins(10)).with_severity(Severity::Critical);
    late.name = "MemberDownForLong".to_owned();
    late.labels.insert("team".to_owned(), "storage".to_owned());
    policy.rules.push(late);
    let world = check_with(
        policy,
        "0 m1 down
         700 end",
        "9 fired warning m1
         600 fired critical MemberDownForLong/m1",
    );
    assert_eq!(world.told[1].1.firing[0].labels["team"], "storage");
}

#[test]
fn a_cluster_can_have_rules_of_its_own() {
    let mut policy = pager();
    let slow = Rule::new("MemberDown", Duration::from_mins(1));
    policy.cluster_rules.insert(cluster(), vec![slow]);
    check_with(
        policy,
        "0 m1 down
         0 TlsFailed/m2 down
         100 end",
        "60 fired warning m1",
    );
}

#[test]
fn a_rule_that_is_gone_resolves_its_alerts_and_another_hold_counts_at_once() {
    let mut world = check(
        "0 m1 down
         20 NetworkPartition/m2 down
         25 end",
        "9 fired warning m1",
    );
    let mut policy = pager();
    policy.rules = vec![Rule::new("NetworkPartition", Duration::from_secs(3))];
    world.set_policy(policy);
    world.run_until(400);
    let told = world.told_lines();
    let lines: Vec<&str> = told.lines().skip(1).collect();
    let expected = [
        "25 resolved warning -m1:removed",
        "25 fired warning NetworkPartition/m2",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_channel_that_is_gone_is_told_nothing_more() {
    let mut world = check_with(
        AlertPolicy::to_channels(["pager", "chat"]),
        "0 m1 down
         20 end",
        "9 chat fired warning m1
         9 fired warning m1",
    );
    world.set_policy(AlertPolicy::to_channels(["chat"]));
    world.say("MemberDown", "m1", scenario::Says::False);
    world.run_until(30);
    assert_eq!(world.told.len(), 3);
    assert_eq!(world.told[2].1.channel, "chat");
    assert!(!world.rows.keys().any(|key| key.ends_with("/pager")));
}

#[test]
fn nothing_is_written_while_nothing_changes_but_evidence() {
    let mut world = check(
        "0 m1 down
         20 end",
        "9 fired warning m1",
    );
    let before = world.rows.clone();
    assert!(before.keys().any(|key| key.starts_with("alert/")));
    for _ in 0..100 {
        world.step();
        assert_eq!(world.rows, before);
    }
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let script = |restarts: [&str; 3]| {
        format!(
            "0 m1 down
             {}
             20 m2 down
             {}
             40 silence member=m3 100
             40 m3 down
             50 ack m1
             {}
             60 m1 up
             360 m2 up
             700 end",
            restarts[0], restarts[1], restarts[2]
        )
    };
    let expected = "9 fired warning m1
         60 updated warning m2 -m1
         360 updated warning m3 -m2";
    check(&script(["", "", ""]), expected);
    let world = check(&script(["7 restart", "35 restart", "55 restart"]), expected);
    assert_eq!(world.told.last().unwrap().1.sequence, 2);
    let last = world.told.last().unwrap().1.kind;
    assert_eq!(last, NotificationKind::Updated);
}

/// What a user watches by a rule over numbers is told like everything else, with the rule's own hold and labels.
#[test]
fn a_metric_rule_makes_alerts_of_its_own() {
    let mut text = MetricRuleText::new("SlowReads", "read_seconds", ">", "100ms");
    text.hold = Duration::from_secs(10);
    text.labels.insert("team".to_owned(), "storage".to_owned());
    let mut policy = pager();
    policy.metric_rules = vec![MetricRule::new(text).unwrap()];
    let mut engine = AlertEngine::new(policy);
    let mut observe = |cycle: u64, seconds: f64| {
        let at = scenario::start() + Duration::from_secs(5 * cycle);
        let mut snapshot = scenario::empty_snapshot(cycle, at);
        let mut member = MemberSnapshot::unknown("m1", "http://127.0.0.1:2379");
        member.id = Some(scenario::member_id("m1"));
        member.last_read_seconds = Some(seconds);
        member.last_answer_at = Some(at);
        snapshot.members.push(member);
        snapshot.member_count = Some(1);
        engine.observe(&snapshot, at)
    };
    assert!(observe(1, 0.5).is_empty());
    assert!(observe(2, 0.5).is_empty(), "it has not held yet");
    let told = observe(3, 0.5);
    let alert = &told[0].firing[0];
    assert_eq!(alert.rule, "SlowReads");
    assert_eq!(alert.subject.name, "m1");
    assert_eq!(alert.labels["team"], "storage");
    let told = observe(4, 0.01);
    assert_eq!(told[0].kind, NotificationKind::Resolved);
}

#[test]
fn a_channel_that_is_told_no_ends_is_not_told_that_what_is_over_fires() {
    let mut policy = paced(|pace| pace.sends_resolved = false);
    policy.route.group_by = Some(vec!["cluster".to_owned()]);
    check_with(
        policy,
        "0 m1 down
         60 m1 up
         100 TlsFailed/m2 critical
         2000 end",
        "9 fired warning m1
         100 updated critical TlsFailed/m2",
    );
}

#[test]
fn an_alert_that_is_kept_firing_goes_on_when_its_finding_vanishes() {
    let mut policy = pager();
    let mut rule = Rule::new("MemberDown", Duration::ZERO);
    rule.keep_firing = Duration::from_mins(1);
    policy.rules = vec![rule];
    check_with(
        policy,
        "0 m1 down
         0 m2 up
         20 m1 missing
         400 end",
        "0 fired warning m1
         80 resolved warning -m1",
    );
}
