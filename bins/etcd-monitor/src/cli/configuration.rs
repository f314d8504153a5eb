//! The command lines of `etcd-monitor check-config` and `etcd-monitor test-channel`.

use std::path::PathBuf;

use clap::Args;

use super::output::OutputArgs;

const CHECK_EXAMPLES: &str = "Examples:
  etcd-monitor check-config etcd-monitor.yaml              what the file says, and what is doubtful in it
  etcd-monitor check-config etcd-monitor.yaml -w simple    one line, for a pipeline
  etcd-monitor check-config etcd-monitor.yaml -w json      everything, for programs
  etcd-monitor check-config etcd-monitor.yaml --route cluster=prod severity=critical
                                                           who hears of an alert with these labels

The file is read as the daemon reads it: secret files included, with ETCD_MONITOR_* variables laid over it.
Nothing is connected to; try a channel with etcd-monitor test-channel.
Exit codes: 0 the daemon would take it (warnings included), 1 the answer cannot be written,
2 it would not, with line and column of the first error.";

/// Which file to check.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = CHECK_EXAMPLES)]
pub struct CheckConfigArgs {
    /// The configuration file (YAML)
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Tell which channels hear of an alert with these labels, instead of describing the file
    ///
    /// Labels of every alert: cluster, rule, severity, `alert_type`, subject, `subject_kind`, member. A rule brings its own
    /// labels and its severity along.
    #[arg(long, value_name = "LABEL=VALUE", num_args = 1..)]
    pub route: Vec<String>,

    /// How the answer looks, and where it goes.
    #[command(flatten)]
    pub output: OutputArgs,
}

const TEST_EXAMPLES: &str = "Examples:
  etcd-monitor test-channel pager --config /etc/etcd-monitor.yaml
  etcd-monitor test-channel webhook --webhook-url http://127.0.0.1:9000/hook

Sends a message that says that it is a test, of severity info, and then that it is over; prints what the service said.
It goes straight to the service: routes, silences and the daemon's queue are passed by, and the daemon need not run.
Exit codes: 0 the channel took both, 1 it did not, 2 wrong usage or configuration.";

/// Which channel to try.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = TEST_EXAMPLES)]
pub struct TestChannelArgs {
    /// Name of the channel, as the configuration has it
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE", env = "ETCD_MONITOR_CONFIG")]
    pub config: Option<PathBuf>,

    /// URL of the channel named webhook
    #[arg(
        long,
        value_name = "URL",
        env = "ETCD_MONITOR_WEBHOOK_URL",
        hide_env_values = true
    )]
    pub webhook_url: Option<secrecy::SecretString>,

    /// File that holds it
    #[arg(long, value_name = "FILE", env = "ETCD_MONITOR_WEBHOOK_URL_FILE")]
    #[arg(conflicts_with = "webhook_url")]
    pub webhook_url_file: Option<PathBuf>,
}
