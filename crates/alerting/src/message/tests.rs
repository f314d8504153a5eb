use etcd_monitor_model::{ClusterName, Evidence, MemberId, Subject};

use super::told::in_words;
use super::*;
use crate::alert::{Acknowledgement, MutedBy};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_312_000 + second).unwrap()
}

/// A message about as many members that are down, the first of them critical.
fn told(members: usize) -> Notification {
    let mut told = Notification::trial("mail", at(0));
    let mut alert = told.firing.remove(0);
    alert.rule = "MemberDown".to_owned();
    alert.cluster = ClusterName::new("prod");
    for number in 0..members {
        let mut alert = alert.clone();
        alert.cause = format!("m{number} refuses connections");
        alert.subject = Subject::member(format!("m{number}"), Some(MemberId(number as u64)));
        told.firing.push(alert);
    }
    told.group
        .labels
        .insert("cluster".to_owned(), "prod".to_owned());
    told.group
        .labels
        .insert("rule".to_owned(), "MemberDown".to_owned());
    told.firing_count = members;
    told.severity = Severity::Critical;
    told
}

fn message(notification: &Notification) -> Message {
    Message::of(notification, &Delivery::default(), &MessageLinks::default())
}

#[test]
fn the_title_says_what_happened_to_how_many_and_the_worst() {
    let mut one = told(1);
    assert_eq!(
        message(&one).title,
        "[FIRING critical] MemberDown: m0 refuses connections"
    );
    one.kind = NotificationKind::Repeated;
    assert!(
        message(&one)
            .title
            .starts_with("[STILL FIRING critical] MemberDown")
    );
    let many = told(3);
    assert_eq!(
        message(&many).title,
        "[FIRING critical] 3 alerts, MemberDown in prod; the worst: MemberDown: m0 refuses connections"
    );
    assert!(
        message(&many.over(at(9)))
            .title
            .starts_with("[RESOLVED] 3 alerts over, MemberDown in prod")
    );
    let mut both = told(2);
    both.kind = NotificationKind::Updated;
    both.resolved_count = 4;
    assert!(
        message(&both)
            .title
            .starts_with("[FIRING, now critical] 2 firing, 4 over, ")
    );
}

#[test]
fn what_a_group_is_about_does_not_depend_on_its_alerts() {
    let mut told = told(1);
    assert_eq!(message(&told).about, "MemberDown in prod");
    // Every alert its own group.
    let mut each = told.clone();
    for (name, value) in [("subject", "m1"), ("subject_kind", "member")] {
        each.group.labels.insert(name.to_owned(), value.to_owned());
    }
    assert_eq!(message(&each).about, "MemberDown of m1 in prod");
    each.firing.clear();
    assert_eq!(message(&each).about, "MemberDown of m1 in prod");
    told.group
        .labels
        .insert("team".to_owned(), "a\r\nb".to_owned());
    assert_eq!(message(&told).about, "MemberDown in prod (team=a  b)");
    told.group.labels.remove("rule");
    assert_eq!(message(&told).about, "alerts in prod (team=a  b)");
    told.group.labels.clear();
    assert_eq!(message(&told).about, "MemberDown in prod");
}

#[test]
fn an_alert_is_told_with_every_field_that_it_has() {
    let mut notification = told(1);
    let alert = &mut notification.firing[0];
    alert.labels.insert("team".to_owned(), "db".to_owned());
    alert.flapping = true;
    alert.muted_by = Some(MutedBy::Silence("s1".to_owned()));
    alert.acknowledged = Some(Acknowledgement {
        by: "kim".to_owned(),
        at: at(5),
        comment: "on it".to_owned(),
    });
    alert.unknown_since = Some(at(7));
    let own = serde_json::to_value(&*alert).unwrap();
    let told = serde_json::to_value(message(&notification)).unwrap();
    for (name, value) in own.as_object().unwrap() {
        assert_eq!(&told["alert"][name], value, "{name}");
        assert_eq!(&told["alerts"][0][name], value, "{name}");
    }
    let marks = serde_json::to_string(&told["alert"]["marks"]).unwrap();
    for mark in [
        "unknown since 2026-01-02T00:00:07Z",
        "flapping",
        "by kim at 2026-01-02T00:00:05Z: on it",
        "silence s1",
    ] {
        assert!(marks.contains(mark), "{marks}");
    }
}

#[test]
fn foreign_text_is_made_plain_and_evidence_is_cut() {
    let mut notification = told(1);
    let alert = &mut notification.firing[0];
    alert.cause = "a\x1b[2J\r\nb\u{202e}".to_owned();
    alert.subject.name = "m\n0".to_owned();
    let seen = Evidence {
        source: "So\x07urce".to_owned(),
        value: "x".repeat(5_000),
        at: at(0),
    };
    alert.evidence = vec![seen; 150];
    let message = message(&notification);
    let text = serde_json::to_string(&message).unwrap();
    assert!(!text.chars().any(etcd_monitor_model::is_unprintable));
    // JSON writes controls in this form.
    assert!(!text.contains("\\u00") && !text.contains("\\n"), "{text}");
    assert_eq!(message.alerts[0].evidence.len(), 20);
    assert_eq!(message.alerts[0].evidence_left_out, 130);
}

#[test]
fn a_message_that_is_on_no_disk_says_so() {
    let delivery = Delivery {
        durable: false,
        ..Delivery::default()
    };
    let message = Message::of(&told(1), &delivery, &MessageLinks::default());
    assert!(message.notes[0].starts_with("not stored on disk"));
    assert!(!message.durable);
}

#[test]
fn durations_are_told_by_their_two_largest_units() {
    for (seconds, words) in [
        (0, "0 s"),
        (59, "59 s"),
        (200, "3 min 20 s"),
        (7_500, "2 h 5 min"),
        (7_200, "2 h"),
        (273_600, "3 d 4 h"),
    ] {
        assert_eq!(in_words(seconds), words);
    }
}
