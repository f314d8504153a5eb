//! The parts of the `etcd-monitor` program: command line, configuration, and how the libraries are put together.

pub mod app;
mod cli;
mod config;
mod data_dir;
pub mod logging;

pub use cli::{Cli, LogFormat};
pub use config::{ClusterConfig, Config, ConfigError};
