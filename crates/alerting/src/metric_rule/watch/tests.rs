use etcd_monitor_model::{MemberSnapshot, MonitorCondition, SubjectKind};

use super::*;
use crate::fixtures::matchers;
use crate::metric_rule::MetricRuleText;

const INTERVAL: i64 = 5;

/// Cycle `n` of a cluster with these members and how long a round trip between them takes.
fn snapshot(cluster: &str, cycle: u64, members: Vec<MemberSnapshot>) -> Snapshot {
    let monitor = MonitorCondition {
        timer_lag_seconds: 0.0,
        deadline_seconds: 2.0,
    };
    let at = Timestamp::from_second(i64::try_from(cycle).unwrap() * INTERVAL).unwrap();
    let mut snapshot = Snapshot::empty(ClusterName::new(cluster), at, monitor);
    snapshot.cycle = cycle;
    snapshot.interval_seconds = INTERVAL as f64;
    snapshot.member_count = u32::try_from(members.len()).ok();
    snapshot.members = members;
    for member in &mut snapshot.members {
        member.last_answer_at = member.last_read_seconds.map(|_| at);
    }
    snapshot
}

/// A member whose read took so long, or that did not answer.
fn member(id: u64, read_seconds: Option<f64>) -> MemberSnapshot {
    let mut member = MemberSnapshot::unknown(format!("m{id}"), "");
    member.id = Some(MemberId(id));
    member.last_read_seconds = read_seconds;
    member
}

fn rule(change: impl FnOnce(&mut MetricRuleText)) -> MetricRule {
    let mut text = MetricRuleText::new("SlowReads", "read_seconds", ">", "100ms");
    text.aggregate = Some("mean".to_owned());
    text.window = Some(Duration::from_secs(20));
    change(&mut text);
    MetricRule::new(text).unwrap()
}

/// The statuses of the one subject of a rule, with one read of one member in each cycle.
fn statuses(rule: &MetricRule, reads: &[Option<f64>]) -> Vec<&'static str> {
    let mut rules = MetricRules::new(std::slice::from_ref(rule));
    let cycles = (1..).zip(reads);
    cycles
        .map(|(cycle, read)| {
            let found = rules.observe(&snapshot("a", cycle, vec![member(1, *read)]));
            assert_eq!(found.len(), 1);
            found[0].status.as_str()
        })
        .collect()
}

#[test]
fn a_finding_is_true_with_the_numbers_that_say_so() {
    let mut rules = MetricRules::new(&[rule(|_| ())]);
    for cycle in 1..=3 {
        rules.observe(&snapshot("a", cycle, vec![member(1, Some(0.05))]));
    }
    let slow = snapshot("a", 4, vec![member(1, Some(0.45))]);
    let found = rules.observe(&slow);
    let [finding] = &found[..] else {
        panic!("one member: {found:?}");
    };
    assert_eq!(finding.rule, "SlowReads");
    assert!(finding.status.is_true());
    assert_eq!(finding.subject, Subject::member("m1", Some(MemberId(1))));
    assert_eq!(
        finding.cause,
        "The mean of read_seconds over 20s of member m1 is 150 ms, above 100 ms"
    );
    assert_eq!(
        finding.evidence[0].value,
        "150 ms (mean over 20s, 4 samples)"
    );
    assert_eq!(finding.evidence[0].at, slow.at);
    assert_eq!(finding.since, slow.at);
    let next = snapshot("a", 5, vec![member(1, Some(0.45))]);
    assert_eq!(rules.observe(&next)[0].since, slow.at, "it stays");
}

#[test]
fn a_window_that_is_not_half_filled_is_unknown_and_so_is_one_without_samples() {
    let (slow, fast) = (Some(0.2), Some(0.05));
    assert_eq!(
        statuses(
            &rule(|_| ()),
            &[None, slow, slow, slow, fast, fast, fast, fast]
        ),
        [
            "unknown", "unknown", "true", "true", "true", "true", "false", "false"
        ]
    );
    let mut rules = MetricRules::new(&[rule(|_| ())]);
    let found = rules.observe(&snapshot("a", 1, vec![member(1, slow)]));
    let FindingStatus::Unknown { unknown_reason, .. } = &found[0].status else {
        panic!("{found:?}");
    };
    assert_eq!(
        unknown_reason,
        "read_seconds: samples fill only 5s of the window of 20s"
    );
}

