//! Configuration: what the command line, the environment and the file say, made one and checked.

pub(crate) mod duration;
mod environment;
mod file;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use etcd_monitor_core::{
    ClientOptions, Credentials, Endpoint, MetricsUrl, Parameters, Password, TlsOptions,
};
use etcd_monitor_model::ClusterName;

use crate::cli::Cli;
use file::{ClusterFile, ConfigFile};

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
    /// Webhook that receives each alert.
    pub webhook_url: Option<String>,
}

/// A checked cluster.
#[derive(Debug)]
pub struct ClusterConfig {
    /// Its name, unique among the clusters.
    pub name: ClusterName,
    /// Its endpoints, at least one.
    pub endpoints: Vec<Endpoint>,
    /// Whether its other members are looked for.
    pub discover: bool,
    /// TLS and credentials.
    pub client: ClientOptions,
    /// Thresholds.
    pub parameters: Parameters,
}

impl Config {
    /// Reads the file, if one is named, lays variables and flags over it, and checks the whole.
    pub fn load(cli: &Cli) -> Result<Self, ConfigError> {
        environment::warn_of_unknown_variables(std::env::vars().map(|(name, _)| name));
        let file = cli
            .config
            .as_deref()
            .map(file::read)
            .transpose()?
            .unwrap_or_default();
        Self::merge(cli, file)
    }

    fn merge(cli: &Cli, mut file: ConfigFile) -> Result<Self, ConfigError> {
        let external = cli.external_url.clone().or(file.external_url);
        let mut allowed_hosts = file.allow_hosts;
        allowed_hosts.extend(cli.allow_host.iter().cloned());
        allowed_hosts.extend(external.as_deref().map(external_host).transpose()?);
        let interval = file.interval.as_deref().map(duration::interval).transpose();
        let interval = interval.map_err(|error| ConfigError::new(format!("interval: {error}")))?;
        let address = cli
            .listen
            .or(file.listen)
            .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        Ok(Self {
            clusters: clusters(cli, std::mem::take(&mut file.clusters))?,
            address: SocketAddr::new(address, cli.api_port.or(file.api_port).unwrap_or(8080)),
            allowed_hosts,
            interval: cli.interval.or(interval).unwrap_or(Duration::from_secs(5)),
            data_dir: cli
                .data_dir
                .clone()
                .or(file.data_dir)
                .unwrap_or_else(|| "etcd-monitor-data".into()),
            webhook_url: cli.webhook_url.clone().or(file.webhook_url),
        })
    }
}

fn external_host(url: &str) -> Result<String, ConfigError> {
    let parsed = url::Url::parse(url).map_err(|error| {
        ConfigError::new(format!(
            "--external-url {url:?} is not a URL ({error}); for example https://etcd.example/"
        ))
    })?;
    let host = parsed.host_str().map(str::to_owned);
    host.ok_or_else(|| {
        ConfigError::new(format!(
            "--external-url {url:?} has no host; for example https://etcd.example/"
        ))
    })
}

/// The clusters of the file, with the flags laid over the only one of them; or the one that the flags describe.
fn clusters(cli: &Cli, mut in_file: Vec<ClusterFile>) -> Result<Vec<ClusterConfig>, ConfigError> {
    if in_file.len() > 1 && file::names_a_cluster(cli) {
        return Err(ConfigError::new(format!(
            "cluster flags (--endpoints, --cacert, --user, ...) do not say which of the {} clusters of the file they mean; put them into the file",
            in_file.len()
        )));
    }
    if in_file.is_empty() {
        in_file.push(ClusterFile::default());
    }
    if let [only] = in_file.as_mut_slice() {
        only.lay_over(cli);
    }
    let clusters: Vec<ClusterConfig> = in_file
        .into_iter()
        .map(ClusterConfig::check)
        .collect::<Result<_, _>>()?;
    let mut names: Vec<&ClusterName> = clusters.iter().map(|cluster| &cluster.name).collect();
    names.sort();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(ConfigError::new(format!(
            "clusters: two are named {:?}; names must differ",
            pair[0].as_str()
        ))),
        None => Ok(clusters),
    }
}

impl ClusterConfig {
    fn check(file: ClusterFile) -> Result<Self, ConfigError> {
        let name = file.name.clone().unwrap_or_else(|| "default".to_owned());
        let at =
            |error: &dyn std::fmt::Display| ConfigError::new(format!("cluster {name:?}: {error}"));
        file.check_files().map_err(|error| at(&error))?;
        let tls_named = file.cacert.is_some() || file.cert.is_some() || file.server_name.is_some();
        let named = if file.endpoints.is_empty() {
            vec!["127.0.0.1:2379".to_owned()]
        } else {
            file.endpoints.clone()
        };
        let endpoints: Vec<Endpoint> = named
            .iter()
            .map(|endpoint| Endpoint::parse(endpoint, tls_named))
            .collect::<Result<_, _>>()
            .map_err(|error| at(&error))?;
        let mut client = ClientOptions::default();
        client.tls = (tls_named || endpoints.iter().any(Endpoint::is_tls)).then(|| file.tls());
        client.credentials = file.credentials().map_err(|error| at(&error))?;
        let metrics_url = file
            .metrics_url
            .as_deref()
            .map(MetricsUrl::parse)
            .transpose();
        client.metrics_url = metrics_url.map_err(|error| at(&error))?;
        Ok(Self {
            name: ClusterName::new(checked_name(&name)?),
            endpoints,
            discover: file.discover.unwrap_or(true),
            client,
            parameters: file.parameters,
        })
    }
}

fn checked_name(name: &str) -> Result<&str, ConfigError> {
    let fits = (1..=64).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    fits.then_some(name).ok_or_else(|| {
        ConfigError::new(format!(
            "cluster name {name:?}: use 1 to 64 characters without control characters"
        ))
    })
}

impl ClusterFile {
    fn tls(&self) -> TlsOptions {
        let mut tls = TlsOptions::default();
        tls.ca_file.clone_from(&self.cacert);
        tls.cert_file.clone_from(&self.cert);
        tls.key_file.clone_from(&self.key);
        tls.server_name.clone_from(&self.server_name);
        tls
    }

    fn credentials(&self) -> Result<Option<Credentials>, ConfigError> {
        match (&self.user, &self.password_file) {
            (None, None) => Ok(None),
            (Some(user), Some(file)) => Ok(Some(Credentials {
                user: user.clone(),
                password: Password::File(file.clone()),
            })),
            (Some(_), None) => Err(ConfigError::new("user is given without password_file")),
            (None, Some(_)) => Err(ConfigError::new("password_file is given without user")),
        }
    }
}

#[cfg(test)]
mod tests;
