//! Clocks that go with the monitor's, apart from it, and apart from each other.

use etcd_monitor_model::{Certificate, ClockReading, Severity, Snapshot, rule};
use jiff::{Timestamp, ToSpan};

use super::scene::{Scene, at, at_first_sight, finding, ok, roots, status_of};

/// What a clock that is ahead by `milliseconds` shows half-way in an answer that takes `took_seconds`.
fn reading(milliseconds: i64, took_seconds: f64) -> ClockReading {
    let sent_at = at(0) + 700.milliseconds();
    let read_at = sent_at + milliseconds.milliseconds();
    ClockReading {
        sent_at,
        answered_after_seconds: took_seconds,
        date: Timestamp::from_second(read_at.as_second()).unwrap(),
    }
}

/// Three members whose clocks are ahead by so many milliseconds.
fn ahead(milliseconds: [i64; 3]) -> Scene {
    (1..=3).fold(Scene::of(3), |scene, member| {
        scene.edit(member, |seen| {
            seen.clock = Some(reading(milliseconds[member - 1], 0.004));
        })
    })
}

fn skewed(snapshot: &Snapshot) -> String {
    let rules = snapshot
        .findings
        .iter()
        .filter(|found| found.rule == rule::CLOCK_SKEW);
    let skewed = rules.filter(|found| found.status.is_true());
    skewed
        .map(|found| found.subject.name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

#[test]
fn clocks_that_agree_as_far_as_a_second_tells_are_in_step() {
    for spread in [[0, 0, 0], [400, -400, 0], [-900, 900, 0]] {
        let snapshot = at_first_sight(ahead(spread));
        assert_eq!(
            status_of(&snapshot, rule::CLOCK_SKEW),
            "false",
            "{spread:?}"
        );
    }
    let offset = at_first_sight(ahead([0, 0, 0])).members[0]
        .trust
        .clock
        .unwrap();
    assert!(
        offset.offset_seconds.abs() <= offset.uncertainty_seconds,
        "{offset:?}"
    );
    assert!(
        (0.5..0.51).contains(&offset.uncertainty_seconds),
        "{offset:?}"
    );
}

#[test]
fn a_clock_of_its_own_is_told_with_its_direction() {
    for (milliseconds, words) in [(5_000, "ahead of"), (-5_000, "behind")] {
        let snapshot = at_first_sight(ahead([0, milliseconds, 0]));
        assert_eq!(roots(&snapshot), "ClockSkew n2");
        let found = finding(&snapshot, rule::CLOCK_SKEW, "n2");
        assert_eq!(found.severity, Severity::Info);
        assert!(found.cause.contains(words), "{}", found.cause);
        assert_eq!(found.evidence.len(), 1);
    }
}

#[test]
fn members_that_agree_against_the_monitor_are_right() {
    let snapshot = at_first_sight(ahead([60_000, 60_200, 59_900]));
    assert_eq!(skewed(&snapshot), "monitor");
    let found = finding(&snapshot, rule::CLOCK_SKEW, "monitor");
    assert!(
        found.cause.contains("behind those of all 3 members"),
        "{}",
        found.cause
    );
    assert_eq!(
        finding(&snapshot, rule::CLOCK_SKEW, "n1").status.as_str(),
        "false"
    );
}

#[test]
fn one_member_alone_is_measured_by_the_monitors_clock() {
    let alone = Scene::of(1).edit(1, |seen| seen.clock = Some(reading(60_000, 0.004)));
    let snapshot = at_first_sight(alone);
    assert_eq!(skewed(&snapshot), "n1");
    assert_eq!(
        finding(&snapshot, rule::CLOCK_SKEW, "monitor")
            .status
            .as_str(),
        "unknown"
    );
}

#[test]
fn no_date_and_a_slow_answer_tell_nothing() {
    let snapshot = at_first_sight(Scene::of(3).each(|seen| seen.clock = None));
    assert_eq!(status_of(&snapshot, rule::CLOCK_SKEW), "unknown");
    for took in [4.0, f64::NAN, -1.0, f64::INFINITY] {
        let slow = ahead([0, 0, 0]).edit(2, |seen| seen.clock = Some(reading(0, took)));
        let snapshot = at_first_sight(slow);
        let found = finding(&snapshot, rule::CLOCK_SKEW, "n2");
        assert_eq!(found.status.as_str(), "unknown", "{took}");
    }
}

#[test]
fn a_certificate_that_ends_within_the_skew_makes_it_a_warning() {
    let certificate = |seconds| Certificate {
        subject: "CN=monitor".to_owned(),
        issuer: "CN=authority".to_owned(),
        serial: "01".to_owned(),
        issuer_key: None,
        own_key: None,
        not_before: at(-400 * 86_400),
        not_after: at(seconds),
        names: Vec::new(),
        server_auth: true,
        client_auth: true,
    };
    for (ends_in, severity) in [(60, Severity::Warning), (1_200, Severity::Info)] {
        let mut scene = ahead([0, 600_000, 0]);
        scene.own_certificates = ok(vec![certificate(ends_in)]);
        let snapshot = at_first_sight(scene);
        assert_eq!(
            finding(&snapshot, rule::CLOCK_SKEW, "n2").severity,
            severity
        );
    }
}

#[test]
fn the_ends_of_time_are_survived() {
    let end = |date| ClockReading {
        sent_at: at(0),
        answered_after_seconds: 0.01,
        date,
    };
    let scene = ahead([0, 0, 0])
        .edit(1, |seen| seen.clock = Some(end(Timestamp::MIN)))
        .edit(2, |seen| seen.clock = Some(end(Timestamp::MAX)));
    assert_eq!(skewed(&at_first_sight(scene)), "n1, n2");
}