#[test]
fn samples_that_stop_make_it_unknown_and_one_that_is_missed_does_not() {
    let slow = Some(0.2);
    let reads = [slow, slow, None, slow, slow, None, None, None, slow, slow];
    assert_eq!(
        statuses(&rule(|_| ()), &reads),
        [
            "unknown", "true", "true", "true", "true", "true", "true", "unknown", "unknown", "true"
        ]
    );
}

#[test]
fn the_newest_sample_alone_needs_no_window() {
    let newest = rule(|text| (text.aggregate, text.window) = (None, None));
    assert_eq!(
        statuses(&newest, &[Some(0.2), Some(0.05), None, None, None]),
        ["true", "false", "false", "false", "unknown"]
    );
}

#[test]
fn a_rate_is_of_a_counter_over_its_resets() {
    let rate = rule(|text| {
        text.metric = "proposals_failed_total".into();
        text.aggregate = Some("rate".into());
        text.value = "1/s".into();
    });
    let mut rules = MetricRules::new(&[rate]);
    let mut status = |cycle, failed: f64| {
        let mut member = member(1, Some(0.01));
        let mut counters = etcd_monitor_model::ServerCounters::default();
        counters.proposals_failed = Some(failed);
        member.counters = Some(counters);
        let found = rules.observe(&snapshot("a", cycle, vec![member]));
        (found[0].status.as_str(), found[0].cause.clone())
    };
    assert_eq!(status(1, 100.0).0, "unknown");
    assert_eq!(status(2, 104.0).0, "false");
    // 4 + 0 + 30 in 15 s.
    assert_eq!(status(3, 0.0).0, "false");
    let (word, cause) = status(4, 30.0);
    assert_eq!(word, "true");
    assert!(
        cause.ends_with("of member m1 is 2.27/s, above 1/s"),
        "{cause}"
    );
}

#[test]
fn every_member_that_matches_has_a_finding_and_one_that_is_gone_has_none() {
    let on_two = rule(|text| text.matchers = matchers(&["member=~m[23]", "cluster=a"]));
    let mut rules = MetricRules::new(&[on_two]);
    let mut names = |cluster: &str, cycle, ids: &[u64], known: bool| {
        let members = ids.iter().map(|id| member(*id, Some(0.2))).collect();
        let mut snapshot = snapshot(cluster, cycle, members);
        snapshot.member_count = snapshot.member_count.filter(|_| known);
        let found = rules.observe(&snapshot);
        let names = found.into_iter().map(|finding| finding.subject.name);
        names.collect::<Vec<_>>()
    };
    assert_eq!(names("a", 1, &[1, 2, 3], true), ["m2", "m3"]);
    assert_eq!(
        names("a", 2, &[1], false),
        ["m2", "m3"],
        "nobody agreed on that"
    );
    assert_eq!(names("a", 3, &[1, 3], true), ["m3"]);
    assert_eq!(names("b", 1, &[2, 3], true), [""; 0]);
}

#[test]
fn links_are_named_by_who_sends_and_who_receives() {
    let link = |from, to| {
        let mut link = LinkSnapshot::unknown(MemberId(from), MemberId(to), "");
        (link.from_name, link.to_name) = (format!("m{from}"), format!("m{to}"));
        link.received_bytes_per_second = Some(from as f64 * 1_000.0);
        link
    };
    let quiet = rule(|text| {
        text.metric = "peer_received_bytes_per_second".into();
        (text.aggregate, text.window) = (None, None);
        (text.op, text.value) = ("<".into(), "1.5 KiB/s".into());
        text.matchers = matchers(&["from=~m[12]"]);
    });
    let answering = |id| {
        let mut member = member(id, Some(0.01));
        member.counters = Some(etcd_monitor_model::ServerCounters::default());
        member
    };
    let mut snapshot = snapshot("a", 1, vec![answering(1), answering(2), answering(3)]);
    snapshot.links = vec![link(1, 2), link(2, 1), link(3, 1)];
    let found = MetricRules::new(&[quiet]).observe(&snapshot);
    let found: Vec<_> = found
        .iter()
        .map(|it| {
            (
                it.subject.kind,
                it.subject.name.as_str(),
                it.status.as_str(),
            )
        })
        .collect();
    let expected = [("m1 -> m2", "true"), ("m2 -> m1", "false")];
    assert_eq!(
        found,
        expected.map(|(name, status)| (SubjectKind::Link, name, status))
    );
}

