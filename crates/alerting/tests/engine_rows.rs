//! The engine's state as rows: what is refused, and what is kept.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use etcd_monitor_alerting::{AlertEngine, AlertPolicy, HISTORY_LIMIT, RestoreError, StateRow};
use scenario::{Says, World, start};
use script::check;

mod scenario;
mod script;

fn kept() -> Vec<StateRow> {
    let world = check(
        "0 m1 down
         20 end",
        "9 fired warning m1",
    );
    world.kept()
}

fn refused(rows: Vec<StateRow>) -> RestoreError {
    let policy = AlertPolicy::to_channels(["pager"]);
    AlertEngine::restore(policy, rows, start()).unwrap_err()
}

/// The rows with another value under one key.
fn with(key: &str, value: &str) -> Vec<StateRow> {
    let mut rows = kept();
    rows.retain(|row| row.key != key);
    rows.push(StateRow {
        key: key.to_owned(),
        value: Some(value.as_bytes().to_vec()),
    });
    rows
}

fn without(key: &str) -> Vec<StateRow> {
    let mut rows = kept();
    rows.retain(|row| row.key != key);
    rows
}

#[test]
fn no_rows_are_an_engine_without_alerts() {
    let policy = AlertPolicy::to_channels(["pager"]);
    let engine = AlertEngine::restore(policy, Vec::new(), start()).unwrap();
    assert!(engine.alerts().is_empty());
    assert_eq!(engine.next_deadline(), None);
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let error = refused(with("format", "2"));
    assert_eq!(error, RestoreError::NewerFormat { found: 2, known: 1 });
    assert!(error.to_string().contains("format 2"), "{error}");
}

#[test]
fn a_row_that_is_not_known_or_is_missing_is_named() {
    let key = "moon/1".to_owned();
    assert_eq!(
        refused(with("moon/1", "{}")),
        RestoreError::UnknownRow { key }
    );
    let missing = |key| RestoreError::MissingRow { key };
    assert_eq!(refused(without("format")), missing("format"));
    assert_eq!(refused(without("clock")), missing("clock"));
}

#[test]
fn a_row_that_makes_no_sense_is_named() {
    let error = refused(with("alert/1234", "{}"));
    assert!(matches!(&error, RestoreError::Unreadable { key, .. } if key == "alert/1234"));
    let error = refused(with("event/x", "{}"));
    assert!(matches!(&error, RestoreError::Unreadable { key, .. } if key == "event/x"));
}

#[test]
fn all_rows_are_what_the_changes_came_to() {
    let mut world = check(
        "0 m1 down
         20 silence member=m2 100
         20 m2 down
         40 m1 up
         60 end",
        "9 fired warning m1
         40 resolved warning -m1",
    );
    // The clock may be read at any time.
    let rest = |rows: Vec<StateRow>| -> Vec<(String, Option<Vec<u8>>)> {
        let rows = rows.into_iter().filter(|row| row.key != "clock");
        let mut rows: Vec<_> = rows.map(|row| (row.key, row.value)).collect();
        rows.sort();
        rows
    };
    let kept = rest(world.kept());
    let all: Vec<_> = rest(world.engine.rows());
    let keys = |rows: &[(String, Option<Vec<u8>>)]| {
        rows.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&kept), keys(&all));
}

#[test]
fn what_is_over_leaves_no_rows_but_its_history() {
    let mut world = check(
        "0 m1 down
         20 m1 up
         2000 end",
        "9 fired warning m1
         20 resolved warning -m1",
    );
    world.tick();
    let other = |key: &&String| !["format", "clock"].contains(&key.as_str());
    let keys: Vec<&String> = world.rows.keys().filter(other).collect();
    assert_eq!(
        keys,
        ["event/00000000000000000000", "event/00000000000000000001"]
    );
}

#[test]
fn the_history_is_kept_up_to_its_limit() {
    let mut world = World::new();
    for number in 0..HISTORY_LIMIT as u64 {
        let says = if number.is_multiple_of(2) {
            Says::True(etcd_monitor_model::Severity::Warning)
        } else {
            Says::False
        };
        world.say("TlsFailed", "m1", says);
        world.run_until(world.second + 5);
    }
    world.say(
        "TlsFailed",
        "m2",
        Says::True(etcd_monitor_model::Severity::Critical),
    );
    world.run_until(world.second + 5);
    let events = world
        .rows
        .keys()
        .filter(|key| key.starts_with("event/"))
        .count();
    assert_eq!(events, HISTORY_LIMIT);
    assert_eq!(world.engine.events_recorded(), HISTORY_LIMIT as u64 + 1);
    let before: Vec<_> = world
        .engine
        .history()
        .cloned()
        .map(|it| (it.at, it.kind, it.alert))
        .collect();
    world.restart();
    let after: Vec<_> = world
        .engine
        .history()
        .cloned()
        .map(|it| (it.at, it.kind, it.alert))
        .collect();
    assert_eq!(before, after);
    assert_eq!(world.engine.events_recorded(), HISTORY_LIMIT as u64 + 1);
}

#[test]
fn an_event_that_was_lost_is_missing_and_no_other() {
    let world = check(
        "0 m1 down
         20 m1 up
         40 end",
        "9 fired warning m1
         20 resolved warning -m1",
    );
    let mut rows = world.kept();
    rows.retain(|row| row.key != format!("event/{:020}", 0));
    let policy = AlertPolicy::to_channels(["pager"]);
    let mut engine = AlertEngine::restore(policy, rows, start()).unwrap();
    assert_eq!(engine.history().len(), 1);
    let rows = engine.rows();
    let events = rows.iter().filter(|row| row.key.starts_with("event/"));
    let keys: Vec<&str> = events.map(|row| row.key.as_str()).collect();
    assert_eq!(keys, [format!("event/{:020}", 1)]);
}
