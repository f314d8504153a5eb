//! Room: apply lag, fragmentation, compaction and the forgotten disarm. True, false, unknown, and what must stay silent.

use etcd_monitor_model::{
    Alarm, AlarmKind, FailureKind, Finding, MemberStatus, Severity, Snapshot, UnknownClass, rule,
};

use super::scene::{
    MIB, Scene, Watch, after_healthy, at, at_first_sight, explained, failed, finding, id, ok, roots,
};
use crate::assess::AssessState;

const HOUR: i64 = 3_600;

/// "true", "false" or the class of what is not known, with the severity.
fn said(finding: &Finding) -> (&str, Severity) {
    let word = match &finding.status {
        etcd_monitor_model::FindingStatus::Unknown { unknown_class, .. } => unknown_class.as_str(),
        status => status.as_str(),
    };
    (word, finding.severity)
}

fn lagging(lag: u64) -> Scene {
    Scene::of(3).status(2, |status| {
        status.raft_index = 90_000 + lag;
        status.raft_applied_index = Some(90_000);
    })
}

fn lag_of(snapshot: &Snapshot) -> &Finding {
    finding(snapshot, rule::APPLY_LAG_NEAR_LIMIT, "n2")
}

#[test]
fn lease_revocations_are_told_apart_where_a_member_lets_them_through() {
    let with_gate = |lag, on: u8| {
        let gate = format!(
            "etcd_server_feature_enabled{{name=\"PriorityRequest\",stage=\"ALPHA\"}} {on}\n"
        );
        let snapshot = after_healthy(lagging(lag).page(2, &gate));
        lag_of(&snapshot).cause.clone()
    };
    assert!(with_gate(6_000, 1).ends_with("; lease revocations pass until 10000"));
    assert!(with_gate(10_001, 1).ends_with("; lease revocations too, beyond 10000"));
    assert!(!with_gate(6_000, 0).contains("lease"));
}

fn started(second: i64) -> String {
    format!("process_start_time_seconds {}\n", at(second).as_second())
}

#[test]
fn a_member_far_behind_in_applying_is_told_before_it_rejects_writes() {
    for (lag, expected) in [
        (0, ("false", Severity::Warning)),
        (4_000, ("false", Severity::Warning)),
        (4_001, ("true", Severity::Warning)),
        (5_000, ("true", Severity::Warning)),
        (5_001, ("true", Severity::Critical)),
    ] {
        let scene = lagging(lag);
        let snapshot = after_healthy(scene);
        let fuse = lag_of(&snapshot);
        let capacity = snapshot.members[1].capacity;
        assert_eq!(said(fuse), expected, "{lag}");
        assert_eq!(capacity.apply_lag, Some(lag));
        assert_eq!(capacity.apply_headroom, Some(5_000_u64.saturating_sub(lag)));
    }
    let rejects = after_healthy(lagging(5_001));
    let cause = &lag_of(&rejects).cause;
    assert!(cause.starts_with("n2 rejects writes"), "{cause}");
}

#[test]
fn a_lag_that_grows_names_the_time_that_is_left() {
    let mut watch = Watch::after_healthy(3);
    let mut snapshot = watch.see(lagging(4_000));
    for step in 1..=8 {
        snapshot = watch.see(lagging(4_000 + step * 50));
    }
    let left = snapshot.members[1].capacity.rejection_in_seconds.unwrap();
    assert!(
        (left - 60.0).abs() < 6.0,
        "600 entries at 10 a second: {left}"
    );
    let cause = &lag_of(&snapshot).cause;
    assert!(
        cause.contains("600 more") && cause.contains("in about"),
        "{cause}"
    );
    for _ in 0..20 {
        snapshot = watch.see(lagging(4_400));
    }
    assert_eq!(snapshot.members[1].capacity.rejection_in_seconds, None);
}

