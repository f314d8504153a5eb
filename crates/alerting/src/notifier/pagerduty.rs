//! The PagerDuty channel: the Events API, version 2.

use async_trait::async_trait;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::config_error::ConfigError;
use super::door::{Door, HttpOptions, cut};
use super::{Delivery, Notifier, NotifyError, Receipt};
use crate::links::{MessageLinks, origin};
use crate::message::Message;
use crate::message::told::ToldAlert;
use crate::notification::{Notification, NotificationKind};
use crate::policy::ChannelPace;
use crate::templates::{TemplatePart, Templates};

/// Where PagerDuty takes events; accounts of its European region use `https://events.eu.pagerduty.com`.
const EVENTS_URL: &str = "https://events.pagerduty.com";

/// Characters of a summary; PagerDuty's limit.
const MAX_SUMMARY_CHARS: usize = 1_024;

/// Characters of a `dedup_key`; PagerDuty's limit.
const MAX_DEDUP_KEY_CHARS: usize = 255;

/// Alerts that an event's details name one by one: PagerDuty takes events of at most 512 KB.
const MAX_ALERTS: usize = 20;

/// Opens, acknowledges and resolves an incident per group of alerts.
///
/// PagerDuty merges events by `dedup_key`, so that two daemons that watch the same clusters make one incident.
#[derive(Debug)]
pub struct PagerDutyNotifier {
    options: PagerDutyOptions,
    door: Door,
}

/// How PagerDuty is told.
#[derive(Clone, derive_more::Debug)]
#[non_exhaustive]
pub struct PagerDutyOptions {
    /// The channel's name. Default `pagerduty`.
    pub name: String,
    /// The integration key of the service, of an integration of type "Events API v2".
    pub routing_key: SecretString,
    /// Where events are sent. Default `https://events.pagerduty.com`; the European region has
    /// `https://events.eu.pagerduty.com`.
    #[debug("{}", origin(url))]
    pub url: String,
    /// Timeout and trusted certificates.
    pub http: HttpOptions,
    /// What incidents link to.
    pub links: MessageLinks,
    /// What the summary says.
    pub templates: Templates,
}

impl PagerDutyOptions {
    /// The defaults, with this integration key.
    pub fn new(routing_key: impl Into<SecretString>) -> Self {
        Self {
            name: "pagerduty".to_owned(),
            routing_key: routing_key.into(),
            url: EVENTS_URL.to_owned(),
            http: HttpOptions::default(),
            links: MessageLinks::default(),
            templates: Templates::default(),
        }
    }
}

impl PagerDutyNotifier {
    /// A channel to PagerDuty. The process must have installed a `rustls` provider before.
    pub fn new(options: PagerDutyOptions) -> Result<Self, ConfigError> {
        if options.routing_key.expose_secret().trim().is_empty() {
            return Err(ConfigError::option("routing_key", "it is empty"));
        }
        let door = Door::new(&options.url, &options.http)?.hiding(&options.routing_key);
        Ok(Self { options, door })
    }

    fn event(&self, notification: &Notification, delivery: &Delivery) -> Value {
        let mut event = json!({
            "routing_key": self.options.routing_key.expose_secret().trim(),
            "event_action": action(notification.kind),
            "dedup_key": cut(&notification.dedup_key, MAX_DEDUP_KEY_CHARS),
        });
        let mut message = Message::of(notification, delivery, &self.options.links);
        let part = TemplatePart::PagerDutySummary;
        let summary = self.options.templates.render(part, &mut message);
        event["payload"] = payload(&message, &summary);
        event["client"] = "etcd-monitor".into();
        if let Some(link) = &message.links.alert {
            event["client_url"] = link.as_str().into();
            event["links"] = json!([{ "href": link, "text": "Open the dashboard" }]);
        }
        event
    }
}

#[async_trait]
impl Notifier for PagerDutyNotifier {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn kind(&self) -> &'static str {
        "pagerduty"
    }

    fn pace(&self) -> ChannelPace {
        ChannelPace {
            sends_acknowledged: true,
            ..ChannelPace::default()
        }
    }

    async fn notify(
        &self,
        notification: &Notification,
        delivery: &Delivery,
    ) -> Result<Option<Receipt>, NotifyError> {
        let event = self.event(notification, delivery);
        let request = self.door.post(&["v2", "enqueue"]).json(&event);
        self.door.send(request, explain).await.map(|_| None)
    }
}

fn action(kind: NotificationKind) -> &'static str {
    match kind {
        NotificationKind::Fired
        | NotificationKind::Updated
        | NotificationKind::Repeated
        | NotificationKind::Resent => "trigger",
        NotificationKind::Acknowledged => "acknowledge",
        NotificationKind::Resolved => "resolve",
    }
}

fn payload(message: &Message, summary: &str) -> Value {
    let alert = message.alert.as_deref();
    let place = |alert: &ToldAlert| format!("{}/{}", alert.cluster, alert.subject.name);
    let source = alert.map_or_else(|| message.about.clone(), place);
    json!({
        "summary": cut(summary.trim(), MAX_SUMMARY_CHARS),
        "source": source,
        "severity": message.severity,
        "timestamp": alert.map_or(message.at, |alert| alert.since),
        "component": alert.map(|alert| &alert.subject.name),
        "group": alert.map(|alert| &alert.cluster),
        "class": alert.map(|alert| &alert.rule),
        "custom_details": details(message),
    })
}

fn details(message: &Message) -> Value {
    let line = |alert: &ToldAlert| format!("[{}] {}: {}", alert.severity, alert.rule, alert.cause);
    let mut details = json!({
        "about": message.about,
        "firing": message.counts.firing,
        "resolved": message.counts.resolved,
        "labels": message.group.labels,
        "notes": message.notes,
        "alerts": message.alerts.iter().take(MAX_ALERTS).map(|it| line(it)).collect::<Vec<_>>(),
        "over": message.resolved.iter().take(MAX_ALERTS).map(|it| line(it)).collect::<Vec<_>>(),
    });
    if let Some(alert) = message.alert.as_deref() {
        details["cause"] = alert.cause.as_str().into();
        details["action"] = alert.action.as_str().into();
        details["place"] = alert.place.as_str().into();
        details["since"] = alert.since.to_string().into();
        details["marks"] = alert.marks.clone().into();
        details["evidence"] = evidence(alert).into();
        details["alert_labels"] = json!(alert.labels);
    }
    details
}

fn evidence(alert: &ToldAlert) -> Vec<String> {
    let seen = alert.evidence.iter();
    seen.map(|seen| format!("{}: {} (at {})", seen.source, seen.value, seen.at))
        .collect()
}

fn explain(status: StatusCode, _: &str) -> Option<&'static str> {
    (status == StatusCode::BAD_REQUEST).then_some(
        "check that the routing key is the integration key of an \"Events API v2\" integration",
    )
}
