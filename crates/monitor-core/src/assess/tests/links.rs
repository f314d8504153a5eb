//! Who hears whom: cut links, partitions, isolated members, slow links, and what must not be taken for them.

mod network;

use etcd_monitor_model::FailureKind::{Refused, TimedOut};
use etcd_monitor_model::{LinkState, Severity, rule};

use super::scene::{Scene, Watch, explained, finding, id, roots, status_of};
use network::Network;

/// Long enough for every verdict: a window, and a few cycles.
const SETTLED: usize = 8;

#[test]
fn links_are_unknown_at_first_and_well_after_a_window() {
    let mut network = Network::of(3);
    let first = network.run(1);
    assert_eq!(first.links.len(), 6);
    assert_eq!(status_of(&first, rule::LINK_FAILING), "unknown");
    assert_eq!(status_of(&first, rule::NETWORK_PARTITION), "unknown");
    assert_eq!(status_of(&first, rule::MEMBER_ISOLATED), "unknown");
    let settled = network.run(SETTLED);
    for rule in [
        rule::LINK_FAILING,
        rule::NETWORK_PARTITION,
        rule::MEMBER_ISOLATED,
    ] {
        assert_eq!(status_of(&settled, rule), "false", "{rule}");
    }
    assert_eq!(roots(&settled), "");
    let link = settled
        .links
        .iter()
        .find(|link| link.from == id(1) && link.to == id(2));
    let link = link.unwrap();
    assert_eq!(link.name(), "n1 -> n2");
    assert!((link.sent_bytes_per_second.unwrap() - 502.4).abs() < 0.1);
    assert!((link.received_bytes_per_second.unwrap() - 500.0).abs() < 0.1);
}

#[test]
fn a_cut_between_followers_is_told_both_ways_and_is_no_partition() {
    let mut network = Network::settled(3);
    network.cut(2, 3);
    network.cut(3, 2);
    let snapshot = network.run(SETTLED);
    assert_eq!(
        roots(&snapshot),
        "LinkFailing n2 -> n3, LinkFailing n3 -> n2"
    );
    let failing = finding(&snapshot, rule::LINK_FAILING, "n2 -> n3");
    assert!(
        failing.cause.contains("nor does anything come back"),
        "{}",
        failing.cause
    );
    assert_eq!(status_of(&snapshot, rule::NETWORK_PARTITION), "false");
    network.heal();
    assert_eq!(roots(&network.run(SETTLED)), "");
}

#[test]
fn a_one_way_cut_between_followers_is_told_one_way() {
    let mut network = Network::settled(3);
    network.cut(2, 3);
    let snapshot = network.run(SETTLED);
    assert_eq!(roots(&snapshot), "LinkFailing n2 -> n3");
    let failing = finding(&snapshot, rule::LINK_FAILING, "n2 -> n3");
    assert!(
        failing.cause.contains("the other direction works"),
        "{}",
        failing.cause
    );
    assert!(failing.evidence.len() >= 2);
    assert!(
        failing.action.contains("http://n3:2380"),
        "{}",
        failing.action
    );
}

#[test]
fn a_follower_that_does_not_hear_the_leader_is_a_partition() {
    let mut network = Network::settled(3);
    network.cut(1, 3);
    let snapshot = network.run(SETTLED);
    assert_eq!(roots(&snapshot), "NetworkPartition test");
    assert_eq!(explained(&snapshot), "LinkFailing n1 -> n3");
    let partition = finding(&snapshot, rule::NETWORK_PARTITION, "test");
    assert_eq!(partition.severity, Severity::Critical);
    assert!(
        partition.cause.contains("n3 does not hear the leader n1"),
        "{}",
        partition.cause
    );
}

#[test]
fn a_member_that_hears_nobody_is_isolated_and_explains_the_rest() {
    let mut network = Network::settled(3);
    network.isolate(3);
    let snapshot = network.run(SETTLED);
    assert_eq!(roots(&snapshot), "MemberIsolated n3");
    let explained = explained(&snapshot);
    assert!(
        explained.starts_with("NetworkPartition test"),
        "{explained}"
    );
    assert_eq!(explained.matches("LinkFailing").count(), 4, "{explained}");
}

