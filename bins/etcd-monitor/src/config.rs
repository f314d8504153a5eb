//! Configuration: what the command line, the environment and the file say, made one and checked.

mod alerts;
mod black_box;
mod cluster;
pub(crate) mod duration;
mod environment;
mod file;
mod history;
mod host;
pub(crate) mod place;
mod range;
mod remote_write;
mod secret;
mod web;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use etcd_monitor_alerting::MessageLinks;
use etcd_monitor_core::KnownVersions;
use secrecy::SecretString;
use url::Url;

use crate::cli::Cli;
use alerts::Surroundings;
pub use alerts::{AlertsConfig, ConfiguredChannel};
pub use black_box::BlackBoxConfig;
pub use cluster::ClusterConfig;
use file::ConfigFile;
pub(crate) use file::{parse_as, read_text};
pub use history::{HistoryConfig, HistoryFileConfig};
use place::Remark;
pub(crate) use place::not_there;
pub use remote_write::RemoteWriteConfig;
use secret::{Secrets, Written};
pub use web::WebFile;
pub(crate) use web::WebText;

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
    /// Origins whose pages may read the answers.
    pub cors_origins: Vec<String>,
    /// The URL under which users reach the server, where it is told.
    pub external_url: Option<Url>,
    /// Who may ask, and how; `None`: whoever reaches the server, over plain HTTP.
    pub web: Option<WebFile>,
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
    /// What becomes an alert, and who is told.
    pub alerts: AlertsConfig,
    /// What is worth a warning, with its place in the file.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads the file, if one is named, lays variables and flags over it, and checks the whole.
    pub fn load(cli: &Cli) -> Result<Self, ConfigError> {
        warn_of_unknown_variables();
        let Some(path) = &cli.config else {
            let merged = Self::merge(cli, ConfigFile::default());
            return merged.map_err(|error| ConfigError::new(error.to_string()));
        };
        Self::merge(cli, file::read(path)?).map_err(|error| {
            let path = path.display();
            ConfigError::new(if error.has_place() {
                format!("{path}: {error}")
            } else {
                format!("{path} (with flags and variables laid over it): {error}")
            })
        })
    }

    /// Reads a file as the daemon does: with variables laid over it, and without flags.
    pub(crate) fn load_file(file: &Path) -> Result<Self, ConfigError> {
        let mut cli = Cli::try_parse_from(["etcd-monitor"])
            .map_err(|error| ConfigError::new(error.to_string()))?;
        cli.config = Some(file.to_owned());
        Self::load(&cli)
    }

    /// The folder of the daemon's data: as the flag says, else as the file does, else the default.
    pub(crate) fn data_dir(
        flag: Option<&Path>,
        file: Option<&Path>,
    ) -> Result<PathBuf, ConfigError> {
        let in_file = match (flag, file) {
            (None, Some(file)) => file::read(file)?.data_dir,
            _ => None,
        };
        let folder = flag.map(Path::to_owned).or(in_file);
        Ok(folder.unwrap_or_else(default_data_dir))
    }

    /// What its own URL begins with.
    pub(crate) fn scheme(&self) -> &'static str {
        match &self.web {
            Some(web) if web.config.tls.is_some() => "https",
            _ => "http",
        }
    }

    /// Writes what is worth a warning to the log.
    pub(crate) fn say_warnings(&self) {
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
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
            cors_origins,
            external_url,
            web,
            data_dir,
            black_box,
            history,
            remote_write,
            alerts: _,
            warnings: _,
        } = next;
        let fixed = [
            ("listen, api_port", self.address != *address),
            (
                "allow_hosts, external_url",
                self.allowed_hosts != *allowed_hosts || self.external_url != *external_url,
            ),
            ("cors_origins", self.cors_origins != *cors_origins),
            ("data_dir", self.data_dir != *data_dir),
            ("black_box", self.black_box != *black_box),
            ("history", self.history != *history),
            ("remote_write", self.remote_write != *remote_write),
        ];
        let differ = fixed.into_iter().filter(|(_, differs)| *differs);
        let of_web = match (&self.web, web) {
            (Some(web), Some(next)) => web.fixed_that_differ(next),
            (None, None) => Vec::new(),
            _ => vec!["web_config_file"],
        };
        differ.map(|(keys, _)| keys).chain(of_web).collect()
    }

    fn merge(cli: &Cli, mut file: ConfigFile) -> Result<Self, Remark> {
        let interval = file.interval.as_deref().map(duration::interval).transpose();
        let interval = interval.map_err(|error| format!("interval: {error}"))?;
        let default_address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let address = cli.listen.or(file.listen).unwrap_or(default_address);
        let data_dir = cli.data_dir.clone().or(file.data_dir.take());
        let known_versions = file.known_versions_file.as_deref().map(known_versions);
        let known_versions = known_versions.transpose()?;
        let clusters = &mut file.clusters;
        let clusters = cluster::check_all(&cli.connection, clusters, known_versions.as_ref())?;
        let dashboard = host::external(cli, file.external_url.take())?;
        let allow_hosts = std::mem::take(&mut file.allow_hosts);
        let cors_origins = host::origins(std::mem::take(&mut file.cors_origins))?;
        let (alerts, mut warnings) = alerts(cli, &file, &clusters, dashboard.as_ref())?;
        let web = cli
            .web_config_file
            .as_ref()
            .or(file.web_config_file.as_ref());
        let web = web.map(|path| WebFile::read(path)).transpose()?;
        warnings.extend(web.iter().flat_map(|web| web.config.warnings.clone()));
        Ok(Self {
            allowed_hosts: host::allowed(cli, allow_hosts, dashboard.as_ref())?,
            cors_origins,
            external_url: dashboard,
            web,
            black_box: black_box::check(&file.black_box)?,
            history: history::check(&file.history)?,
            remote_write: remote_write::check(&file.remote_write)?,
            alerts,
            warnings,
            clusters,
            address: SocketAddr::new(address, cli.api_port.or(file.api_port).unwrap_or(8080)),
            interval: cli.interval.or(interval).unwrap_or(Duration::from_secs(5)),
            data_dir: data_dir.unwrap_or_else(default_data_dir),
        })
    }
}