#[test]
fn a_member_that_replays_its_log_after_a_start_is_not_blamed() {
    let mut watch = Watch::default();
    watch.see(Scene::of(3).page(2, &started(-HOUR)));
    let replays = || lagging(4_800).page(2, &started(7));
    assert_eq!(said(lag_of(&watch.see(replays()))).0, "not_enough_data");
    watch.second += 301;
    assert_eq!(
        said(lag_of(&watch.see(replays()))).0,
        "true",
        "it takes too long"
    );
    watch.see(lagging(10).page(2, &started(400)));
    assert_eq!(
        said(lag_of(&watch.see(replays()))).0,
        "true",
        "it had caught up"
    );
}

#[test]
fn a_start_is_also_seen_where_the_page_does_not_tell_it() {
    let mut watch = Watch::after_healthy(3);
    watch.see(lagging(0));
    let back = |lag| {
        lagging(lag).status(2, |status| {
            status.raft_index = 80_000;
            status.raft_applied_index = Some(75_000);
        })
    };
    assert_eq!(said(lag_of(&watch.see(back(0)))).0, "not_enough_data");
    let unknown_start = at_first_sight(lagging(4_500));
    assert_eq!(said(lag_of(&unknown_start)).0, "not_enough_data");
    let old = at_first_sight(lagging(4_500).page(2, &started(-HOUR)));
    assert_eq!(said(lag_of(&old)).0, "true", "it has run for an hour");
}

#[test]
fn an_applied_index_that_status_has_not_is_read_from_the_page() {
    let page = |applied| {
        format!(
            "etcd_server_proposals_committed_total 90000\netcd_server_proposals_applied_total {applied}\n"
        )
    };
    let restarted = |applied| {
        let scene = lagging(0).page(2, &page(applied));
        scene.status(2, |status| status.raft_applied_index = Some(0))
    };
    let idle = after_healthy(restarted(90_000));
    assert_eq!(said(lag_of(&idle)).0, "false");
    let stale = after_healthy(lagging(4_900).page(2, &page(89_990)));
    assert_eq!(stale.members[1].capacity.apply_lag, Some(10));
    let nothing = after_healthy(restarted(0));
    assert_eq!(said(lag_of(&nothing)).0, "not_enough_data");
    let silent = after_healthy(Scene::of(3).fails(2, FailureKind::Refused));
    assert_eq!(said(lag_of(&silent)).0, "member_unreachable");
}

fn sized(allocated: i64, in_use: i64, quota: i64) -> Scene {
    Scene::of(3).page(2, "").status(2, |status| {
        status.db_size_bytes = allocated * MIB;
        status.db_size_in_use_bytes = in_use * MIB;
        status.db_quota_bytes = (quota != 0).then_some(quota * MIB);
    })
}

#[test]
fn fragmentation_matters_where_much_is_free_and_the_quota_is_near() {
    for (what, scene, expected) in [
        (
            "half of the quota, mostly free",
            sized(400, 150, 700),
            "true",
        ),
        ("far from the quota", sized(400, 150, 1_000), "false"),
        ("too little to matter", sized(300, 101, 320), "false"),
        ("mostly in use", sized(600, 310, 1_000), "false"),
        ("no quota to come near to", sized(400, 150, -1), "false"),
        (
            "the quota is not known",
            sized(400, 150, 0),
            "metric_absent",
        ),
        (
            "nothing free, so the quota does not matter",
            sized(400, 400, 0),
            "false",
        ),
        (
            "silent",
            sized(400, 150, 700).fails(2, FailureKind::TimedOut),
            "member_unreachable",
        ),
    ] {
        let snapshot = after_healthy(scene);
        let fragmented = finding(&snapshot, rule::DATABASE_FRAGMENTED, "n2");
        assert_eq!(said(fragmented), (expected, Severity::Info), "{what}");
    }
    let near = after_healthy(sized(850, 150, 1_000));
    assert_eq!(roots(&near), "DatabaseNearQuota n2");
    assert_eq!(explained(&near), "DatabaseFragmented n2");
}

