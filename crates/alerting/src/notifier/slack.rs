//! The Slack channel: by an incoming webhook, or as a bot that updates its message and answers in its thread.

use async_trait::async_trait;
use reqwest::{Method, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::config_error::ConfigError;
use super::door::{Door, HttpAuth, HttpOptions, beginning, retry_after};
use super::{Delivery, Notifier, NotifyError, Receipt};
use crate::links::{MessageLinks, origin};
use crate::message::Message;
use crate::notification::{Notification, NotificationKind};
use crate::policy::ChannelPace;
use crate::templates::{TemplatePart, Templates};
use answer::{Answer, advice, is_temporary};

mod answer;
mod content;

/// Where Slack's Web API is.
const API_URL: &str = "https://slack.com/api";

/// Writes to a Slack channel, coloured by severity.
///
/// An incoming webhook gets a message per notification. A bot posts one message per incident, keeps it up to date, and
/// tells each change in its thread; what fires anew, more or still is shown in the channel as well.
#[derive(Debug)]
pub struct SlackNotifier {
    options: SlackOptions,
    door: Door,
}

/// How Slack is told.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SlackOptions {
    /// The channel's name among ours. Default `slack`.
    pub name: String,
    /// Whom it writes as, and where.
    pub target: SlackTarget,
    /// Timeout and trusted certificates.
    pub http: HttpOptions,
    /// What messages link to.
    pub links: MessageLinks,
    /// What messages say.
    pub templates: Templates,
}

/// Whom the channel writes as, and where.
#[derive(Clone, derive_more::Debug)]
#[non_exhaustive]
pub enum SlackTarget {
    /// An incoming webhook.
    #[non_exhaustive]
    Webhook {
        /// Its URL, `https://hooks.slack.com/services/…`, which is a secret.
        url: SecretString,
    },
    /// A bot, in a channel that it was invited to.
    #[non_exhaustive]
    Bot {
        /// Its token, `xoxb-…`, with the scope `chat:write`.
        token: SecretString,
        /// The channel: its id (`C0123456789`), or its name with `#`.
        channel: String,
        /// Where the Web API is. Default `https://slack.com/api`.
        #[debug("{}", origin(api_url))]
        api_url: String,
    },
}

impl SlackTarget {
    /// An incoming webhook.
    pub fn webhook(url: impl Into<SecretString>) -> Self {
        Self::Webhook { url: url.into() }
    }

    /// A bot in a channel.
    pub fn bot(token: impl Into<SecretString>, channel: impl Into<String>) -> Self {
        Self::Bot {
            token: token.into(),
            channel: channel.into(),
            api_url: API_URL.to_owned(),
        }
    }

    /// The same, with another address of the Web API; an incoming webhook has none.
    #[must_use]
    pub fn with_api_url(mut self, url: impl Into<String>) -> Self {
        if let Self::Bot { api_url, .. } = &mut self {
            *api_url = url.into();
        }
        self
    }
}

impl SlackOptions {
    /// The defaults, for this target.
    pub fn new(target: SlackTarget) -> Self {
        Self {
            name: "slack".to_owned(),
            target,
            http: HttpOptions::default(),
            links: MessageLinks::default(),
            templates: Templates::default(),
        }
    }
}

impl SlackNotifier {
    /// A channel to Slack. The process must have installed a `rustls` provider before.
    pub fn new(options: SlackOptions) -> Result<Self, ConfigError> {
        let door = match &options.target {
            SlackTarget::Webhook { url } => Door::new(url.expose_secret(), &options.http)?,
            SlackTarget::Bot {
                token,
                channel,
                api_url,
            } => {
                check_bot(token, channel)?;
                Door::new(api_url, &options.http)?
                    .authenticated(&HttpAuth::Bearer(token.clone()))?
            }
        };
        Ok(Self { options, door })
    }

    async fn post_by_webhook(&self, content: &Value) -> Result<Option<Receipt>, NotifyError> {
        let request = self.door.request(Method::POST).json(content);
        let explain = |_: StatusCode, said: &str| advice(said.trim());
        self.door.send(request, explain).await.map(|_| None)
    }

    /// Tells by the bot: a first message, or an update of it and an answer in its thread. Where either is refused, another
    /// first message, which begins another thread.
    async fn post_by_bot(
        &self,
        channel: &str,
        content: &Value,
        kind: NotificationKind,
        first: Option<Posted>,
    ) -> Result<Posted, NotifyError> {
        let Some(first) = first else {
            return self.first_message(channel, content).await;
        };
        let mut update = content.clone();
        update["channel"] = first.channel.as_str().into();
        update["ts"] = first.ts.as_str().into();
        match self.call("chat.update", &update).await? {
            Answer::Done(_) => {}
            Answer::Refused(code) if is_out_of_reach(&code) => {
                return self.first_message(channel, content).await;
            }
            Answer::Refused(code) => return Err(self.refused(&code)),
        }
        match self.answer_in_thread(content, kind, &first).await? {
            Answer::Done(_) => Ok(first),
            Answer::Refused(code) => {
                let channel_name = &self.options.name;
                tracing::warn!(channel = channel_name, code, "the thread is refused");
                self.first_message(channel, content).await
            }
        }
    }

