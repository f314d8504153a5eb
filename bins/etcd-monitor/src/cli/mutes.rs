//! The command lines of `etcd-monitor silence` and `etcd-monitor ack`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use etcd_monitor_alerting::{Fingerprint, Matcher};
use jiff::Timestamp;

use super::output::OutputArgs;
use crate::config::duration;

const SILENCE_EXAMPLES: &str = "Examples:
  etcd-monitor silence add cluster=prod rule=MemberDown -d 2h -c \"replacing m2\"
  etcd-monitor silence add 'severity=~\"info|warning\"' 'cluster!=prod' -d 30m -c \"load test\"
  etcd-monitor silence add cluster=stage --start 2026-12-24T18:00:00Z -d 3d -c holidays
  etcd-monitor silence list
  etcd-monitor silence expire 9f86d081884c7d65

Silences lie in the data directory of the daemon, which takes them over within a second; it need not run.
Name the directory with --data-dir or --config as the daemon's command line does.";

/// Silences: nothing new is told about some alerts for some time.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = SILENCE_EXAMPLES)]
pub struct SilenceArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: SilenceCommand,
}

/// What can be done with silences.
#[derive(Debug, Clone, Subcommand)]
pub enum SilenceCommand {
    /// Silences the alerts that fit all matchers, and prints the id of the silence
    Add(SilenceAddArgs),
    /// Lists silences that hold or are to come
    #[command(visible_alias = "query")]
    List(SilenceListArgs),
    /// Ends silences now
    Expire(SilenceExpireArgs),
}

/// Where the daemon keeps its data.
#[derive(Debug, Clone, Args)]
pub struct DataDirArgs {
    /// Folder of the daemon's data [default: that of --config, else ./etcd-monitor-data]
    #[arg(
        long,
        value_name = "FOLDER",
        env = "ETCD_MONITOR_DATA_DIR",
        help_heading = "Daemon"
    )]
    pub data_dir: Option<PathBuf>,

    /// Configuration file of the daemon, for its `data_dir`
    #[arg(
        long,
        value_name = "FILE",
        env = "ETCD_MONITOR_CONFIG",
        help_heading = "Daemon"
    )]
    pub config: Option<PathBuf>,
}

const ADD_EXAMPLES: &str = "Examples:
  etcd-monitor silence add cluster=prod rule=MemberDown -d 2h -c \"replacing m2\"
  etcd-monitor silence add 'severity=~\"info|warning\"' 'cluster!=prod' -d 30m -c \"load test\"

Matchers are those of Alertmanager: =, !=, =~ and !~; an expression must match the whole value.
What was told as firing before is told as over even while it is silenced.
Exit codes: 0 added, 1 the data directory cannot be used, 2 wrong usage.";

/// What to silence.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = ADD_EXAMPLES)]
pub struct SilenceAddArgs {
    /// Conditions on labels: `cluster=prod`, `rule=~\"Member.*\"`; all must fit
    #[arg(value_name = "MATCHER", required = true)]
    pub matchers: Vec<Matcher>,

    /// How long, such as 30m, 2h or 3d
    #[arg(short, long, value_name = "DURATION", value_parser = duration::silence, default_value = "1h")]
    pub duration: Duration,

    /// Why
    #[arg(short, long, value_name = "TEXT")]
    pub comment: String,

    /// Who says so [default: the user]
    #[arg(short, long, value_name = "NAME")]
    pub author: Option<String>,

    /// When it begins, such as 2026-12-24T18:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub start: Option<Timestamp>,

    /// Where the daemon keeps its data.
    #[command(flatten)]
    pub daemon: DataDirArgs,
}

const LIST_EXAMPLES: &str = "Examples:
  etcd-monitor silence list                                those that hold or are to come
  etcd-monitor silence list --expired -w json              all that are kept, for programs
  etcd-monitor silence expire $(etcd-monitor silence list -w simple)";

/// What to list.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = LIST_EXAMPLES)]
pub struct SilenceListArgs {
    /// Those that are over as well, for the 5 days that they are kept
    #[arg(long)]
    pub expired: bool,

    /// How the answer looks, and where it goes.
    #[command(flatten)]
    pub output: OutputArgs,

    /// Where the daemon keeps its data.
    #[command(flatten)]
    pub daemon: DataDirArgs,
}

const EXPIRE_EXAMPLES: &str = "Examples:
  etcd-monitor silence expire 9f86d081884c7d65
  etcd-monitor silence expire $(etcd-monitor silence list -w simple)       all of them

What still fires, and was not told while it was silenced, is told then.
Exit codes: 0 ended, 1 the data directory cannot be used, or one is not there or is over already, 2 wrong usage.";

/// What to end.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXPIRE_EXAMPLES)]
pub struct SilenceExpireArgs {
    /// Ids of silences, as `silence add` and `silence list` print them
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,

    /// Where the daemon keeps its data.
    #[command(flatten)]
    pub daemon: DataDirArgs,
}

const ACK_EXAMPLES: &str = "Examples:
  etcd-monitor ack 1f3a9c0b7d2e4f55 -c \"on it\"
  etcd-monitor ack --remove 1f3a9c0b7d2e4f55
  curl -s http://127.0.0.1:8080/api/v1/alerts              ids of alerts, which e-mails and webhooks tell too

Nothing more is told about an alert that somebody takes care of, until it is over or becomes more severe.
The daemon takes it over within a second.
Exit codes: 0 noted, 1 the data directory cannot be used, or nobody took care of what was to be removed, 2 wrong usage.";

/// Who takes care of which alerts.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = ACK_EXAMPLES)]
pub struct AckArgs {
    /// Ids of alerts: 16 hex digits
    #[arg(value_name = "ALERT", required = true)]
    pub alerts: Vec<Fingerprint>,

    /// Nobody takes care any more
    #[arg(long, conflicts_with_all = ["comment", "author"])]
    pub remove: bool,

    /// What there is to say
    #[arg(short, long, value_name = "TEXT", default_value = "")]
    pub comment: String,

    /// Who takes care [default: the user]
    #[arg(short, long, value_name = "NAME")]
    pub author: Option<String>,

    /// Where the daemon keeps its data.
    #[command(flatten)]
    pub daemon: DataDirArgs,
}