#[test]
fn nothing_is_claimed_of_a_single_link_while_all_of_a_members_links_fall_silent() {
    let mut network = Network::settled(3);
    network.isolate(3);
    for _ in 0..SETTLED {
        let snapshot = network.run(1);
        let roots = roots(&snapshot);
        assert!(
            ["", "MemberIsolated n3"].contains(&roots.as_str()),
            "{roots}"
        );
    }
}

#[test]
fn a_split_of_five_names_the_groups_and_who_has_the_quorum() {
    let mut network = Network::settled(5);
    for minority in [4, 5] {
        for majority in [1, 2, 3] {
            network.cut(minority, majority);
            network.cut(majority, minority);
        }
    }
    let snapshot = network.run(SETTLED);
    assert_eq!(roots(&snapshot), "NetworkPartition test");
    let cause = &finding(&snapshot, rule::NETWORK_PARTITION, "test").cause;
    assert!(
        cause.contains("n4+n5") && cause.contains("only n1+n2+n3 has a quorum"),
        "{cause}"
    );
    assert_eq!(status_of(&snapshot, rule::MEMBER_ISOLATED), "false");
}

#[test]
fn a_dead_member_explains_that_nothing_comes_from_it() {
    for kind in [Refused, TimedOut] {
        let mut network = Network::settled(3);
        network.kill(3, kind);
        let snapshot = network.run(SETTLED);
        assert_eq!(roots(&snapshot), "MemberDown n3");
        assert_eq!(
            explained(&snapshot),
            "LinkFailing n3 -> n1, LinkFailing n3 -> n2"
        );
        network.revive(3);
        for _ in 0..2 * SETTLED {
            assert_eq!(
                roots(&network.run(1)),
                "",
                "whoever comes back is heard again"
            );
        }
    }
}

#[test]
fn a_rolling_restart_makes_no_link_fail() {
    let mut network = Network::settled(3);
    for member in [2, 3, 1] {
        network.restart(member);
        for _ in 0..3 {
            let seen = roots(&network.run(1));
            assert!(["", "RollingRestart test"].contains(&&*seen), "{seen}");
        }
    }
    assert_eq!(
        status_of(&network.run(SETTLED), rule::LINK_FAILING),
        "false"
    );
}

#[test]
fn a_new_leader_makes_no_link_fail() {
    let mut network = Network::settled(3);
    network.leader = 2;
    for _ in 0..SETTLED {
        let snapshot = network.run(1);
        let failing = snapshot.links.iter().any(|link| link.state.is_failing());
        assert!(!failing, "{:?}", snapshot.links);
    }
}

#[test]
fn members_that_left_or_never_started_do_not_count() {
    let mut network = Network::settled(3);
    network.unstarted = true;
    let snapshot = network.run(SETTLED);
    assert_eq!(snapshot.links.len(), 12);
    assert_eq!(roots(&snapshot), "");
    assert_eq!(status_of(&snapshot, rule::NETWORK_PARTITION), "false");
    network.unstarted = false;
    let snapshot = network.run(1);
    assert_eq!(
        snapshot.links.len(),
        6,
        "series of removed members stay on the page"
    );
}

#[test]
fn a_probe_that_repeats_its_value_tells_a_cut_where_the_beats_are_not_known() {
    let mut network = Network::of(3);
    network.version = "3.8.0-alpha.0";
    network.run(24);
    network.cut(2, 3);
    let snapshot = network.run(24);
    assert_eq!(
        roots(&snapshot),
        "LinkFailing n2 -> n3, LinkFailing n3 -> n2"
    );
    let link = snapshot.links.iter().find(|link| link.name() == "n2 -> n3");
    assert_eq!(link.unwrap().state, LinkState::FailingEitherWay);
    let cause = &finding(&snapshot, rule::LINK_FAILING, "n2 -> n3").cause;
    assert!(
        cause.contains("which is not known") && cause.contains("repeats"),
        "{cause}"
    );
}

