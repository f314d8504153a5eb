//! Templates: what channels write, in words that can be replaced.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Output, State, UndefinedBehavior, Value};

use crate::message::Message;
use crate::suggestion::hint;

/// Steps that one template may take: a hundred times what the built-in ones take for 200 alerts with all evidence.
const MAX_STEPS: u64 = 1_000_000;

/// Bytes that one template may write: more than any service takes.
const MAX_OUTPUT_BYTES: usize = 256 * 1024;

/// Bytes of one template.
const MAX_SOURCE_BYTES: usize = 64 * 1024;

/// A piece of a message that a template writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TemplatePart {
    /// The console's block of lines.
    ConsoleText,
    /// The subject of an e-mail; one line. Keep it the same for all messages of an incident: mail programs thread by it.
    EmailSubject,
    /// The plain text of an e-mail.
    EmailText,
    /// The HTML of an e-mail. Values are escaped for HTML.
    EmailHtml,
    /// The text of a Slack message below its title, in mrkdwn. `&`, `<` and `>` in values are escaped.
    SlackText,
    /// The summary of a PagerDuty event; one line of at most 1,024 characters.
    PagerDutySummary,
    /// The body of a webhook. Each value is written as JSON, strings with their quotes; with the filter `safe` as it is.
    /// Built in: the message as JSON.
    WebhookBody,
}

impl TemplatePart {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ConsoleText,
        Self::EmailSubject,
        Self::EmailText,
        Self::EmailHtml,
        Self::SlackText,
        Self::PagerDutySummary,
        Self::WebhookBody,
    ];

    /// Its name: channel and piece, such as `email.subject`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConsoleText => "console.text",
            Self::EmailSubject => "email.subject",
            Self::EmailText => "email.text",
            Self::EmailHtml => "email.html",
            Self::SlackText => "slack.text",
            Self::PagerDutySummary => "pagerduty.summary",
            Self::WebhookBody => "webhook.body",
        }
    }

    fn built_in(self) -> &'static str {
        match self {
            Self::ConsoleText | Self::EmailText => include_str!("templates/text.j2"),
            Self::EmailSubject => include_str!("templates/email_subject.j2"),
            Self::EmailHtml => include_str!("templates/email_html.j2"),
            Self::SlackText => include_str!("templates/slack.j2"),
            Self::PagerDutySummary => "{{ title }}",
            Self::WebhookBody => "{{ message }}\n",
        }
    }

    fn escaping(self) -> AutoEscape {
        match self {
            Self::EmailHtml => AutoEscape::Html,
            Self::SlackText => AutoEscape::Custom(SLACK.into()),
            Self::WebhookBody => AutoEscape::Json,
            _ => AutoEscape::None,
        }
    }
}

mod tried;

const SLACK: &str = "slack";

impl fmt::Display for TemplatePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TemplatePart {
    type Err = TemplateError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|part| part.as_str() == name);
        found.ok_or_else(|| TemplateError::UnknownPart {
            name: name.to_owned(),
        })
    }
}

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// Nothing is written by a template of this name.
    #[error("there is no template {name:?}{}", hint(name, names()))]
    UnknownPart {
        /// The name.
        name: String,
    },
    /// The text is no template.
    #[error("template {part}, line {line}: {reason}")]
    Syntax {
        /// What the template would write.
        part: TemplatePart,
        /// The line of the template, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// It fails whatever the message says: it names a filter or a value that there is not, say.
    #[error("template {part} fails with every message it was tried with: {reason}")]
    Fails {
        /// What the template would write.
        part: TemplatePart,
        /// What is wrong, with the line.
        reason: String,
    },
    /// The text is larger than 64 KiB.
    #[error("template {part} has {bytes} bytes; at most 65536 are read")]
    TooLarge {
        /// What the template would write.
        part: TemplatePart,
        /// Its size.
        bytes: usize,
    },
}

fn names() -> [&'static str; 7] {
    TemplatePart::ALL.map(TemplatePart::as_str)
}

/// What channels write: built in, or overridden piece by piece. Cheap to clone.
///
/// Templates are [minijinja](https://docs.rs/minijinja) (Jinja2's syntax, without macros, includes and `namespace`).
/// They see the message by the names of the webhook's JSON: `title`, `status`, `kind`, `severity`, `about`, `alert` (the worst),
/// `alerts`, `resolved`, `counts.firing`, `group.labels`, `links.alert`, `notes`, …; of an alert among others `rule`, `severity`,
/// `cluster`, `subject.name`, `place`, `cause`, `action`, `evidence`, `since`, `lasted`, `labels`, `marks`. `message` is all of it. The filter
/// `second` cuts a time to the second. Text that comes from members holds no control characters.
///
/// A template takes at most a million steps and writes at most 256 KiB. One that does more, or that uses a value that
/// is not there, fails: the built-in text is sent in its place, with a note that names the template and the error.
#[derive(Clone, Debug)]
pub struct Templates {
    built_in: Arc<Environment<'static>>,
    own: Arc<Environment<'static>>,
}

impl Default for Templates {
    fn default() -> Self {
        Self::built_in()
    }
}

impl Templates {
    /// The built-in texts.
    pub fn built_in() -> Self {
        let mut built_in = environment();
        for part in TemplatePart::ALL {
            // A test renders each: an error here cannot be.
            let _ = built_in.add_template(part.as_str(), part.built_in());
        }
        Self {
            built_in: Arc::new(built_in),
            own: Arc::new(environment()),
        }
    }

