//! What channels are told of groups of alerts, told as stories: the pace, mutes, acknowledgements, routes, restarts.
//!
//! Snapshots come every 5 s, at 0, 5, 10, …. `MemberDown` holds 9 s, `TlsFailed` fires at once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use etcd_monitor_alerting::{
    AlertEventKind, AlertPolicy, Inhibition, MaintenanceWindow, Matcher, MutedBy, Route,
};
use scenario::World;
use script::{check, check_with, paced, pager};

mod scenario;
mod script;

fn matchers(texts: &[&str]) -> Vec<Matcher> {
    texts
        .iter()
        .map(|text| Matcher::parse(text).unwrap())
        .collect()
}

/// A policy whose critical alerts go to the pager and all others to the chat.
fn by_severity() -> AlertPolicy {
    let mut policy = AlertPolicy::to_channels(["pager", "chat"]);
    let mut critical = Route::matching(matchers(&["severity=critical"]));
    critical.channels = Some(vec!["pager".to_owned()]);
    policy.route.channels = Some(vec!["chat".to_owned()]);
    policy.route.routes = vec![critical];
    policy
}

fn count(world: &World, kind: AlertEventKind) -> usize {
    world.engine.history().filter(|it| it.kind == kind).count()
}

#[test]
fn additions_to_an_open_group_wait_for_its_interval_and_resolves_do_not() {
    check(
        "0 m1 down
         20 m2 down
         40 m3 down
         400 m2 up
         410 m1 up
         420 m3 up
         800 end",
        "9 fired warning m1
         309 updated warning m1 m2 m3
         400 updated warning m1 m3 -m2
         410 updated warning m3 -m1
         420 resolved warning -m3",
    );
}

#[test]
fn a_resolve_takes_the_additions_that_wait_along() {
    check(
        "0 m1 down
         20 m2 down
         50 m1 up
         400 end",
        "9 fired warning m1
         50 updated warning m2 -m1",
    );
}

#[test]
fn an_addition_that_makes_the_group_worse_goes_at_once_and_so_does_a_rise() {
    check(
        "0 m1 down
         20 m2 critical
         40 m3 critical
         60 m1 critical
         400 end",
        "9 fired warning m1
         29 updated critical m2 m1
         329 updated critical m1 m2 m3",
    );
}

#[test]
fn what_still_fires_is_repeated_after_four_hours() {
    check(
        "0 m1 down
         14400 m2 down
         30000 end",
        "9 fired warning m1
         14409 updated warning m1 m2
         28809 repeated warning m1 m2",
    );
}

#[test]
fn an_alert_that_is_over_before_it_was_told_is_never_told() {
    check(
        "0 m1 down
         20 m2 down
         60 m2 up
         400 end",
        "9 fired warning m1",
    );
}

#[test]
fn a_further_group_of_the_cluster_waits_unless_it_is_worse() {
    check(
        "0 m1 down
         20 TlsFailed/m2 down
         70 end",
        "9 fired warning m1
         50 fired warning TlsFailed/m2",
    );
    check(
        "0 m1 down
         20 TlsFailed/m2 critical
         70 end",
        "9 fired warning m1
         20 fired critical TlsFailed/m2",
    );
    check(
        "0 m1 down
         20 TlsFailed/m2 down
         30 TlsFailed/m2 up
         100 end",
        "9 fired warning m1",
    );
}

#[test]
fn a_group_that_waits_is_told_once_the_other_one_is_closed() {
    check(
        "0 m1 down
         20 TlsFailed/m2 down
         30 m1 up
         70 end",
        "9 fired warning m1
         30 resolved warning -m1
         30 fired warning TlsFailed/m2",
    );
}

#[test]
fn of_several_groups_at_once_the_worst_is_told_and_the_others_wait() {
    check(
        "0 TlsFailed/m1 down
         0 AuthenticationFailed/m1 critical
         60 end",
        "0 fired critical AuthenticationFailed/m1
         30 fired warning TlsFailed/m1",
    );
}

#[test]
fn a_route_can_make_a_group_of_every_alert() {
    let mut policy = pager();
    policy.route.group_by = Some(vec!["...".to_owned()]);
    policy.route.timing.group_wait = Some(Duration::ZERO);
    let world = check_with(
        policy,
        "0 m1 down
         0 m2 down
         20 m1 up
         40 end",
        "9 fired warning m1
         9 fired warning m2
         20 resolved warning -m1",
    );
    let told = &world.told[0].1;
    assert_eq!(told.dedup_key, told.firing[0].id.to_string());
}