#[test]
fn probers_in_a_hurry_tell_a_cut_as_well() {
    let mut network = Network::of(3);
    network.version = "3.8.0-alpha.0";
    network.hurried = Some((2, 3));
    let snapshot = network.run(24);
    assert_eq!(
        roots(&snapshot),
        "LinkFailing n2 -> n3, LinkFailing n3 -> n2"
    );
    assert!(
        finding(&snapshot, rule::LINK_FAILING, "n2 -> n3")
            .cause
            .contains("0.40 times")
    );
}

#[test]
fn a_slow_link_is_told_by_itself_and_against_the_others() {
    let mut network = Network::settled(3);
    network.delay(1, 3, 0.4);
    let snapshot = network.run(40);
    assert_eq!(roots(&snapshot), "LinkSlow n1 -> n3, LinkSlow n3 -> n1");
    let slow = finding(&snapshot, rule::LINK_SLOW, "n1 -> n3");
    assert!(
        slow.cause.contains("a round trip takes 4"),
        "{}",
        slow.cause
    );
}

#[test]
fn one_slow_probe_and_a_wide_area_network_make_no_link_slow() {
    let mut network = Network::settled(3);
    network.run(20);
    network.delay(1, 3, 2.0);
    network.run(1);
    network.delay(1, 3, 0.0);
    for _ in 0..30 {
        assert_eq!(roots(&network.run(1)), "");
    }
    let mut wide = Network::of(3);
    for (from, to) in [(1, 2), (1, 3), (2, 3)] {
        wide.delay(from, to, 0.2);
    }
    let snapshot = wide.run(60);
    assert_eq!(status_of(&snapshot, rule::LINK_SLOW), "false");
}

#[test]
fn snapshots_that_fail_over_a_link_that_is_well_are_a_finding() {
    let mut network = Network::settled(3);
    assert_eq!(
        status_of(&network.run(1), rule::SNAPSHOT_SEND_FAILING),
        "false"
    );
    for failures in 1..=2 {
        network.snapshot_failures = Some(failures);
        network.run(1);
    }
    let snapshot = network.run(1);
    assert_eq!(roots(&snapshot), "SnapshotSendFailing n1 -> n2");
    let cause = &finding(&snapshot, rule::SNAPSHOT_SEND_FAILING, "n1 -> n2").cause;
    assert!(cause.contains("2 times within 10 min"), "{cause}");
    let later = network.run(130);
    assert_eq!(status_of(&later, rule::SNAPSHOT_SEND_FAILING), "false");
}

#[test]
fn snapshots_that_failed_before_the_monitor_came_do_not_count() {
    let mut network = Network::of(3);
    network.snapshot_failures = Some(9);
    assert_eq!(roots(&network.run(SETTLED)), "");
}

#[test]
fn without_pages_nothing_is_known_and_nothing_false_is_said() {
    let mut watch = Watch::after_healthy(3);
    for _ in 0..SETTLED {
        let snapshot = watch.see(Scene::of(3));
        assert_eq!(status_of(&snapshot, rule::LINK_FAILING), "unknown");
        assert_eq!(roots(&snapshot), "");
    }
}

#[test]
fn a_cluster_of_one_or_of_very_many_has_no_links() {
    let one = Watch::after_healthy(1).see(Scene::of(1));
    assert!(one.links.is_empty());
    assert_eq!(status_of(&one, rule::NETWORK_PARTITION), "false");
    assert_eq!(status_of(&one, rule::MEMBER_ISOLATED), "false");
    let many = Watch::after_healthy(17).see(Scene::of(17));
    assert!(many.links.is_empty());
    assert_eq!(status_of(&many, rule::NETWORK_PARTITION), "unknown");
}

#[test]
fn a_clock_that_goes_back_begins_a_new_window() {
    let mut network = Network::settled(3);
    network.watch.second -= 1_000;
    let back = network.run(1);
    assert_eq!(status_of(&back, rule::LINK_FAILING), "unknown");
    assert_eq!(
        status_of(&network.run(SETTLED), rule::LINK_FAILING),
        "false"
    );
}