    async fn first_message(&self, channel: &str, content: &Value) -> Result<Posted, NotifyError> {
        let mut first = content.clone();
        first["channel"] = channel.into();
        match self.call("chat.postMessage", &first).await? {
            Answer::Done(posted) => Ok(posted),
            Answer::Refused(code) => Err(self.refused(&code)),
        }
    }

    async fn answer_in_thread(
        &self,
        content: &Value,
        kind: NotificationKind,
        first: &Posted,
    ) -> Result<Answer, NotifyError> {
        let mut reply = content.clone();
        reply["channel"] = first.channel.as_str().into();
        reply["thread_ts"] = first.ts.as_str().into();
        reply["reply_broadcast"] = is_for_all(kind).into();
        self.call("chat.postMessage", &reply).await
    }

    /// One call of the Web API; what is wrong for a while is an error.
    async fn call(&self, method: &str, arguments: &Value) -> Result<Answer, NotifyError> {
        let request = self.door.post(&[method]);
        let request = request.json(arguments);
        let response = self.door.send(request, |_, _| None).await?;
        self.read(method, response).await
    }

    async fn read(&self, method: &str, response: Response) -> Result<Answer, NotifyError> {
        let wait = retry_after(response.headers());
        let body = beginning(response).await;
        match Answer::parse(&body) {
            Some(Answer::Refused(code)) if is_temporary(&code) => {
                let reason = format!("{method} answered {}", self.door.quoted(&code));
                Err(self.door.unavailable(reason, wait))
            }
            Some(answer) => Ok(answer),
            None => {
                let reason = format!(
                    "{method} answered what is not Slack's{}",
                    self.door.quoted(&body)
                );
                Err(self.door.unavailable(reason, wait))
            }
        }
    }

    fn refused(&self, code: &str) -> NotifyError {
        let advice = advice(code).map_or_else(String::new, |what| format!("; {what}"));
        self.door
            .rejected(format!("it answered{}{advice}", self.door.quoted(code)))
    }
}

/// A message that was posted: the channel's id and the time stamp that names it there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Posted {
    channel: String,
    ts: String,
}

impl Posted {
    /// What an earlier message left. One that cannot be read is none: then a new message is posted.
    fn of(receipt: Option<&Receipt>) -> Option<Self> {
        serde_json::from_str(&receipt?.0).ok()
    }

    fn receipt(&self) -> Option<Receipt> {
        serde_json::to_string(self).ok().map(Receipt)
    }
}

/// Whether a first message cannot be found again, or not be changed any more: somebody deleted it, it is too old by a rule
/// of the workspace, or another channel was configured.
fn is_out_of_reach(code: &str) -> bool {
    let codes = [
        "cant_update_message",
        "edit_window_closed",
        "message_not_found",
        "channel_not_found",
        "not_in_channel",
        "is_archived",
    ];
    codes.contains(&code)
}

#[async_trait]
impl Notifier for SlackNotifier {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn kind(&self) -> &'static str {
        "slack"
    }

    /// A bot shows in its message that somebody takes care; by a webhook that would be one more message.
    fn pace(&self) -> ChannelPace {
        ChannelPace {
            sends_acknowledged: matches!(self.options.target, SlackTarget::Bot { .. }),
            ..ChannelPace::default()
        }
    }

    async fn notify(
        &self,
        notification: &Notification,
        delivery: &Delivery,
    ) -> Result<Option<Receipt>, NotifyError> {
        let mut message = Message::of(notification, delivery, &self.options.links);
        let text = self
            .options
            .templates
            .render(TemplatePart::SlackText, &mut message);
        let content = content::of(&message, &text);
        match &self.options.target {
            SlackTarget::Webhook { .. } => self.post_by_webhook(&content).await,
            SlackTarget::Bot { channel, .. } => {
                let first = Posted::of(delivery.receipt.as_ref());
                let posted = self
                    .post_by_bot(channel, &content, notification.kind, first)
                    .await?;
                Ok(posted.receipt())
            }
        }
    }
}

fn check_bot(token: &SecretString, channel: &str) -> Result<(), ConfigError> {
    let token = token.expose_secret();
    if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(ConfigError::option(
            "token",
            "it is empty, or has characters that no token has",
        ));
    }
    if channel.trim().is_empty() {
        return Err(ConfigError::option(
            "channel",
            "it is empty; expected C0123456789 or #name",
        ));
    }
    Ok(())
}

/// Whether an answer in a thread is shown in the channel too, to those who do not follow the thread.
fn is_for_all(kind: NotificationKind) -> bool {
    match kind {
        NotificationKind::Fired
        | NotificationKind::Updated
        | NotificationKind::Repeated
        | NotificationKind::Resent => true,
        NotificationKind::Acknowledged | NotificationKind::Resolved => false,
    }
}