#[test]
fn a_group_has_the_same_key_on_every_channel() {
    let world = check_with(
        AlertPolicy::to_channels(["pager", "chat"]),
        "0 m1 down
         20 end",
        "9 chat fired warning m1
         9 fired warning m1",
    );
    let [(_, first), (_, second)] = &world.told[..] else {
        panic!("one each");
    };
    assert_eq!(first.group, second.group);
    assert_eq!(first.dedup_key, second.dedup_key);
    assert_ne!(first.id, second.id);
    let labels: Vec<_> = first.group.labels.iter().collect();
    let expected = [("cluster", "prod"), ("rule", "MemberDown")];
    assert_eq!(
        labels,
        expected
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .iter()
            .map(|(a, b)| (a, b))
            .collect::<Vec<_>>()
    );
}

#[test]
fn what_was_told_on_a_channel_is_told_over_there_after_it_went_another_way() {
    check_with(
        by_severity(),
        "0 m1 down
         20 m1 critical
         60 m1 down
         100 m1 up
         400 end",
        "9 chat fired warning m1
         20 fired critical m1
         100 chat resolved warning -m1
         100 resolved warning -m1",
    );
}

#[test]
fn a_silence_tells_nothing_new_and_what_was_told_is_told_over() {
    let world = check(
        "0 m1 down
         20 silence member=m1 600
         30 m1 critical
         40 m1 up
         400 end",
        "9 fired warning m1
         40 resolved critical -m1",
    );
    assert_eq!(count(&world, AlertEventKind::Muted), 1);
    check(
        "0 silence member=m1 600
         0 m1 down
         100 m1 up
         900 end",
        "",
    );
}

#[test]
fn what_fires_when_the_silence_ends_is_told_then() {
    let world = check(
        "0 silence member=m1 100
         0 m1 down
         400 end",
        "100 fired warning m1",
    );
    assert_eq!(count(&world, AlertEventKind::Unmuted), 1);
    check(
        "0 silence member=m1 1000
         0 m1 down
         53 unsilence
         400 end",
        "53 fired warning m1",
    );
}

#[test]
fn a_silenced_alert_does_not_repeat() {
    let world = check(
        "0 m1 down
         20 silence member=m1 40000
         30000 end",
        "9 fired warning m1",
    );
    let silence = world.mutes.silences[0].id.clone();
    assert_eq!(
        world.engine.alerts()[0].muted_by,
        Some(MutedBy::Silence(silence))
    );
}

#[test]
fn an_inhibition_mutes_while_its_source_fires() {
    let mut policy = pager();
    let by = Inhibition::new(
        matchers(&["rule=TlsFailed"]),
        matchers(&["rule=MemberDown"]),
        vec!["member".to_owned()],
    );
    policy.inhibitions = vec![by.unwrap()];
    let world = check_with(
        policy,
        "0 TlsFailed/m1 down
         0 m1 down
         0 m2 critical
         100 TlsFailed/m1 up
         500 end",
        "0 fired warning TlsFailed/m1
         9 fired critical m2
         100 resolved warning -TlsFailed/m1
         309 updated critical m2 m1",
    );
    assert_eq!(count(&world, AlertEventKind::Muted), 1);
    assert_eq!(count(&world, AlertEventKind::Unmuted), 1);
}

/// The world begins at midnight.
fn window(matchers: Option<Vec<Matcher>>) -> MaintenanceWindow {
    let minute = Duration::from_mins(2);
    MaintenanceWindow::new("night", "1 0 * * *", minute, "UTC", matchers).unwrap()
}

#[test]
fn a_maintenance_window_mutes_what_it_names_until_it_closes() {
    let mut policy = pager();
    policy.maintenance = vec![window(Some(matchers(&["cluster=prod"])))];
    check_with(
        policy,
        "0 TlsFailed/m1 down
         70 m1 critical
         100 TlsFailed/m1 up
         300 end",
        "0 fired warning TlsFailed/m1
         100 resolved warning -TlsFailed/m1
         180 fired critical m1",
    );
}