#[test]
fn the_stall_of_a_defragmentation_is_taken_from_the_members_own() {
    let family = "etcd_disk_backend_defrag_duration_seconds";
    let page = format!("{family}_bucket{{le=\"+Inf\"}} 4\n{family}_sum 6\n{family}_count 4\n");
    let snapshot = after_healthy(sized(400, 150, 700).page(2, &page));
    assert_eq!(snapshot.members[1].capacity.defrag_stall_seconds, Some(1.5));
    let action = &finding(&snapshot, rule::DATABASE_FRAGMENTED, "n2").action;
    assert!(action.contains("about 2 s, the mean of its 4"), "{action}");
    let none = after_healthy(sized(400, 150, 700));
    let action = &finding(&none, rule::DATABASE_FRAGMENTED, "n2").action;
    assert!(action.contains("not known"), "{action}");
}

/// Every member at this revision and so many MiB in use of 300, with this on its page.
fn revised(revision: i64, in_use: i64, page: &str) -> Scene {
    let set = |status: &mut MemberStatus| {
        status.revision = revision;
        status.db_size_bytes = 210 * MIB;
        status.db_size_in_use_bytes = in_use * MIB;
        status.db_quota_bytes = Some(500 * MIB);
    };
    (1..=3).fold(Scene::of(3), |scene, member| {
        scene.status(member, set).page(member, page)
    })
}

fn compacted(revision: i64, last: i64) -> String {
    let last = if last == 0 { 0 } else { at(last).as_second() };
    format!(
        "etcd_debugging_mvcc_compact_revision {revision}\netcd_debugging_mvcc_db_compaction_last {last}\n"
    )
}

#[test]
fn a_cluster_that_nothing_compacts_is_told() {
    let never = compacted(-1, 0);
    for (what, scene, expected) in [
        ("never", revised(2_000_000, 200, &never), "true"),
        (
            "never, but few revisions",
            revised(900_000, 200, &never),
            "false",
        ),
        (
            "never, but little data",
            revised(2_000_000, 90, &never),
            "false",
        ),
        (
            "lately",
            revised(2_000_000, 200, &compacted(1_500_000, 0)),
            "false",
        ),
        (
            "an hour ago",
            revised(9_000_000, 200, &compacted(5, -HOUR)),
            "false",
        ),
        (
            "three hours ago",
            revised(9_000_000, 200, &compacted(5, -3 * HOUR)),
            "true",
        ),
        (
            "before the restart",
            revised(9_000_000, 200, &compacted(5, 0)),
            "not_enough_data",
        ),
        (
            "no such metric",
            revised(2_000_000, 200, ""),
            "metric_absent",
        ),
        (
            "no such metric, but few revisions",
            revised(7, 200, ""),
            "false",
        ),
        (
            "no number",
            revised(2_000_000, 200, "etcd_debugging_mvcc_compact_revision NaN\n"),
            "metric_absent",
        ),
        (
            "silent",
            Scene::of(3).all_fail(FailureKind::Refused),
            "member_unreachable",
        ),
    ] {
        let snapshot = after_healthy(scene);
        let pile = finding(&snapshot, rule::NEVER_COMPACTED, "test");
        assert_eq!(said(pile), (expected, Severity::Info), "{what}");
    }
    let much = after_healthy(revised(2_000_000, 251, &never));
    let much = finding(&much, rule::NEVER_COMPACTED, "test");
    assert_eq!(said(much), ("true", Severity::Warning));
    assert!(
        much.cause
            .starts_with("The cluster was never compacted: 2000000"),
        "{}",
        much.cause
    );
}

#[test]
fn compaction_that_is_awaited_in_vain_is_told_in_time() {
    let mut watch = Watch::default();
    let scene = || revised(9_000_000, 200, &compacted(5, 0));
    watch.see(scene());
    watch.second += 2 * HOUR;
    let snapshot = watch.see(scene());
    let pile = finding(&snapshot, rule::NEVER_COMPACTED, "test");
    assert!(
        pile.cause.starts_with("No compaction for at least 2.0 h"),
        "{}",
        pile.cause
    );
    let compacts = watch.see(revised(9_000_000, 200, &compacted(6, 0)));
    let pile = finding(&compacts, rule::NEVER_COMPACTED, "test");
    assert_eq!(
        said(pile).0,
        "not_enough_data",
        "it was compacted within that time"
    );
}

