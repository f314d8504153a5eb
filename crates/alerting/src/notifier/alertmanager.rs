//! The Alertmanager channel: alerts pushed by its API, version 2, and sent again while they fire.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use jiff::Timestamp;
use reqwest::StatusCode;

use super::config_error::ConfigError;
use super::door::{Door, HttpAuth, HttpOptions};
use super::{Delivery, Notifier, NotifyError, Receipt};
use crate::alert::Fingerprint;
use crate::links::{MessageLinks, origin};
use crate::message::Message;
use crate::notification::Notification;
use crate::policy::ChannelPace;
use posted::{Labels, PostedAlert, labels, posts};

mod posted;

/// How many times the resend interval an alert stays alive without being sent again, as Prometheus has it.
const LIFETIMES: u32 = 4;

/// Pushes alerts to one or more Alertmanagers, which group, silence and route them.
///
/// Every firing alert is sent at once, and again each [`AlertmanagerOptions::resend_every`]; it ends when it is told as resolved, or
/// four such intervals after it was sent last. Labels are the same in every daemon that watches a cluster, so that
/// Alertmanager merges what several send. An alert whose labels change (its severity rose) is ended under the old ones; where the
/// process was started anew in between, it ends under these by not being sent again.
#[derive(derive_more::Debug)]
pub struct AlertmanagerNotifier {
    options: AlertmanagerOptions,
    doors: Vec<Door>,
    #[debug(skip)]
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    #[debug(skip)]
    told: Mutex<BTreeMap<Fingerprint, Told>>,
}

/// How Alertmanager is told.
#[derive(Clone, derive_more::Debug)]
#[non_exhaustive]
pub struct AlertmanagerOptions {
    /// The channel's name. Default `alertmanager`.
    pub name: String,
    /// The instances of one cluster of Alertmanagers, `http://HOST:9093`, with a path prefix where they have one. All of them are
    /// told; a notification is delivered when one took it.
    #[debug("{:?}", urls.iter().map(|url| origin(url)).collect::<Vec<_>>())]
    pub urls: Vec<String>,
    /// How the monitor says who it is.
    pub auth: Option<HttpAuth>,
    /// When what fires is sent again, at least 1 s. Default 1 min.
    pub resend_every: Duration,
    /// Timeout and trusted certificates.
    pub http: HttpOptions,
    /// What alerts link to (`generatorURL`).
    pub links: MessageLinks,
}

impl AlertmanagerOptions {
    /// The defaults, for these instances.
    pub fn new<T: Into<String>>(urls: impl IntoIterator<Item = T>) -> Self {
        Self {
            name: "alertmanager".to_owned(),
            urls: urls.into_iter().map(Into::into).collect(),
            auth: None,
            resend_every: Duration::from_mins(1),
            http: HttpOptions::default(),
            links: MessageLinks::default(),
        }
    }
}

/// What Alertmanager knows of an alert by us.
struct Told {
    labels: Labels,
    at: Timestamp,
}

impl AlertmanagerNotifier {
    /// A channel to Alertmanager. The process must have installed a `rustls` provider before.
    pub fn new(options: AlertmanagerOptions) -> Result<Self, ConfigError> {
        if options.urls.is_empty() {
            return Err(ConfigError::option(
                "urls",
                "there is none; expected http://HOST:9093",
            ));
        }
        if options.resend_every < Duration::from_secs(1) {
            return Err(ConfigError::option(
                "resend_every",
                "it is shorter than 1 s",
            ));
        }
        let door = |url: &String| {
            let door = Door::new(url, &options.http)?;
            match &options.auth {
                Some(auth) => door.authenticated(auth),
                None => Ok(door),
            }
        };
        Ok(Self {
            doors: options.urls.iter().map(door).collect::<Result<_, _>>()?,
            options,
            clock: Box::new(Timestamp::now),
            told: Mutex::default(),
        })
    }

    /// The same channel with another wall clock.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    fn lifetime(&self) -> Duration {
        self.options.resend_every * LIFETIMES
    }

    fn posts(&self, message: &Message, now: Timestamp) -> Vec<PostedAlert> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = now.checked_add(self.lifetime()).unwrap_or(Timestamp::MAX);
        let firing = message.alerts.iter().flat_map(|alert| {
            let before = told.get(&alert.id).map(|told| &told.labels);
            posts(alert, before, now, ends)
        });
        let over = message.resolved.iter().flat_map(|alert| {
            let before = told.get(&alert.id).map(|told| &told.labels);
            posts(
                alert,
                before,
                now,
                alert.resolved_at.map_or(now, |end| end.min(now)),
            )
        });
        firing.chain(over).collect()
    }

    /// Keeps what Alertmanager knows now. What was not sent again is over there, so it is forgotten here.
    fn keep(&self, message: &Message, now: Timestamp) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let lifetime = self.lifetime();
        told.retain(|_, told| {
            Duration::try_from(now.duration_since(told.at)).unwrap_or_default() < lifetime
        });
        for alert in &message.resolved {
            told.remove(&alert.id);
        }
        for alert in &message.alerts {
            let labels = labels(alert);
            told.insert(alert.id, Told { labels, at: now });
        }
    }

    async fn send(&self, door: &Door, posts: &[PostedAlert]) -> Result<(), NotifyError> {
        let request = door.post(&["api", "v2", "alerts"]).json(posts);
        door.send(request, explain).await.map(drop)
    }
}

#[async_trait]
impl Notifier for AlertmanagerNotifier {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn kind(&self) -> &'static str {
        "alertmanager"
    }

    fn pace(&self) -> ChannelPace {
        ChannelPace {
            resend_every: Some(self.options.resend_every),
            ..ChannelPace::default()
        }
    }

    async fn notify(
        &self,
        notification: &Notification,
        delivery: &Delivery,
    ) -> Result<Option<Receipt>, NotifyError> {
        let message = Message::of(notification, delivery, &self.options.links);
        let now = (self.clock)();
        let posts = self.posts(&message, now);
        let sent = self.doors.iter().map(|door| self.send(door, &posts));
        one_took_it(&self.options.name, join_all(sent).await)?;
        self.keep(&message, now);
        Ok(None)
    }
}

/// Success when one took it; else what all of them said, to be tried again unless every one refuses it.
fn one_took_it(channel: &str, results: Vec<Result<(), NotifyError>>) -> Result<(), NotifyError> {
    let took = results.iter().any(Result::is_ok);
    let errors: Vec<NotifyError> = results.into_iter().filter_map(Result::err).collect();
    if took {
        for error in errors {
            tracing::warn!(channel, %error, "one of several Alertmanagers did not take the alerts");
        }
        return Ok(());
    }
    let wait = errors.iter().find(|error| error.is_retryable()).cloned();
    let Some(error) = wait.or_else(|| errors.first().cloned()) else {
        return Ok(());
    };
    Err(with_others(error, &errors))
}

/// The error, saying what the others are too.
fn with_others(mut error: NotifyError, all: &[NotifyError]) -> NotifyError {
    let others: Vec<String> = all
        .iter()
        .filter(|other| **other != error)
        .map(|other| format!("; and {other}"))
        .collect();
    match &mut error {
        NotifyError::Unavailable { reason, .. } | NotifyError::Rejected { reason, .. } => {
            reason.extend(others);
        }
    }
    error
}

fn explain(status: StatusCode, _: &str) -> Option<&'static str> {
    match status {
        StatusCode::NOT_FOUND => {
            Some("check the path prefix of the URL; Alertmanager is 0.16 or newer for its API v2")
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Some("check user and password, or the token")
        }
        _ => None,
    }
}