#[test]
fn a_snapshot_seen_twice_counts_once_and_a_clock_set_back_forgets_what_is_to_come() {
    let mut rules = MetricRules::new(&[rule(|_| ())]);
    let first = snapshot("a", 10, vec![member(1, Some(0.2))]);
    let twice = [rules.observe(&first), rules.observe(&first)];
    assert_eq!(twice[0], twice[1]);
    assert_eq!(twice[0][0].status.as_str(), "unknown");
    for cycle in 11..=13 {
        rules.observe(&snapshot("a", cycle, vec![member(1, Some(0.2))]));
    }
    let back = rules.observe(&snapshot("a", 2, vec![member(1, Some(0.05))]));
    assert_eq!(back[0].status.as_str(), "unknown");
    let none = snapshot("a", 0, vec![member(1, Some(0.2))]);
    assert!(rules.observe(&none).is_empty());
}

#[test]
fn rules_that_stay_keep_what_they_saw_and_clusters_that_go_are_forgotten() {
    let mut rules = MetricRules::new(&[rule(|_| ())]);
    let read = |cycle| snapshot("a", cycle, vec![member(1, Some(0.2))]);
    for cycle in 1..=4 {
        rules.observe(&read(cycle));
    }
    let other = rule(|text| text.name = "Other".into());
    rules.set_rules(&[rule(|_| ()), other]);
    let words =
        |found: Vec<Finding>| -> Vec<_> { found.iter().map(|it| it.status.as_str()).collect() };
    assert_eq!(words(rules.observe(&read(5))), ["true", "unknown"]);
    rules.set_rules(&[rule(|text| text.value = "50ms".into())]);
    assert_eq!(words(rules.observe(&read(6))), ["unknown"]);
    rules.observe(&read(7));
    rules.remove_cluster(&ClusterName::new("a"));
    assert_eq!(words(rules.observe(&read(8))), ["unknown"]);
}

#[test]
fn what_is_kept_is_bounded_by_windows_and_in_number_and_says_so() {
    let mut rules = MetricRules::new(&[rule(|text| {
        text.window = Some(Duration::from_hours(24));
    })]);
    let many: Vec<u64> = (1..=u64::try_from(FOLLOWED_MAX).unwrap() + 2).collect();
    let members = |many: &[u64]| many.iter().map(|id| member(*id, Some(0.2))).collect();
    let found = rules.observe(&snapshot("a", 1, members(&many)));
    let unheard = |finding: &&Finding| matches!(&finding.status, FindingStatus::Unknown { unknown_reason, .. } if unknown_reason.contains("10000 numbers at most"));
    assert_eq!(found.len(), many.len());
    assert_eq!(found.iter().filter(unheard).count(), 2);

    for cycle in 2..=20_000 {
        rules.observe(&snapshot("a", cycle, members(&[1])));
    }
    let kept = rules
        .clusters
        .values()
        .flat_map(|it| it.by_rule.values().flatten());
    let kept: Vec<usize> = kept.map(|(_, watched)| watched.series.len()).collect();
    assert_eq!(kept.len(), 1);
    assert!(kept[0] <= 722, "{kept:?}");
    let found = rules.observe(&snapshot("a", 20_001, members(&[1])));
    assert!(found[0].status.is_true());
}

#[test]
fn a_name_that_a_member_gives_cannot_steer_a_terminal() {
    let mut hostile = member(1, Some(0.2));
    hostile.name = "m1\u{1b}[2J".to_owned();
    let newest = rule(|text| (text.aggregate, text.window) = (None, None));
    let found = MetricRules::new(&[newest]).observe(&snapshot("a", 1, vec![hostile]));
    assert!(found[0].status.is_true());
    assert!(!found[0].cause.contains('\u{1b}'), "{:?}", found[0].cause);
}