    /// The built-in texts with these in the place of some.
    pub fn with_overrides(
        overrides: impl IntoIterator<Item = (TemplatePart, String)>,
    ) -> Result<Self, TemplateError> {
        let overrides: BTreeMap<_, _> = overrides.into_iter().collect();
        let mut own = environment();
        for (part, text) in overrides {
            add(&mut own, part, text)?;
        }
        Ok(Self {
            own: Arc::new(own),
            ..Self::built_in()
        })
    }

    /// Whether this piece is not the built-in one.
    pub fn overrides(&self, part: TemplatePart) -> bool {
        self.own.get_template(part.as_str()).is_ok()
    }

    /// Writes a piece; where its own template fails, by the built-in one and with a note in the message.
    pub(crate) fn render(&self, part: TemplatePart, message: &mut Message) -> String {
        let own = self.render_own(part, message);
        own.unwrap_or_else(|| {
            let plain = |_| message.title.clone();
            render(&self.built_in, part, message).unwrap_or_else(plain)
        })
    }

    /// Writes a piece by its own template. `None` where there is none, or where it failed, which is then noted in the
    /// message.
    pub(crate) fn render_own(&self, part: TemplatePart, message: &mut Message) -> Option<String> {
        if !self.overrides(part) {
            return None;
        }
        let rendered = render(&self.own, part, message);
        // Services refuse a message that says nothing.
        let rendered = rendered.and_then(|text| match text.trim() {
            "" => Err("it writes nothing".to_owned()),
            _ => Ok(text),
        });
        rendered
            .map_err(|reason| note_failure(part, &reason, message))
            .ok()
    }
}

/// Says in the message and in the log that the built-in text stands in for a template.
pub(crate) fn note_failure(part: TemplatePart, reason: &str, message: &mut Message) {
    tracing::warn!(channel = %message.channel, template = %part, reason, "template failed; the built-in text is sent");
    message.notes.push(format!(
        "the template {part} failed, this is the built-in text: {reason}"
    ));
}

fn add(
    environment: &mut Environment<'static>,
    part: TemplatePart,
    text: String,
) -> Result<(), TemplateError> {
    if text.len() > MAX_SOURCE_BYTES {
        let bytes = text.len();
        return Err(TemplateError::TooLarge { part, bytes });
    }
    let added = environment.add_template_owned(part.as_str(), text);
    added.map_err(|error| TemplateError::Syntax {
        part,
        line: error.line().unwrap_or(1),
        reason: said(&error),
    })
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(MAX_STEPS));
    // Else every tag would leave an empty line.
    environment.set_syntax(line_syntax());
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_auto_escape_callback(|name| {
        name.parse()
            .map_or(AutoEscape::None, TemplatePart::escaping)
    });
    environment.set_formatter(format_value);
    environment.add_filter("second", second);
    // By a namespace a loop of a few lines can double a text until the memory is full.
    environment.remove_global("namespace");
    environment
}

fn line_syntax() -> SyntaxConfig {
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true);
    // The delimiters are the usual ones, which differ: an error cannot be.
    syntax.build().unwrap_or_default()
}

fn format_value(
    output: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    if is_slack(state.auto_escape()) && !value.is_safe() {
        return output
            .write_str(&slack_escaped(&value.to_string()))
            .map_err(Into::into);
    }
    minijinja::escape_formatter(output, state, value)
}

fn is_slack(escaping: &AutoEscape) -> bool {
    matches!(escaping, AutoEscape::Custom(name) if name == SLACK)
}

/// A text that Slack shows as it is: it makes no link, mention or channel of it.
pub(crate) fn slack_escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// `2026-01-02T03:04:05.123Z` without what is after the second.
fn second(time: &str) -> String {
    let parsed = jiff::Timestamp::from_str(time);
    parsed.map_or_else(|_| time.to_owned(), crate::message::told::second)
}

fn render(
    environment: &Environment<'_>,
    part: TemplatePart,
    message: &Message,
) -> Result<String, String> {
    let rendered = render_from(environment, part, Value::from(Serde(message)));
    rendered.map_err(|error| in_line(&error))
}

fn render_from(
    environment: &Environment<'_>,
    part: TemplatePart,
    root: Value,
) -> Result<String, minijinja::Error> {
    let template = environment.get_template(part.as_str())?;
    let context = minijinja::context! { message => root.clone(), ..root };
    let mut output = Bounded::default();
    template.render_captured_to(context, &mut output)?;
    Ok(String::from_utf8_lossy(&output.bytes).into_owned())
}

fn in_line(error: &minijinja::Error) -> String {
    match error.line() {
        Some(line) => format!("line {line}: {}", said(error)),
        None => said(error),
    }
}

/// What is wrong, without the name and the text of the template.
fn said(error: &minijinja::Error) -> String {
    let kind = error.kind();
    let detail = error.detail().map(str::to_owned);
    let source = std::error::Error::source(error).map(ToString::to_string);
    let why = [detail, source].into_iter().flatten();
    let why: Vec<String> = std::iter::once(kind.to_string()).chain(why).collect();
    etcd_monitor_model::plain_text(&why.join(": "))
}

/// Takes so many bytes and no more.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MAX_OUTPUT_BYTES {
            return Err(io::Error::other("it wrote more than 256 KiB"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "templates/tests.rs"]
mod tests;
