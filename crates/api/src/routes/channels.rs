//! Rules and channels: what becomes an alert and who is told, and a trial of a channel.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use etcd_monitor_alerting::{
    AlertPolicy, Channel, ChannelStats, Delivery, Notification, NotifyError, Rule, SeverityPolicy,
    default_rules,
};
use etcd_monitor_model::{AlertType, Severity, plain_text, rule};
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::Named;
use super::configuration::Nothing;
use crate::body::Body;
use crate::problem::Problem;
use crate::source::Source;

/// How long a trial may take: less than the server gives an answer.
const TRIAL_TIMEOUT: Duration = Duration::from_secs(20);

/// A rule that makes alerts.
#[derive(Debug, Serialize, ToSchema)]
struct RuleLine {
    /// Its name; the default ones have that of the finding they select.
    rule: String,
    /// The cluster that has this rule of its own; null: every cluster without such.
    cluster: Option<String>,
    /// Null: not known.
    alert_type: Option<AlertType>,
    /// Null: that of the finding.
    severity: Option<Severity>,
    /// How long its condition must hold before it fires.
    for_seconds: f64,
    /// How long its condition must be false before it is over.
    keep_firing_for_seconds: f64,
    /// Whether it holds.
    enabled: bool,
    /// Labels that it adds.
    labels: BTreeMap<String, String>,
    /// Whether it is one over metrics, of the configuration.
    custom: bool,
    /// The condition of a custom rule, in words.
    condition: Option<String>,
}

/// The rules.
#[derive(Debug, Serialize, ToSchema)]
struct Rules {
    rules: Vec<RuleLine>,
}

/// A channel, and what it has done since the start.
#[derive(Debug, Serialize, ToSchema)]
struct ChannelLine {
    name: String,
    /// `console`, `email`, `slack`, `pagerduty`, `webhook`, `alertmanager`, or one of an embedder.
    kind: String,
    /// Notifications that it took.
    delivered: u64,
    /// Notifications that were given up.
    failed: u64,
    /// Attempts that failed; most are made again.
    failed_attempts: u64,
    /// Notifications that found no room in its queue.
    dropped: u64,
    /// Notifications that wait or are being tried.
    waiting: u64,
    /// Since when every attempt has failed; null while the latest did not.
    failing_since: Option<Timestamp>,
    /// Why an attempt failed last, possibly long ago. Untrusted text.
    last_error: Option<String>,
}

/// The channels.
#[derive(Debug, Serialize, ToSchema)]
struct Channels {
    channels: Vec<ChannelLine>,
}

/// What came of a trial.
#[derive(Debug, Serialize, ToSchema)]
struct Trial {
    /// Whether the channel took the message.
    ok: bool,
    /// That it did, or what came back. Untrusted text.
    detail: String,
}

impl RuleLine {
    fn of(rule: &Rule, cluster: Option<&str>, enabled: bool) -> Self {
        Self {
            rule: rule.name.clone(),
            cluster: cluster.map(str::to_owned),
            alert_type: rule::alert_type(&rule.finding),
            severity: match rule.severity {
                SeverityPolicy::Fixed(severity) => Some(severity),
                _ => None,
            },
            for_seconds: rule.hold.as_secs_f64(),
            keep_firing_for_seconds: rule.keep_firing.as_secs_f64(),
            enabled,
            labels: rule.labels.clone(),
            custom: false,
            condition: None,
        }
    }
}

impl From<&ChannelStats> for ChannelLine {
    fn from(stats: &ChannelStats) -> Self {
        Self {
            name: stats.name.clone(),
            kind: stats.kind.clone(),
            delivered: stats.delivered,
            failed: stats.dead,
            failed_attempts: stats.failed_attempts,
            dropped: stats.dropped,
            waiting: stats.queued,
            failing_since: stats.failing_since,
            last_error: stats.last_error.clone(),
        }
    }
}

/// The rules that make alerts: those that hold, and the default ones that are off.
#[utoipa::path(
    get,
    path = "/api/v1/rules",
    tag = "Alerts",
    responses(
        (status = 200, description = "The rules", body = Rules),
    )
)]
pub(crate) async fn rules(State(source): State<Source>) -> Response {
    let rules = lines(&source.alerts().policy());
    Json(Rules { rules }).into_response()
}

