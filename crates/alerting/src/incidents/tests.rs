use std::sync::Arc;

use etcd_monitor_model::FindingKey;
use jiff::ToSpan;

use super::*;
use crate::alert::ResolveReason;
use crate::fixtures;

/// What happened to alerts, told by scripts of lines `SECOND CLUSTER/RULE WHAT`.
#[derive(Default)]
struct Story {
    history: Vec<AlertEvent>,
    active: BTreeMap<String, Alert>,
    names: BTreeMap<Fingerprint, String>,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap() + second.seconds()
}

fn second(at: Timestamp) -> i64 {
    at.as_second() - 1_700_000_000
}

impl Story {
    fn of(script: &str) -> Self {
        let mut story = Self::default();
        let lines = script.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            story.act(words[0].parse().unwrap(), words[1], words[2]);
        }
        story
    }

    /// The same with the history cut to its newest events.
    fn cut_to(mut self, events: usize) -> Self {
        self.history = self.history.split_off(self.history.len() - events);
        self
    }

    /// An alert that fires has been true for ten seconds.
    fn act(&mut self, second: i64, name: &str, what: &str) {
        let (cluster, rule) = name.split_once('/').unwrap();
        let begin = || fixtures::alert(cluster, rule, Severity::Warning);
        let mut alert = self.active.remove(name).unwrap_or_else(begin);
        self.names.insert(alert.id, rule.to_owned());
        alert.cause = format!("{rule} at {second}");
        let kind = match what {
            "pending" => None,
            "warning" | "critical" | "raised" => {
                alert.severity = match what {
                    "warning" => Severity::Warning,
                    _ => Severity::Critical,
                };
                Some(AlertEventKind::SeverityRaised)
            }
            "explained" => {
                let (rule, subject) = ("QuorumLost".to_owned(), "cluster:prod".to_owned());
                alert.explained_by = Some(FindingKey { rule, subject });
                Some(AlertEventKind::Explained)
            }
            "muted" => Some(AlertEventKind::Muted),
            "over" => Some(AlertEventKind::Resolved),
            other => panic!("the script says {other:?}"),
        };
        let kind = kind.map(|kind| match what {
            "warning" | "critical" => AlertEventKind::Fired,
            _ => kind,
        });
        match kind {
            Some(AlertEventKind::Fired) => {
                alert.state = AlertState::Firing;
                alert.since = at(second - 10);
                alert.fired_at = Some(at(second));
            }
            Some(AlertEventKind::Resolved) => {
                alert.state = AlertState::Resolved;
                alert.resolved_at = Some(at(second));
                alert.resolve_reason = Some(ResolveReason::Cleared);
                alert.explained_by = None;
            }
            _ => {}
        }
        if alert.state != AlertState::Resolved {
            self.active.insert(name.to_owned(), alert.clone());
        }
        self.history.extend(kind.map(|kind| AlertEvent {
            at: at(second),
            kind,
            alert: Arc::new(alert),
        }));
    }

    fn incidents(&self) -> Vec<AlertIncident> {
        let active: Vec<Alert> = self.active.values().cloned().collect();
        incidents(&self.history, &active)
    }

    /// Each incident as `CLUSTER BEGAN..ENDED WORST "SENTENCE" ALERTS EVENTS`.
    fn told(&self) -> Vec<String> {
        let line = |incident: &AlertIncident| {
            let ended = incident.ended_at.map(|at| second(at).to_string());
            let alerts: Vec<&str> = incident
                .alerts
                .iter()
                .map(|id| self.names[id].as_str())
                .collect();
            format!(
                "{} {}..{} {} \"{}\" {} {:?}",
                incident.cluster,
                second(incident.began_at),
                ended.unwrap_or_default(),
                incident.worst,
                incident.sentence,
                alerts.join(","),
                incident.events,
            )
        };
        self.incidents().iter().map(line).collect()
    }
}

#[track_caller]
fn check(script: &str, expected: &[&str]) {
    assert_eq!(Story::of(script).told(), expected);
}

#[test]
fn a_pending_alert_is_no_incident() {
    check("0 prod/A pending", &[]);
    check(
        "0 prod/A pending
         5 prod/B warning",
        &["prod 5.. warning \"B at 5\" B [0]"],
    );
}

#[test]
fn alerts_that_fire_at_the_same_time_are_one_incident_that_ends_with_the_last() {
    check(
        "0 prod/A warning
         20 prod/B critical
         30 prod/A over
         400 prod/B over",
        &["prod 0..400 critical \"B at 400\" A,B [0, 1, 2, 3]"],
    );
    check(
        "0 prod/A warning
         20 prod/B warning
         30 prod/B over",
        &["prod 0.. warning \"A at 0\" A,B [0, 1, 2]"],
    );
}

