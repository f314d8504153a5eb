//! The command line. Flags win over `ETCD_MONITOR_*` variables, those over the configuration file, that over defaults.

mod benchmark;
mod check;
mod configuration;
mod connection;
mod hash;
mod healthcheck;
mod mutes;
mod output;
mod replay;
mod test_rules;

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use secrecy::SecretString;

use crate::check::EXIT_UNKNOWN;
use crate::config::duration;
use crate::{acknowledge, check_config, silence, test_channel};
pub use benchmark::{BenchmarkArgs, BenchmarkType};
pub use check::{CheckArgs, OutputFormat};
pub use configuration::{CheckConfigArgs, TestChannelArgs};
pub use connection::ConnectionArgs;
pub use hash::HashTokenArgs;
pub use healthcheck::HealthcheckArgs;
pub use mutes::{
    AckArgs, DataDirArgs, SilenceAddArgs, SilenceArgs, SilenceCommand, SilenceExpireArgs,
    SilenceListArgs,
};
pub use output::OutputArgs;
pub use replay::ReplayArgs;
pub use test_rules::TestRulesArgs;

/// What `--version` prints: version, commit and target.
const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (commit ",
    env!("ETCD_MONITOR_BUILD_COMMIT"),
    ", target ",
    env!("ETCD_MONITOR_BUILD_TARGET"),
    ")"
);

const EXAMPLES: &str = "Examples:
  etcd-monitor                                         watch the etcd on this host
  etcd-monitor --endpoints 10.0.0.1:2379               name one member, the others are found
  etcd-monitor --endpoints https://etcd-1:2379 --cacert ca.pem --cert client.pem --key client.key
  etcd-monitor --config /etc/etcd-monitor.yaml         several clusters
  etcd-monitor --webhook-url https://hooks.example/etcd
  etcd-monitor check --endpoints 10.0.0.1:2379         look once and print what is wrong
  etcd-monitor --run-benchmark --benchmark-type mixed --benchmark-ops 5000
  etcd-monitor check-config /etc/etcd-monitor.yaml     see what a file says, before it is used
  etcd-monitor test-rules alerts.test.yaml             test rules and routes
  etcd-monitor test-channel pager --config FILE        send a test message
  etcd-monitor silence add cluster=prod -d 2h -c why   tell nothing new for two hours
  etcd-monitor hash-token ci --role operator           make a token for a script

The dashboard is at http://127.0.0.1:8080/, metrics for Prometheus at /metrics.
Every flag can be given as a variable: ETCD_MONITOR_ENDPOINTS, ETCD_MONITOR_API_PORT, ...
Exit codes: 0 stopped as asked, 1 failed, 2 wrong usage or configuration.";

/// Watches etcd clusters, names the cause of trouble, alerts, and serves a live dashboard.
#[derive(Debug, Clone, Parser)]
#[command(name = "etcd-monitor", version = VERSION, after_long_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do instead of watching.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Which cluster, and how to reach it.
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Port of dashboard, API and metrics; 0 takes a free one [default: 8080]
    #[arg(
        long,
        value_name = "PORT",
        help_heading = "Server",
        env = "ETCD_MONITOR_API_PORT"
    )]
    pub api_port: Option<u16>,

    /// Address to listen on [default: 127.0.0.1]
    #[arg(
        long,
        value_name = "ADDRESS",
        help_heading = "Server",
        env = "ETCD_MONITOR_LISTEN"
    )]
    pub listen: Option<IpAddr>,

    /// URL under which users reach the dashboard; its host is answered too
    #[arg(
        long,
        value_name = "URL",
        help_heading = "Server",
        env = "ETCD_MONITOR_EXTERNAL_URL"
    )]
    pub external_url: Option<String>,

    /// Further host name to answer to; others are refused with 421 (repeatable)
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        help_heading = "Server"
    )]
    #[arg(env = "ETCD_MONITOR_ALLOW_HOST")]
    pub allow_host: Vec<String>,

    /// File that says who may ask: TLS, users, tokens and roles; that of the Prometheus exporters will do
    #[arg(long, value_name = "FILE", help_heading = "Server")]
    #[arg(env = "ETCD_MONITOR_WEB_CONFIG_FILE")]
    pub web_config_file: Option<PathBuf>,

    /// Webhook that receives each alert as JSON; where the URL holds a secret, use --webhook-url-file
    #[arg(
        long,
        value_name = "URL",
        help_heading = "Alerts",
        env = "ETCD_MONITOR_WEBHOOK_URL"
    )]
    #[arg(hide_env_values = true)]
    pub webhook_url: Option<SecretString>,

    /// File that holds the webhook's URL
    #[arg(long, value_name = "FILE", help_heading = "Alerts")]
    #[arg(env = "ETCD_MONITOR_WEBHOOK_URL_FILE", conflicts_with = "webhook_url")]
    pub webhook_url_file: Option<PathBuf>,

    /// A benchmark instead of watching.
    #[command(flatten)]
    pub benchmark: BenchmarkArgs,

    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE", env = "ETCD_MONITOR_CONFIG")]
    pub config: Option<PathBuf>,

    /// Time between two probe cycles, such as 5s or 500ms [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = duration::interval, env = "ETCD_MONITOR_INTERVAL")]
    pub interval: Option<Duration>,

    /// Folder for everything that is kept; nothing is written outside it [default: ./etcd-monitor-data]
    #[arg(long, value_name = "FOLDER", env = "ETCD_MONITOR_DATA_DIR")]
    pub data_dir: Option<PathBuf>,

    /// Format of the log on stderr; `RUST_LOG` sets its level (default: info)
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    #[arg(env = "ETCD_MONITOR_LOG_FORMAT")]
    pub log_format: LogFormat,
}