fn lines(policy: &AlertPolicy) -> Vec<RuleLine> {
    let is_on = |rule: &Rule| policy.rules.iter().any(|on| on.name == rule.name);
    let off = default_rules().into_iter().filter(|rule| !is_on(rule));
    let general = policy.rules.iter();
    let of_clusters = policy.cluster_rules.iter().flat_map(|(cluster, rules)| {
        rules
            .iter()
            .map(|rule| RuleLine::of(rule, Some(cluster.as_str()), true))
    });
    let custom = policy.metric_rules.iter().map(|metric| RuleLine {
        custom: true,
        alert_type: Some(metric.alert_type()),
        condition: Some(metric.condition()),
        ..RuleLine::of(metric.rule(), None, true)
    });
    general
        .map(|rule| RuleLine::of(rule, None, true))
        .chain(of_clusters)
        .chain(custom)
        .chain(off.map(|rule| RuleLine::of(&rule, None, false)))
        .collect()
}

/// The channels, and what became of their notifications.
#[utoipa::path(
    get,
    path = "/api/v1/channels",
    tag = "Alerts",
    responses(
        (status = 200, description = "The channels, in the order of the configuration", body = Channels),
    )
)]
pub(crate) async fn list(State(source): State<Source>) -> Response {
    let view = source.alerts().latest();
    let channels = view.channels.iter().map(Into::into).collect();
    Json(Channels { channels }).into_response()
}

/// Sends a test message through a channel, firing and over.
///
/// Where to is what the configuration says, never what the request does. It takes 20 s at most.
#[utoipa::path(
    post,
    path = "/api/v1/channels/{name}/test",
    tag = "Alerts",
    params(("name" = String, Path, description = "The name of a channel")),
    request_body = Nothing,
    responses(
        (status = 200, description = "What came of it", body = Trial),
        (status = 404, description = "`channel_unknown`: no channel of the configuration has this name"),
        (status = 409, description = "`channel_test_under_way`: it is being tested at this moment"),
    )
)]
pub(crate) async fn test(
    State(source): State<Source>,
    Named(name): Named,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Response, Problem> {
    let channels = source.alerts().channels();
    let channel = channels.into_iter().find(|one| one.name() == name);
    let channel = channel.ok_or_else(|| Problem::channel_unknown(&name))?;
    let turn = source
        .trials()
        .begin(&name)
        .ok_or_else(|| Problem::trial_under_way(&name))?;
    let pace = source.alerts().policy().channels.get(&name).copied();
    let sends_resolved = pace.is_none_or(|pace| pace.sends_resolved);
    // A client that leaves does not cut a message short.
    let trial = tokio::spawn(async move {
        let _turn = turn;
        tried(&channel, sends_resolved).await
    });
    let trial = trial.await.unwrap_or_else(|error| Trial {
        ok: false,
        detail: format!("the attempt was cut off: {error}"),
    });
    Ok(Json(trial).into_response())
}

async fn tried(channel: &Channel, sends_resolved: bool) -> Trial {
    let told = timeout(TRIAL_TIMEOUT, tell(channel, sends_resolved)).await;
    match told {
        Ok(Ok(())) => Trial {
            ok: true,
            detail: format!("{} took the test message", channel.name()),
        },
        Ok(Err(error)) => Trial {
            ok: false,
            detail: plain_text(&error.to_string()),
        },
        Err(_) => Trial {
            ok: false,
            detail: format!("it took longer than {} s", TRIAL_TIMEOUT.as_secs()),
        },
    }
}

/// Says that it fires, and, where the channel is told such things, that it is over.
async fn tell(channel: &Channel, sends_resolved: bool) -> Result<(), NotifyError> {
    let firing = Notification::trial(channel.name(), Timestamp::now());
    let mut delivery = Delivery::default();
    delivery.receipt = channel.notifier.notify(&firing, &delivery).await?;
    if sends_resolved {
        let over = firing.over(Timestamp::now());
        channel.notifier.notify(&over, &delivery).await?;
    }
    Ok(())
}
