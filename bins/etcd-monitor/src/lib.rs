//! The parts of the `etcd-monitor` program: command line, configuration, and how the libraries are put together.

mod acknowledge;
pub mod app;
mod benchmark;
mod check;
mod check_config;
mod cli;
mod config;
mod data_dir;
mod hash;
mod healthcheck;
pub mod logging;
mod output;
mod replay;
mod silence;
mod test_channel;
mod test_rules;

pub use cli::{
    AckArgs, BenchmarkArgs, BenchmarkType, CheckArgs, CheckConfigArgs, Cli, Command,
    ConnectionArgs, DataDirArgs, HashTokenArgs, HealthcheckArgs, LogFormat, OutputArgs,
    OutputFormat, ReplayArgs, SilenceAddArgs, SilenceArgs, SilenceCommand, SilenceExpireArgs,
    SilenceListArgs, TestChannelArgs, TestRulesArgs, refuse,
};
pub use config::{
    AlertsConfig, BlackBoxConfig, ClusterConfig, Config, ConfigError, ConfiguredChannel,
    HistoryConfig, HistoryFileConfig, RemoteWriteConfig, WebFile,
};
