//! The parts of the `etcd-monitor` program: command line, configuration, and how the libraries are put together.

pub mod app;
pub mod check;
mod cli;
mod config;
mod data_dir;
pub mod logging;
mod output;
pub mod replay;

pub use cli::{
    CheckArgs, Cli, Command, ConnectionArgs, LogFormat, OutputFormat, ReplayArgs, refuse,
};
pub use config::{
    AlertsConfig, BlackBoxConfig, ClusterConfig, Config, ConfigError, ConfiguredChannel,
    HeartbeatConfig, HistoryConfig, HistoryFileConfig, RemoteWriteConfig,
};
