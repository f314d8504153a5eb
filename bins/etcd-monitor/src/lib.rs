//! The parts of the `etcd-monitor` program: command line, configuration, and how the libraries are put together.

pub mod app;
pub mod check;
mod cli;
mod config;
mod data_dir;
pub mod logging;

pub use cli::{CheckArgs, Cli, Command, ConnectionArgs, LogFormat, OutputFormat, refuse};
pub use config::{ClusterConfig, Config, ConfigError};