#[test]
fn the_action_tells_data_that_grew_from_history() {
    let full = |page: &str| {
        let scene = revised(50_000, 200, page);
        (1..=3).fold(scene, |scene, member| {
            scene.status(member, |status| status.db_quota_bytes = Some(220 * MIB))
        })
    };
    let keys = |keys| {
        format!(
            "{}etcd_debugging_mvcc_keys_total {keys}\n",
            compacted(40_000, 0)
        )
    };
    for (page, words) in [
        (keys(30_000), "The data really grew"),
        (
            keys(3_000),
            "Compact first (`etcdctl compact 50000`; 10000 revisions wait",
        ),
        (
            String::new(),
            "Compact first (`etcdctl compact 50000`; how many old revisions wait is not known",
        ),
    ] {
        let snapshot = after_healthy(full(&page));
        let action = &finding(&snapshot, rule::DATABASE_NEAR_QUOTA, "n2").action;
        assert!(action.starts_with(words), "{action}");
    }
}

fn no_space(scene: Scene) -> Scene {
    let alarm = Alarm {
        member: Some(id(2)),
        kind: AlarmKind::NoSpace,
    };
    scene.each(move |seen| seen.alarms = ok(vec![alarm.clone()]))
}

#[test]
fn an_alarm_that_nobody_disarms_is_told_once_the_members_have_room() {
    let mut watch = Watch::after_healthy(3);
    let first = watch.see(no_space(Scene::of(3)));
    assert_eq!(roots(&first), "AlarmNoSpace n2");
    assert_eq!(explained(&first), "AlarmNotDisarmed test");
    watch.second += 290;
    assert_eq!(roots(&watch.see(no_space(Scene::of(3)))), "AlarmNoSpace n2");
    watch.second += 10;
    let forgotten = watch.see(no_space(Scene::of(3)));
    assert_eq!(roots(&forgotten), "AlarmNotDisarmed test");
    assert_eq!(explained(&forgotten), "AlarmNoSpace n2");
    let said = finding(&forgotten, rule::ALARM_NOT_DISARMED, "test");
    assert!(
        said.action.contains("`etcdctl alarm disarm`"),
        "{}",
        said.action
    );
    assert_eq!(forgotten.health.healthy, Some(false));
    assert_eq!(roots(&watch.see(Scene::of(3))), "", "disarmed");
    let again = watch.see(no_space(Scene::of(3)));
    assert_eq!(
        roots(&again),
        "AlarmNoSpace n2",
        "a new alarm has its own time"
    );
}

#[test]
fn whether_a_disarm_is_missing_depends_on_every_member() {
    let status_of = |scene| {
        let snapshot = after_healthy(no_space(scene));
        said(finding(&snapshot, rule::ALARM_NOT_DISARMED, "test"))
            .0
            .to_owned()
    };
    assert_eq!(status_of(sized(90, 10, 100)), "false", "one is still full");
    assert_eq!(status_of(sized(89, 10, 100)), "true");
    assert_eq!(status_of(sized(900, 10, -1)), "true", "one has no quota");
    assert_eq!(status_of(sized(90, 10, 0)), "metric_absent");
    assert_eq!(
        status_of(Scene::of(3).status(2, |status| status.db_size_bytes = -1)),
        "bad_answer"
    );
    let denied = Scene::of(3).each(|seen| seen.alarms = failed(FailureKind::PermissionDenied));
    let denied = after_healthy(denied);
    let denied = finding(&denied, rule::ALARM_NOT_DISARMED, "test");
    assert_eq!(said(denied).0, UnknownClass::PermissionDenied.as_str());
}