#[test]
fn what_fires_again_within_five_minutes_goes_on_and_later_is_another_incident() {
    check(
        "0 prod/A warning
         10 prod/A over
         310 prod/A warning
         320 prod/A over
         621 prod/A warning",
        &[
            "prod 0..320 warning \"A at 10\" A [0, 1, 2, 3]",
            "prod 621.. warning \"A at 621\" A [4]",
        ],
    );
}

#[test]
fn a_short_alert_within_a_long_one_does_not_end_the_incident() {
    check(
        "0 prod/A warning
         10 prod/B warning
         20 prod/B over
         900 prod/A over
         1000 prod/B warning",
        &["prod 0.. warning \"A at 900\" A,B [0, 1, 2, 3, 4]"],
    );
}

#[test]
fn clusters_have_incidents_of_their_own_in_the_order_in_which_they_began() {
    check(
        "0 prod/A warning
         5 eu/A critical
         10 prod/A over",
        &[
            "prod 0..10 warning \"A at 10\" A [0, 2]",
            "eu 5.. critical \"A at 5\" A [1]",
        ],
    );
    let story = Story::of("0 prod/A warning\n0 eu/A warning");
    let [one, other] = story.incidents().try_into().unwrap();
    assert_ne!(one.id, other.id);
}

#[test]
fn the_sentence_is_of_the_worst_and_earliest_that_nothing_explains() {
    check(
        "0 prod/A critical
         5 prod/B critical
         6 prod/C critical
         7 prod/A explained
         8 prod/D warning
         90 prod/A over",
        &["prod 0.. critical \"B at 5\" A,B,C,D [0, 1, 2, 3, 4, 5]"],
    );
    // A warning that is a cause says more than a critical alert that it explains.
    check(
        "0 prod/A critical
         5 prod/B warning
         7 prod/A explained",
        &["prod 0.. critical \"B at 5\" A,B [0, 1, 2]"],
    );
    // What explains it may not fire yet.
    check(
        "0 prod/A warning
         7 prod/A explained",
        &["prod 0.. warning \"A at 7\" A [0, 1]"],
    );
}

#[test]
fn a_severity_that_was_raised_counts() {
    check(
        "0 prod/A warning
         5 prod/B warning
         9 prod/B raised
         20 prod/B over
         21 prod/A over",
        &["prod 0..21 critical \"B at 20\" A,B [0, 1, 2, 3, 4]"],
    );
}

#[test]
fn a_history_that_begins_with_a_resolve_knows_when_the_alert_fired() {
    let story = Story::of(
        "0 prod/A warning
         10 prod/A muted
         400 prod/A over
         500 prod/B warning",
    );
    let whole = story.incidents();
    let cut = story.cut_to(2);
    assert_eq!(
        cut.told(),
        ["prod 0.. warning \"A at 400\" A,B [0, 1]"],
        "with the places in the history as it is now"
    );
    assert_eq!(cut.incidents()[0].id, whole[0].id);
}

#[test]
fn what_fires_is_an_incident_also_where_the_history_has_forgotten_it() {
    let story = Story::of("0 prod/A critical\n5 prod/B warning");
    let id = story.incidents()[0].id;
    let cut = story.cut_to(0);
    assert_eq!(cut.told(), ["prod 0.. critical \"A at 0\" A,B []"]);
    assert_eq!(cut.incidents()[0].id, id);
}

#[test]
fn an_end_that_was_lost_is_when_something_was_seen_last() {
    // As a store that was damaged leaves it: neither a resolve, nor an active alert.
    let mut story = Story::of("0 prod/A warning\n10 prod/A muted");
    story.active.clear();
    assert_eq!(story.told(), ["prod 0..10 warning \"A at 10\" A [0, 1]"]);
    let mut story = Story::of("0 prod/A warning\n900 prod/A over\n2000 prod/A warning");
    story.history.remove(1);
    assert_eq!(
        story.told(),
        [
            "prod 0..0 warning \"A at 0\" A [0]",
            "prod 2000.. warning \"A at 2000\" A [1]"
        ]
    );
}

#[test]
fn a_clock_that_was_set_back_ends_nothing_before_it_began() {
    check(
        "100 prod/A warning
         40 prod/A over",
        &["prod 100..100 warning \"A at 40\" A [0, 1]"],
    );
}

#[test]
fn it_says_since_when_the_condition_holds_and_keeps_its_id_while_it_goes_on() {
    let script = "0 prod/A warning\n60 prod/A over";
    let [first] = Story::of(script).incidents().try_into().unwrap();
    assert_eq!(second(first.since), -10);
    let longer = format!("{script}\n100 prod/B critical\n900 prod/B over");
    let [longer] = Story::of(&longer).incidents().try_into().unwrap();
    assert_eq!(
        (longer.id, longer.began_at, longer.since),
        (first.id, first.began_at, first.since)
    );
    assert_eq!(longer.ended_at.map(second), Some(900));
}