/// What the program can do beside watching.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Looks at a cluster once, within 3 s, and prints what is wrong; for terminals and cron jobs
    Check(CheckArgs),
    /// Judges a recording of the black box again, and prints which findings began and ended when
    Replay(ReplayArgs),
    /// Asks a daemon how it is; for containers
    Healthcheck(HealthcheckArgs),
    /// Checks a configuration file as a whole, and says what it is
    CheckConfig(CheckConfigArgs),
    /// Tests rules and routes: what is put in, and which alerts and messages must come out
    TestRules(TestRulesArgs),
    /// Sends a test message through a channel, and says what the service answered
    TestChannel(TestChannelArgs),
    /// Adds, lists and ends silences
    Silence(SilenceArgs),
    /// Notes that somebody takes care of an alert
    Ack(AckArgs),
    /// Makes a token for scripts and for the dashboard, and the entry of the web configuration file that knows it
    HashToken(HashTokenArgs),
    /// Reads a password from stdin and prints its bcrypt hash, for `basic_auth_users` of the web configuration file
    HashPassword,
}

impl Command {
    /// Does it, and gives the exit code. Never panics; what goes wrong is said on stderr.
    pub fn run(&self) -> ExitCode {
        match self {
            Self::Check(arguments) => crate::check::run(arguments),
            Self::Replay(arguments) => crate::replay::run(arguments),
            Self::Healthcheck(arguments) => crate::healthcheck::run(arguments),
            Self::CheckConfig(arguments) => check_config::run(arguments),
            Self::TestRules(arguments) => crate::test_rules::run(arguments),
            Self::TestChannel(arguments) => test_channel::run(arguments),
            Self::Silence(arguments) => silence::run(arguments),
            Self::Ack(arguments) => acknowledge::run(arguments),
            Self::HashToken(arguments) => crate::hash::token(arguments),
            Self::HashPassword => crate::hash::password(),
        }
    }
}

/// Format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One readable line per event.
    Text,
    /// One JSON object per line.
    Json,
}

/// Says what is wrong with the arguments, or prints the help or version that they ask for, and gives the exit code.
pub fn refuse(error: &clap::Error) -> ExitCode {
    // A terminal that is gone changes nothing.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    // The subcommand can only be the first argument, since no other may stand before it.
    let checks = std::env::args_os()
        .nth(1)
        .is_some_and(|first| first == "check");
    ExitCode::from(if checks { EXIT_UNKNOWN } else { 2 })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_unknown_flag_is_refused_with_a_suggestion() {
        let error = Cli::try_parse_from(["etcd-monitor", "--endpoint", "x"])
            .unwrap_err()
            .to_string();
        assert!(error.contains("--endpoints"), "{error}");
    }
}
