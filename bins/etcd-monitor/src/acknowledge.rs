//! `etcd-monitor ack`: notes who takes care of alerts, in the data directory of a daemon that may run.

use std::process::ExitCode;

use anyhow::bail;
use etcd_monitor_alerting::{Acknowledgement, Fingerprint, MuteFile};
use jiff::Timestamp;

use crate::cli::AckArgs;
use crate::config::ConfigError;
use crate::output;
use crate::silence::{author, mutes};

/// Does what is asked. Never panics; what goes wrong is said on stderr.
pub(crate) fn run(arguments: &AckArgs) -> ExitCode {
    output::exit_code(acknowledged(arguments))
}

fn acknowledged(arguments: &AckArgs) -> anyhow::Result<()> {
    let mutes = mutes(&arguments.daemon)?;
    let now = Timestamp::now();
    if arguments.remove {
        return removed(&mutes, &arguments.alerts, now);
    }
    let author = author(arguments.author.as_deref())?;
    let acknowledgement = Acknowledgement::new(&author, now, &arguments.comment)
        .map_err(|error| ConfigError::new(error.to_string()))?;
    output::each(&arguments.alerts, |alert| {
        mutes.acknowledge(*alert, acknowledgement.clone(), now)?;
        output::write(&format!("{author} takes care of {alert}\n"), None)
    })
}

fn removed(mutes: &MuteFile, alerts: &[Fingerprint], now: Timestamp) -> anyhow::Result<()> {
    output::each(alerts, |alert| {
        if !mutes.remove_acknowledgement(*alert, now)? {
            bail!("nobody takes care of {alert}");
        }
        output::write(&format!("nobody takes care of {alert} any more\n"), None)
    })
}
