//! `etcd-monitor test-channel`: sends a test message through a channel, and says what came back.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use etcd_monitor_alerting::{Delivery, Notification, Notifier, NotifyError, Receipt};
use etcd_monitor_model::plain_text;
use jiff::Timestamp;

use crate::cli::{Cli, TestChannelArgs};
use crate::config::{Config, ConfigError, ConfiguredChannel, not_there};
use crate::{logging, output};

/// How long the channel may take; its own limits end an attempt before.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Sends and prints. Never panics; what goes wrong is said on stderr.
pub(crate) fn run(arguments: &TestChannelArgs) -> ExitCode {
    let channel = match channel(arguments) {
        Ok(channel) => channel,
        Err(error) => {
            logging::fatal(&error);
            return ExitCode::from(2);
        }
    };
    match tested(&channel) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            logging::fatal(&error);
            ExitCode::FAILURE
        }
    }
}

/// The channel of this name, as the daemon would have it.
fn channel(arguments: &TestChannelArgs) -> Result<ConfiguredChannel, ConfigError> {
    let mut cli = Cli::try_parse_from(["etcd-monitor"])
        .map_err(|error| ConfigError::new(error.to_string()))?;
    cli.config.clone_from(&arguments.config);
    cli.webhook_url.clone_from(&arguments.webhook_url);
    cli.webhook_url_file.clone_from(&arguments.webhook_url_file);
    let config = Config::load(&cli)?;
    config.say_warnings();
    let channels = config.alerts.channels;
    let names: Vec<String> = channels.iter().map(|one| one.name().to_owned()).collect();
    let found = channels
        .into_iter()
        .find(|one| one.name() == arguments.name);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    found.ok_or_else(|| ConfigError::new(not_there("channel", &arguments.name, &names)))
}

fn tested(channel: &ConfiguredChannel) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let sent = runtime.block_on(send(channel));
    // A name that resolves slowly must not hold up the end.
    runtime.shutdown_background();
    sent
}

/// Sends that it fires, and then, where the channel is told such things, that it is over.
async fn send(channel: &ConfiguredChannel) -> anyhow::Result<()> {
    let notifier = channel.channel.notifier.as_ref();
    let firing = Notification::trial(channel.name(), Timestamp::now());
    let receipt = told(notifier, &firing, None).await?;
    say(&firing, receipt.as_ref(), channel)?;
    if !channel.pace.sends_resolved {
        return output::write(
            "that it is over is not sent: send_resolved is false\n",
            None,
        );
    }
    let over = firing.over(Timestamp::now());
    let receipt = told(notifier, &over, receipt).await?;
    say(&over, receipt.as_ref(), channel)
}

/// One attempt.
async fn told(
    notifier: &dyn Notifier,
    notification: &Notification,
    receipt: Option<Receipt>,
) -> Result<Option<Receipt>, NotifyError> {
    let mut delivery = Delivery::default();
    delivery.receipt.clone_from(&receipt);
    let attempt = notifier.notify(notification, &delivery);
    let ended = tokio::time::timeout(TIMEOUT, attempt).await;
    let answer = ended.unwrap_or_else(|_| {
        Err(NotifyError::Unavailable {
            target: notifier.name().to_owned(),
            reason: format!("it took longer than {} s", TIMEOUT.as_secs()),
            retry_after: None,
        })
    })?;
    Ok(answer.or(receipt))
}

/// Says that the channel took it, and what it returned.
fn say(
    notification: &Notification,
    receipt: Option<&Receipt>,
    channel: &ConfiguredChannel,
) -> anyhow::Result<()> {
    let name = channel.name();
    let returned = receipt.map_or_else(String::new, |receipt| {
        format!(" (it answered {})", plain_text(&receipt.0))
    });
    let status = notification.kind.status();
    let line = format!(
        "{name} ({}) took the test message, {status}{returned}\n",
        channel.kind
    );
    output::write(&line, None)
}
