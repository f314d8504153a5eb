//! Configuration: what the command line, the environment and the file say, made one and checked.

mod alerts;
mod black_box;
mod cluster;
pub(crate) mod duration;
mod environment;
mod file;
mod history;
mod host;
mod range;
mod remote_write;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcd_monitor_alerting::Rule;
use etcd_monitor_core::KnownVersions;
use secrecy::{ExposeSecret, SecretString};

use crate::cli::Cli;
pub use black_box::BlackBoxConfig;
pub use cluster::ClusterConfig;
use file::ConfigFile;
pub use history::{HistoryConfig, HistoryFileConfig};
pub use remote_write::RemoteWriteConfig;

/// What is wrong with flags, variables or the file. The message names the place and suggests what was meant.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// A checked configuration.
#[derive(Debug)]
pub struct Config {
    /// The clusters to watch, at least one.
    pub clusters: Vec<ClusterConfig>,
    /// Where dashboard, API and metrics are served.
    pub address: SocketAddr,
    /// Host names that are answered beside addresses and `localhost`.
    pub allowed_hosts: Vec<String>,
    /// Time between two probe cycles.
    pub interval: Duration,
    /// Folder for everything that is kept.
    pub data_dir: PathBuf,
    /// What is recorded there; `None`: nothing.
    pub black_box: Option<BlackBoxConfig>,
    /// How long samples are kept.
    pub history: HistoryConfig,
    /// Where samples are sent as well; `None`: nowhere.
    pub remote_write: Option<RemoteWriteConfig>,
    /// Which findings become alerts, after how long.
    pub rules: Vec<Rule>,
    /// Webhook that receives each alert.
    pub webhook_url: Option<SecretString>,
}

impl Config {
    /// Reads the file, if one is named, lays variables and flags over it, and checks the whole.
    pub fn load(cli: &Cli) -> Result<Self, ConfigError> {
        warn_of_unknown_variables();
        let Some(path) = &cli.config else {
            return Self::merge(cli, ConfigFile::default());
        };
        let place = |error| {
            ConfigError::new(format!(
                "{} (with flags and variables laid over it): {error}",
                path.display()
            ))
        };
        Self::merge(cli, file::read(path)?).map_err(place)
    }

    /// The settings that differ in `next` and that a reload cannot change, by their keys.
    #[cfg(unix)]
    pub(crate) fn fixed_that_differ(&self, next: &Self) -> Vec<&'static str> {
        // In full, so that a new setting must be put on one of the two sides.
        let Self {
            clusters: _,
            interval: _,
            address,
            allowed_hosts,
            data_dir,
            black_box,
            history,
            remote_write,
            rules,
            webhook_url,
        } = next;
        let url =
            |url: &Option<SecretString>| url.as_ref().map(|url| url.expose_secret().to_owned());
        let fixed = [
            ("listen, api_port", self.address != *address),
            (
                "allow_hosts, external_url",
                self.allowed_hosts != *allowed_hosts,
            ),
            ("data_dir", self.data_dir != *data_dir),
            ("black_box", self.black_box != *black_box),
            ("history", self.history != *history),
            ("remote_write", self.remote_write != *remote_write),
            ("alerts", self.rules != *rules),
            ("webhook_url", url(&self.webhook_url) != url(webhook_url)),
        ];
        let differ = fixed.into_iter().filter(|(_, differs)| *differs);
        differ.map(|(keys, _)| keys).collect()
    }

    fn merge(cli: &Cli, file: ConfigFile) -> Result<Self, ConfigError> {
        let interval = file.interval.as_deref().map(duration::interval).transpose();
        let interval = interval.map_err(|error| ConfigError::new(format!("interval: {error}")))?;
        let default_address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let address = cli.listen.or(file.listen).unwrap_or(default_address);
        let data_dir = cli.data_dir.clone().or(file.data_dir);
        let known_versions = file.known_versions_file.as_deref().map(known_versions);
        let known_versions = known_versions.transpose()?;
        Ok(Self {
            allowed_hosts: host::allowed(cli, file.allow_hosts, file.external_url)?,
            webhook_url: webhook_url(cli, file.webhook_url, file.webhook_url_file)?,
            black_box: black_box::check(&file.black_box).map_err(ConfigError::new)?,
            history: history::check(&file.history).map_err(ConfigError::new)?,
            remote_write: remote_write::check(&file.remote_write).map_err(ConfigError::new)?,
            rules: alerts::rules(&file.alerts).map_err(ConfigError::new)?,
            clusters: cluster::check_all(&cli.connection, file.clusters, known_versions.as_ref())?,
            address: SocketAddr::new(address, cli.api_port.or(file.api_port).unwrap_or(8080)),
            interval: cli.interval.or(interval).unwrap_or(Duration::from_secs(5)),
            data_dir: data_dir.unwrap_or_else(|| "etcd-monitor-data".into()),
        })
    }
}

/// Warns of each variable of ours in the environment that no flag reads.
pub(crate) fn warn_of_unknown_variables() {
    let variables = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    environment::warn_of_unknown_variables(variables);
}

/// A list of versions with known defects, in the place of the one that is built in.
fn known_versions(path: &Path) -> Result<KnownVersions, ConfigError> {
    let wrong = |reason: String| {
        ConfigError::new(format!("known_versions_file {}: {reason}", path.display()))
    };
    let text = file::read_text(path).map_err(wrong)?;
    KnownVersions::parse(&text).map_err(|error| wrong(error.to_string()))
}

/// The webhook's URL: from the command line or its file, else from the configuration file or the file it names.
fn webhook_url(
    cli: &Cli,
    in_file: Option<SecretString>,
    file_in_file: Option<PathBuf>,
) -> Result<Option<SecretString>, ConfigError> {
    let from_cli = cli.webhook_url.is_some() || cli.webhook_url_file.is_some();
    let (text, path) = match (from_cli, in_file, file_in_file) {
        (true, ..) => (cli.webhook_url.clone(), cli.webhook_url_file.clone()),
        (false, Some(_), Some(_)) => {
            return Err(ConfigError::new(
                "webhook_url and webhook_url_file: give one of them",
            ));
        }
        (false, text, path) => (text, path),
    };
    let Some(path) = path else { return Ok(text) };
    let content = file::read_text(&path).map_err(|error| {
        ConfigError::new(format!("webhook_url_file {}: {error}", path.display()))
    })?;
    Ok(Some(content.trim().into()))
}

#[cfg(test)]
mod tests;