/// One cycle a minute.
fn minute(watch: &mut Watch, allocated: i64, in_use: f64) -> Snapshot {
    watch.second += 55;
    #[expect(clippy::cast_possible_truncation, reason = "small numbers of a test")]
    let in_use = (in_use * MIB as f64) as i64;
    let scene = Scene::of(1).status(1, |status| {
        status.db_size_bytes = allocated * MIB;
        status.db_size_in_use_bytes = in_use;
    });
    watch.see(scene)
}

fn forecast_of(snapshot: &Snapshot) -> &Finding {
    finding(snapshot, rule::QUOTA_FORECAST, "n1")
}

fn after_minutes(minutes: u32, allocated: i64, in_use: impl Fn(f64) -> f64) -> (Watch, Snapshot) {
    let mut watch = Watch::default();
    let mut latest = minute(&mut watch, allocated, in_use(0.0));
    for passed in 1..=minutes {
        latest = minute(&mut watch, allocated, in_use(f64::from(passed)));
    }
    (watch, latest)
}

#[test]
fn data_that_grow_towards_the_quota_are_forecast_after_an_hour() {
    let (_, early) = after_minutes(58, 79, |passed| 10.0 + passed);
    assert_eq!(said(forecast_of(&early)).0, "not_enough_data");
    let (_, soon) = after_minutes(65, 79, |passed| 10.0 + passed);
    assert_eq!(said(forecast_of(&soon)), ("true", Severity::Critical));
    assert!(
        forecast_of(&soon).cause.contains("in about 25 min"),
        "{}",
        forecast_of(&soon).cause
    );
    let capacity = soon.members[0].capacity;
    assert!((capacity.quota_reached_in_seconds.unwrap() - 1_500.0).abs() < 30.0);
    assert!(
        (capacity.in_use_growth_bytes_per_hour.unwrap() / (60.0 * MIB as f64) - 1.0).abs() < 0.01
    );
    let (_, later) = after_minutes(65, 79, |passed| 10.0 + passed * 0.08);
    assert_eq!(said(forecast_of(&later)), ("true", Severity::Warning));
}

#[test]
fn what_does_not_grow_is_no_forecast() {
    for (what, in_use) in [
        ("idle", (|_| 50.0) as fn(f64) -> f64),
        ("slow", |passed| 50.0 + passed * 0.01),
        ("shrinks", |passed| 79.0 - passed * 0.5),
        ("compacted every five minutes", |passed| {
            40.0 + (passed % 5.0) * 4.0
        }),
    ] {
        let (_, snapshot) = after_minutes(90, 79, in_use);
        assert_eq!(said(forecast_of(&snapshot)).0, "false", "{what}");
    }
    let (_, hourly) = after_minutes(180, 79, |passed| 30.0 + (passed % 30.0));
    assert_ne!(
        said(forecast_of(&hourly)).0,
        "true",
        "a saw-tooth of compactions"
    );
}

#[test]
fn a_defragmentation_begins_the_trend_anew_and_a_restart_of_the_monitor_does_not() {
    let (mut watch, _) = after_minutes(65, 79, |passed| 10.0 + passed);
    let saved = serde_json::to_string(&watch.state).unwrap();
    watch.state = serde_json::from_str::<AssessState>(&saved).unwrap();
    let resumed = minute(&mut watch, 79, 76.0);
    assert_eq!(said(forecast_of(&resumed)).0, "true");
    let defragmented = minute(&mut watch, 60, 58.0);
    assert_eq!(said(forecast_of(&defragmented)).0, "not_enough_data");
}

#[test]
fn without_a_quota_there_is_nothing_to_reach() {
    let scene = |quota| {
        Scene::of(3)
            .page(2, "")
            .status(2, |status| status.db_quota_bytes = quota)
    };
    for (quota, expected) in [
        (Some(-1), "false"),
        (None, "metric_absent"),
        (Some(MIB), "true"),
    ] {
        let snapshot = after_healthy(scene(quota));
        let forecast = finding(&snapshot, rule::QUOTA_FORECAST, "n2");
        assert_eq!(said(forecast).0, expected, "{quota:?}");
    }
}