#[test]
fn a_route_is_shut_while_its_window_is_open_and_no_other() {
    let mut policy = by_severity();
    policy.maintenance = vec![window(None)];
    policy.route.routes[0].mute_during = vec!["night".to_owned()];
    check_with(
        policy,
        "70 m1 critical
         70 TlsFailed/m2 down
         300 end",
        "70 chat fired warning TlsFailed/m2
         180 fired critical m1",
    );
}

#[test]
fn an_acknowledged_alert_is_told_again_only_when_it_is_over_or_worse() {
    let world = check(
        "0 m1 down
         20 ack m1
         20000 m1 critical
         36000 m1 up
         36400 end",
        "9 fired warning m1
         20000 updated critical m1
         34400 repeated critical m1
         36000 resolved critical -m1",
    );
    assert_eq!(count(&world, AlertEventKind::Acknowledged), 1);
}

#[test]
fn an_acknowledgement_does_not_outlive_the_alert() {
    check(
        "0 m1 down
         20 ack m1
         40 m1 up
         1000 m1 down
         1100 end",
        "9 fired warning m1
         40 resolved warning -m1
         1009 fired warning m1",
    );
}

#[test]
fn a_channel_that_wants_it_is_told_that_somebody_takes_care_of_all() {
    check_with(
        paced(|pace| pace.sends_acknowledged = true),
        "0 m1 down
         0 m2 down
         20 ack m1
         40 ack m2
         60 m2 up
         100 end",
        "9 fired warning m1 m2
         40 acknowledged warning m1 m2
         60 updated warning m1 -m2",
    );
}

#[test]
fn a_channel_that_wants_no_resolves_gets_none_and_no_fire_twice_in_a_window() {
    check_with(
        paced(|pace| pace.sends_resolved = false),
        "0 m1 down
         20 m1 up
         60 m1 down
         100 m1 up
         700 m1 down
         720 end",
        "9 fired warning m1
         709 fired warning m1",
    );
}

#[test]
fn a_channel_that_forgets_is_told_everything_at_once_and_again() {
    check_with(
        paced(|pace| pace.resend_every = Some(Duration::from_mins(1))),
        "0 m1 down
         20 TlsFailed/m2 down
         90 m1 up
         140 TlsFailed/m2 up
         400 end",
        "9 fired warning m1
         20 updated warning TlsFailed/m2
         69 resent warning m1 TlsFailed/m2
         90 updated warning -m1
         129 resent warning TlsFailed/m2
         140 resolved warning -TlsFailed/m2",
    );
}

#[test]
fn a_flapping_alert_resolves_when_it_has_been_quiet() {
    let world = check(
        "0 TlsFailed/m1 down
         50 TlsFailed/m1 up
         400 TlsFailed/m1 down
         450 TlsFailed/m1 up
         800 TlsFailed/m1 down
         850 TlsFailed/m1 up
         1000 end",
        "0 fired warning TlsFailed/m1
         50 resolved warning -TlsFailed/m1
         400 fired warning TlsFailed/m1
         450 resolved warning -TlsFailed/m1
         800 fired warning TlsFailed/m1",
    );
    assert!(world.told.last().unwrap().1.firing[0].flapping);
    let mut world = world;
    world.run_until(1_200);
    assert!(
        world
            .told_lines()
            .ends_with("1150 resolved warning -TlsFailed/m1\n")
    );
}

#[test]
fn an_alert_that_flapped_and_fires_on_flaps_no_more() {
    let world = check(
        "0 TlsFailed/m1 down
         10 TlsFailed/m1 up
         20 TlsFailed/m1 down
         30 TlsFailed/m1 up
         40 TlsFailed/m1 down
         1000 TlsFailed/m1 up
         1100 end",
        "0 fired warning TlsFailed/m1
         10 resolved warning -TlsFailed/m1
         20 fired warning TlsFailed/m1
         1000 resolved warning -TlsFailed/m1",
    );
    assert!(world.engine.alerts().is_empty());
}

#[test]
fn the_end_of_an_alert_that_fired_again_is_held_within_its_group_as_well() {
    let mut policy = pager();
    policy.route.timing.group_interval = Some(Duration::from_mins(1));
    check_with(
        policy,
        "0 m1 critical
         0 m2 down
         100 m2 up
         120 m2 down
         200 m2 up
         600 end",
        "9 fired critical m1 m2
         100 updated critical m1 -m2
         160 updated critical m1 m2
         400 updated critical m1 -m2",
    );
}