fn default_data_dir() -> PathBuf {
    "etcd-monitor-data".into()
}

/// Checked alerting, and what is worth a warning.
fn alerts(
    cli: &Cli,
    file: &ConfigFile,
    clusters: &[ClusterConfig],
    dashboard: Option<&Url>,
) -> Result<(AlertsConfig, Vec<String>), Remark> {
    let mut secrets = Secrets::of(cli.config.as_deref());
    let own = clusters.iter().zip(&file.clusters);
    let around = Surroundings {
        clusters: &own
            .map(|(cluster, file)| (cluster.name.clone(), &file.alerts))
            .collect::<Vec<_>>(),
        webhook: webhook_url(cli, file, &mut secrets)?,
        links: dashboard.cloned().map(MessageLinks::to).unwrap_or_default(),
    };
    let checked = alerts::check(&file.alerts, &around, &mut secrets)?;
    let place = |warning: Remark| match &cli.config {
        Some(path) if warning.has_place() => format!("{}: {warning}", path.display()),
        _ => warning.to_string(),
    };
    Ok((
        checked,
        secrets.into_warnings().into_iter().map(place).collect(),
    ))
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
    let text = read_text(path).map_err(wrong)?;
    KnownVersions::parse(&text).map_err(|error| wrong(error.to_string()))
}

/// The webhook's URL: from the command line or its file, else from the configuration file or the file it names.
fn webhook_url(
    cli: &Cli,
    file: &ConfigFile,
    secrets: &mut Secrets,
) -> Result<Option<SecretString>, Remark> {
    if let Some(path) = &cli.webhook_url_file {
        return secrets.in_file("--webhook-url-file", path).map(Some);
    }
    if let Some(url) = &cli.webhook_url {
        return Ok(Some(url.clone()));
    }
    let (url, url_file) = (&file.webhook_url, &file.webhook_url_file);
    secrets.read(&Written::new("webhook_url", url, url_file))
}

#[cfg(test)]
mod tests;
