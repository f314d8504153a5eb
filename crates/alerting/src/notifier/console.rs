//! The console channel: one readable block of lines per notification.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use etcd_monitor_model::Severity;

use super::{Delivery, Notifier, NotifyError, Receipt};
use crate::links::MessageLinks;
use crate::message::Message;
use crate::notification::{Notification, NotificationKind};
use crate::templates::{TemplatePart, Templates};

/// Writes each notification as a block of lines, to stderr or to a writer of your own.
///
/// Text that comes from members is stripped of control characters. The first line is coloured on a terminal.
pub struct ConsoleNotifier {
    writer: Arc<Mutex<dyn Write + Send>>,
    options: ConsoleOptions,
}

/// How the console channel writes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConsoleOptions {
    /// The channel's name. Default `console`.
    pub name: String,
    /// Whether the first line is coloured. Default false.
    pub colour: bool,
    /// What blocks link to.
    pub links: MessageLinks,
    /// What is written.
    pub templates: Templates,
}

impl Default for ConsoleOptions {
    fn default() -> Self {
        Self {
            name: "console".to_owned(),
            colour: false,
            links: MessageLinks::default(),
            templates: Templates::default(),
        }
    }
}

impl ConsoleNotifier {
    /// Writes to stderr, coloured when that is a terminal, whatever the options say of colour.
    pub fn stderr(options: ConsoleOptions) -> Self {
        let colour = io::stderr().is_terminal();
        Self::new(io::stderr(), ConsoleOptions { colour, ..options })
    }

    /// Writes to `writer`. A write that blocks holds up this channel alone.
    pub fn new(writer: impl Write + Send + 'static, options: ConsoleOptions) -> Self {
        Self {
            writer: Arc::new(Mutex::new(writer)),
            options,
        }
    }

    fn block(&self, notification: &Notification, delivery: &Delivery) -> String {
        let mut message = Message::of(notification, delivery, &self.options.links);
        let block = self
            .options
            .templates
            .render(TemplatePart::ConsoleText, &mut message);
        if self.options.colour {
            coloured(&block, notification)
        } else {
            block
        }
    }
}

impl fmt::Debug for ConsoleNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleNotifier")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Notifier for ConsoleNotifier {
    fn name(&self) -> &str {
        &self.options.name
    }

    async fn notify(
        &self,
        notification: &Notification,
        delivery: &Delivery,
    ) -> Result<Option<Receipt>, NotifyError> {
        let block = self.block(notification, delivery);
        let writer = Arc::clone(&self.writer);
        // A terminal or a pipe may block for as long as nobody reads it.
        let written = tokio::task::spawn_blocking(move || write(&writer, &block)).await;
        match written {
            Ok(Ok(())) => Ok(None),
            Ok(Err(error)) => Err(unavailable(error.to_string())),
            Err(error) => Err(unavailable(error.to_string())),
        }
    }
}

fn write(writer: &Mutex<dyn Write + Send>, block: &str) -> io::Result<()> {
    let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
    writer.write_all(block.as_bytes())?;
    writer.flush()
}

fn unavailable(reason: String) -> NotifyError {
    NotifyError::Unavailable {
        target: "the console".to_owned(),
        reason,
        retry_after: None,
    }
}

/// The block with its first line in the colour of what it says.
fn coloured(block: &str, notification: &Notification) -> String {
    let code = match (notification.kind, notification.severity) {
        (NotificationKind::Resolved, _) => "32",
        (_, Severity::Critical) => "1;31",
        (_, Severity::Warning) => "33",
        (_, Severity::Info) => "36",
    };
    let (head, rest) = block.split_once('\n').unwrap_or((block, ""));
    format!("\x1b[{code}m{head}\x1b[0m\n{rest}")
}
