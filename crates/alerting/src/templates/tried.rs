//! Trying templates out with messages that have everything that a message can have.

use std::collections::BTreeMap;
use std::sync::Arc;

use etcd_monitor_model::{FindingKey, MemberId, Severity, Subject};
use jiff::Timestamp;
use minijinja::value::{Enumerator, Object, Serde};
use minijinja::{Error, ErrorKind, Value};
use serde_json::Value as Json;

use super::{TemplateError, TemplatePart, Templates, in_line, render_from};
use crate::alert::{Acknowledgement, Alert, MutedBy};
use crate::links::MessageLinks;
use crate::message::Message;
use crate::notification::Notification;
use crate::notifier::Delivery;

/// Alerts of the largest message to try with: a template may name some by their place.
const ALERTS: usize = 10;

impl Templates {
    /// Sees that each of the templates of one's own can write something: each is tried with a message that a group fires,
    /// one that it is over, and one of many alerts with all that an alert can have and any label.
    ///
    /// # Errors
    ///
    /// [`TemplateError::Fails`] for the first that names a filter, a test or a function that there is not, or fails with each
    /// message for which it writes anything. One that fails with some alone is none: it may be about what fires only.
    pub fn try_out(&self) -> Result<(), TemplateError> {
        let own = TemplatePart::ALL
            .into_iter()
            .filter(|part| self.overrides(*part));
        let messages = messages();
        own.into_iter().try_for_each(|part| {
            let tried = messages
                .iter()
                .map(|it| render_from(&self.own, part, it.clone()));
            only_failure(tried).map_or(Ok(()), |error| {
                let reason = in_line(&error);
                Err(TemplateError::Fails { part, reason })
            })
        })
    }
}

/// What keeps a template from ever writing anything.
fn only_failure(tried: impl IntoIterator<Item = Result<String, Error>>) -> Option<Error> {
    let (mut failure, mut writes) = (None, false);
    for outcome in tried {
        match outcome {
            Ok(text) => writes |= !text.trim().is_empty(),
            Err(error) if names_nothing(&error) => return Some(error),
            Err(error) => failure = Some(error),
        }
    }
    failure.filter(|_| !writes)
}

/// Whether no message could make it work.
fn names_nothing(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnknownFilter
            | ErrorKind::UnknownTest
            | ErrorKind::UnknownFunction
            | ErrorKind::UnknownMethod
    )
}

fn messages() -> [Value; 3] {
    let at = Timestamp::UNIX_EPOCH;
    let fired = Notification::trial("trial", at);
    [fired.over(at), full(&fired), fired].map(|it| told(&it))
}

/// A message that something fires and something else is over.
fn full(fired: &Notification) -> Notification {
    let mut full = fired.clone();
    let over = fired.over(fired.at).resolved;
    full.firing = fired.firing.iter().map(full_alert).collect();
    full.resolved = over.iter().map(full_alert).collect();
    for alerts in [&mut full.firing, &mut full.resolved] {
        *alerts = alerts.iter().cycle().take(ALERTS).cloned().collect();
    }
    (full.firing_count, full.resolved_count) = (ALERTS, ALERTS);
    full.severity = Severity::Critical;
    full
}

fn full_alert(alert: &Alert) -> Alert {
    let mut full = alert.clone();
    full.severity = Severity::Critical;
    full.subject = Subject::member("m1", Some(MemberId(1)));
    full.evidence = full.evidence.iter().cycle().take(ALERTS).cloned().collect();
    full.unknown_since = Some(alert.since);
    full.explained_by = Some(FindingKey {
        rule: "Trial".to_owned(),
        subject: "member/m1".to_owned(),
    });
    full.muted_by = Some(MutedBy::Silence("trial".to_owned()));
    full.acknowledged = Some(Acknowledgement {
        by: "somebody".to_owned(),
        at: alert.since,
        comment: "trial".to_owned(),
    });
    full.flapping = true;
    full
}

/// The message as templates see it, with every label.
fn told(notification: &Notification) -> Value {
    let dashboard = "https://etcd.example/".parse().ok();
    let links = MessageLinks { dashboard };
    let message = Message::of(notification, &Delivery::default(), &links);
    with_every_label(serde_json::to_value(&message).unwrap_or_default())
}

fn with_every_label(json: Json) -> Value {
    match json {
        Json::Object(fields) => {
            let field = |(name, value): (String, Json)| {
                let value = match name.as_str() {
                    "labels" => Value::from_object(EveryLabel),
                    _ => with_every_label(value),
                };
                (name, value)
            };
            Value::from(fields.into_iter().map(field).collect::<BTreeMap<_, _>>())
        }
        Json::Array(items) => {
            Value::from(items.into_iter().map(with_every_label).collect::<Vec<_>>())
        }
        other => Value::from(Serde(other)),
    }
}

/// Labels of which each that is asked for is there: which ones rules add is not known here.
#[derive(Debug)]
struct EveryLabel;

impl Object for EveryLabel {
    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        Some(Value::from("trial"))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["cluster", "rule"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(part: TemplatePart, text: &str) -> Result<(), TemplateError> {
        Templates::with_overrides([(part, text.to_owned())])?.try_out()
    }

    #[test]
    fn a_template_that_can_only_fail_is_found() {
        for (text, reason) in [
            ("a\n{{ title | nofilter }}", "line 2: unknown filter"),
            ("{{ titel }}", "line 1: undefined value"),
            ("{{ alert.cuase }}", "undefined value"),
            ("{{ alert.subject.nome.x }}", "undefined value"),
            (
                "{% for one in alerts %}{{ one | nofilter }}{% endfor %}",
                "unknown filter",
            ),
            ("{{ nofunction() }}", "unknown function"),
            (
                "{{ title }}{% for it in resolved %}{{ it | nofilter }}{% endfor %}",
                "unknown filter",
            ),
        ] {
            let error = tried(TemplatePart::SlackText, text)
                .unwrap_err()
                .to_string();
            assert!(error.contains(reason), "{text}: {error}");
            assert!(error.contains("template slack.text"), "{error}");
        }
    }

    #[test]
    fn a_template_that_some_message_makes_work_is_none() {
        for text in [
            "{{ resolved[0].cause }}",
            "{{ alerts[3].acknowledged.by }} {{ alerts[3].explained_by.rule }}",
            "{{ alerts[0].labels.team }} {{ group.labels.region | upper }}",
            "{% for name, value in alert.labels | items %}{{ name }}={{ value }}{% endfor %}",
            "{{ alert.subject.id }} {{ alert.link }} {{ links.dashboard }}",
            "{% if kind == 'updated' %}changed{% endif %}",
            "{% for it in resolved %}{{ it.lasted }} {{ it.resolved_at | second }}{% endfor %}",
        ] {
            assert_eq!(tried(TemplatePart::SlackText, text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_is_built_in_writes_every_message() {
        for part in TemplatePart::ALL {
            let templates = Templates::with_overrides([(part, part.built_in().to_owned())]);
            let own = templates.unwrap().own;
            for message in messages() {
                render_from(&own, part, message).unwrap();
            }
        }
    }
}
