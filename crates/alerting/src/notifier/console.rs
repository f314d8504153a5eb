//! The console channel: one readable block of lines per notification.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use async_trait::async_trait;
use etcd_monitor_model::Severity;
use tokio::sync::Mutex;

use super::{Delivery, Notifier, NotifyError, Receipt};
use crate::links::MessageLinks;
use crate::message::Message;
use crate::notification::{Notification, NotificationKind};
use crate::templates::{TemplatePart, Templates};

/// Notifications that are remembered as written: more than can be tried at a time.
const REMEMBERED: usize = 64;

/// Writes each notification as a block of lines, to stderr or to a writer of your own.
///
/// Text that comes from members is stripped of control characters. The first line is coloured on a terminal.
#[derive(derive_more::Debug)]
pub struct ConsoleNotifier {
    #[debug(skip)]
    pen: Arc<Mutex<Pen>>,
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
            pen: Arc::new(Mutex::new(Pen {
                writer: Box::new(writer),
                written: VecDeque::new(),
            })),
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

#[async_trait]
impl Notifier for ConsoleNotifier {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn kind(&self) -> &'static str {
        "console"
    }

    async fn notify(
        &self,
        notification: &Notification,
        delivery: &Delivery,
    ) -> Result<Option<Receipt>, NotifyError> {
        let block = self.block(notification, delivery);
        let id = notification.id.clone();
        // Waiting costs no thread, so that a reader who pauses holds one of them and not one for each attempt.
        let mut pen = Arc::clone(&self.pen).lock_owned().await;
        // A terminal or a pipe may block for as long as nobody reads it.
        let written = tokio::task::spawn_blocking(move || pen.write(id, &block)).await;
        match written {
            Ok(Ok(())) => Ok(None),
            Ok(Err(error)) => Err(unavailable(error.to_string())),
            Err(error) => Err(unavailable(error.to_string())),
        }
    }
}

/// The writer, and the notifications that it wrote last.
struct Pen {
    writer: Box<dyn Write + Send>,
    written: VecDeque<String>,
}

impl Pen {
    /// Writes a notification, once: an attempt that was given up may have ended late.
    fn write(&mut self, id: String, block: &str) -> io::Result<()> {
        if self.written.contains(&id) {
            return Ok(());
        }
        self.writer.write_all(block.as_bytes())?;
        self.writer.flush()?;
        if self.written.len() == REMEMBERED {
            self.written.pop_front();
        }
        self.written.push_back(id);
        Ok(())
    }
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
