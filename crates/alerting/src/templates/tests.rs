use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::*;
use crate::links::MessageLinks;
use crate::notification::Notification;
use crate::notifier::Delivery;

fn notification() -> Notification {
    let mut told = Notification::trial("mail", Timestamp::UNIX_EPOCH);
    told.firing[0].cause = "\"x\" <b>&amp; {{ 7 * 7 }}".to_owned();
    told
}

fn message(notification: &Notification) -> Message {
    let links = MessageLinks::to("https://ops.example/".parse().unwrap());
    Message::of(notification, &Delivery::default(), &links)
}

fn own(part: TemplatePart, text: &str) -> Result<Templates, TemplateError> {
    Templates::with_overrides([(part, text.to_owned())])
}

#[test]
fn every_part_has_its_name() {
    for part in TemplatePart::ALL {
        assert_eq!(part.as_str().parse(), Ok(part));
    }
    let error = "email.subjekt".parse::<TemplatePart>().unwrap_err();
    let said = "there is no template \"email.subjekt\"; did you mean email.subject?";
    assert_eq!(error.to_string(), said);
}

#[test]
fn every_built_in_text_is_written_for_every_kind_of_message() {
    let fired = notification();
    let empty = {
        let mut empty = fired.clone();
        empty.firing.clear();
        empty
    };
    for told in [fired.over(Timestamp::UNIX_EPOCH), empty, fired] {
        for part in TemplatePart::ALL {
            let text = render(&Templates::built_in().built_in, part, &message(&told));
            assert!(!text.unwrap().trim().is_empty(), "{part}");
        }
    }
}

#[test]
fn the_largest_message_is_within_the_limits() {
    let mut told = notification();
    let mut alert = told.firing[0].clone();
    let seen = alert.evidence[0].clone();
    alert.cause = "<".repeat(2_000);
    alert.evidence = vec![
        etcd_monitor_model::Evidence {
            value: "&".repeat(2_000),
            ..seen
        };
        150
    ];
    told.resolved = vec![alert.clone(); 100];
    told.firing = vec![alert; 100];
    (told.firing_count, told.resolved_count) = (10_000, 10_000);
    for part in TemplatePart::ALL {
        if part != TemplatePart::WebhookBody {
            let text = render(&Templates::built_in().built_in, part, &message(&told));
            text.unwrap_or_else(|error| panic!("{part}: {error}"));
        }
    }
}

#[test]
fn an_own_template_stands_in_for_the_built_in_one() {
    let part = TemplatePart::EmailSubject;
    let templates = own(
        part,
        "{{ severity }} {{ alert.cause }} {{ message.id == id }}",
    )
    .unwrap();
    let mut message = message(&notification());
    assert_eq!(
        templates.render(part, &mut message),
        "info \"x\" <b>&amp; {{ 7 * 7 }} True"
    );
    assert!(message.notes.is_empty());
    assert!(templates.overrides(part) && !templates.overrides(TemplatePart::EmailText));
}

#[test]
fn values_are_escaped_for_where_they_go() {
    let of = |part| {
        own(part, "{{ alert.cause }}")
            .unwrap()
            .render(part, &mut message(&notification()))
    };
    assert_eq!(
        of(TemplatePart::EmailHtml),
        "&quot;x&quot; &lt;b&gt;&amp;amp; {{ 7 * 7 }}"
    );
    assert_eq!(
        of(TemplatePart::SlackText),
        "\"x\" &lt;b&gt;&amp;amp; {{ 7 * 7 }}"
    );
    let json: String = serde_json::from_str(&of(TemplatePart::WebhookBody)).unwrap();
    assert_eq!(json, notification().firing[0].cause);
}

#[test]
fn a_syntax_error_is_found_at_once_with_its_line() {
    let error = own(TemplatePart::EmailText, "one\n{% if x %}\n{{ }\n").unwrap_err();
    let TemplateError::Syntax { part, line, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!((*part, *line), (TemplatePart::EmailText, 3));
    assert!(
        error
            .to_string()
            .starts_with("template email.text, line 3: "),
        "{error}"
    );
    let unknown = own(TemplatePart::EmailText, "{{ title | shout }}");
    let large = own(TemplatePart::EmailText, &"x".repeat(70_000));
    assert!(matches!(
        large,
        Err(TemplateError::TooLarge { bytes: 70_000, .. })
    ));
    drop(unknown);
}

#[test]
fn what_fails_at_run_time_is_replaced_and_said() {
    for (text, why) in [
        ("\n{{ alert.nothing.at_all }}", "line 2: undefined value"),
        ("{{ title | shout }}", "shout"),
        (
            "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
            "fuel",
        ),
        (
            "{% for a in range(100000) %}0123456789{% endfor %}",
            "256 KiB",
        ),
        ("{{ \"x\" * 9000000000 }}", "fuel"),
        ("{% set ns = namespace(x=1) %}", "namespace"),
        (
            "{% if severity == \"none\" %}{{ title }}{% endif %}\n",
            "writes nothing",
        ),
    ] {
        let templates = own(TemplatePart::EmailText, text).unwrap();
        let mut message = message(&notification());
        let began = Instant::now();
        let written = templates.render(TemplatePart::EmailText, &mut message);
        assert!(began.elapsed() < Duration::from_secs(10), "{text}");
        let built_in = "[FIRING info] ChannelTrial: ";
        assert!(written.starts_with(built_in), "{text}: {written}");
        let note = &message.notes[0];
        assert!(
            note.contains("email.text") && note.contains(why),
            "{text}: {note}"
        );
        assert!(
            written.contains("note: the template email.text failed"),
            "{written}"
        );
    }
}
