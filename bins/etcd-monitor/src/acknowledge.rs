//! `etcd-monitor ack`: notes who takes care of alerts, in the data directory of a daemon that may run.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::bail;
use etcd_monitor_alerting::{Acknowledgement, FileAlertStore, Fingerprint, MuteFile};
use jiff::Timestamp;

use crate::cli::{AckArgs, DataDirArgs};
use crate::config::{Config, ConfigError};
use crate::data_dir::alerts_file;
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
    let active = active(&arguments.daemon);
    output::each(&arguments.alerts, |alert| {
        if active
            .as_ref()
            .is_some_and(|active| !active.contains(alert))
        {
            tracing::warn!("no alert with the id {alert} is active; it is noted all the same");
        }
        mutes.acknowledge(*alert, acknowledgement.clone(), now)?;
        output::write(&format!("{author} takes care of {alert}\n"), None)
    })
}

/// The alerts of the daemon; `None` where they cannot be told.
fn active(daemon: &DataDirArgs) -> Option<BTreeSet<Fingerprint>> {
    let folder = Config::data_dir(daemon.data_dir.as_deref(), daemon.config.as_deref());
    FileAlertStore::peek_active(&alerts_file(&folder.ok()?))
}

fn removed(mutes: &MuteFile, alerts: &[Fingerprint], now: Timestamp) -> anyhow::Result<()> {
    output::each(alerts, |alert| {
        if !mutes.remove_acknowledgement(*alert, now)? {
            bail!("nobody takes care of {alert}");
        }
        output::write(&format!("nobody takes care of {alert} any more\n"), None)
    })
}
