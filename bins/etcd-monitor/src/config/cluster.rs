//! The clusters: what the file and the flags say of them, checked.

use std::path::PathBuf;
use std::time::Duration;

use etcd_monitor_core::{
    CanaryOptions, ClientOptions, ConsistencyOptions, Credentials, Endpoint, KnownVersions,
    MetricsUrl, Parameters, Password, ProbeOptions, TlsOptions,
};
use etcd_monitor_model::ClusterName;

use super::file::{CanaryFile, ClusterFile, names_a_cluster};
use super::{ConfigError, duration};
use crate::cli::ConnectionArgs;

/// A checked cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterConfig {
    /// Its name, unique among the clusters.
    pub name: ClusterName,
    /// Its endpoints, at least one.
    pub endpoints: Vec<Endpoint>,
    /// Whether its other members are looked for.
    pub discover: bool,
    /// TLS and credentials.
    pub client: ClientOptions,
    /// Time between two looks at the certificates of one member; `None`: the default.
    pub trust_interval: Option<Duration>,
    /// When the members' data is compared by HashKV; `None`: never.
    pub consistency: Option<ConsistencyOptions>,
    /// What is written and watched; `None`: nothing.
    pub canary: Option<CanaryOptions>,
    /// Thresholds.
    pub parameters: Parameters,
}

impl ClusterConfig {
    /// The one cluster that the flags alone describe.
    pub fn of(connection: &ConnectionArgs) -> Result<Self, ConfigError> {
        let mut described = ClusterFile::default();
        described.lay_over(connection);
        check(&described)
    }

    /// How to probe it at this interval, without a canary.
    pub(crate) fn probe_options(&self, interval: Duration) -> ProbeOptions {
        let mut options = ProbeOptions::new(self.name.as_str(), self.endpoints.clone());
        options.interval = interval;
        options.discover = self.discover;
        if let Some(interval) = self.trust_interval {
            options.trust_interval = interval;
        }
        options.consistency.clone_from(&self.consistency);
        options.client = self.client.clone();
        options
    }
}

/// The clusters of the file, with the flags laid over the only one of them; or the one that the flags describe.
pub(super) fn check_all(
    connection: &ConnectionArgs,
    in_file: &mut Vec<ClusterFile>,
    known_versions: Option<&KnownVersions>,
) -> Result<Vec<ClusterConfig>, ConfigError> {
    if in_file.len() > 1 && names_a_cluster(connection) {
        return Err(ConfigError::new(format!(
            "cluster flags (--endpoints, --cacert, --user, ...) do not say which of the {} clusters of the file they mean; put them into the file",
            in_file.len()
        )));
    }
    if in_file.is_empty() {
        in_file.push(ClusterFile::default());
    }
    if let [only] = in_file.as_mut_slice() {
        only.lay_over(connection);
    }
    let clusters = in_file.iter().map(check);
    let mut clusters: Vec<ClusterConfig> = clusters.collect::<Result<_, _>>()?;
    all_different(&clusters)?;
    if let Some(known) = known_versions {
        for cluster in &mut clusters {
            cluster.parameters.known_versions.clone_from(known);
        }
    }
    Ok(clusters)
}

fn all_different(clusters: &[ClusterConfig]) -> Result<(), ConfigError> {
    let mut names: Vec<&str> = clusters
        .iter()
        .map(|cluster| cluster.name.as_str())
        .collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(ConfigError::new(format!(
            "clusters: two are named {:?}; names must differ",
            pair[0]
        ))),
        None => Ok(()),
    }
}

fn check(file: &ClusterFile) -> Result<ClusterConfig, ConfigError> {
    let name = file.name.as_deref().unwrap_or("default");
    checked(file, name).map_err(|error| ConfigError::new(format!("cluster {name:?}: {error}")))
}

fn checked(file: &ClusterFile, name: &str) -> Result<ClusterConfig, String> {
    check_name(name)?;
    file.check_files()?;
    file.parameters.check()?;
    let endpoints = endpoints(file)?;
    Ok(ClusterConfig {
        name: ClusterName::new(name),
        discover: file.discover.unwrap_or(true),
        client: client_options(file, endpoints.iter().any(Endpoint::is_tls))?,
        trust_interval: trust_interval(file)?,
        consistency: consistency(file)?,
        canary: file.canary.as_ref().map(canary).transpose()?,
        parameters: file.parameters.clone(),
        endpoints,
    })
}

fn trust_interval(file: &ClusterFile) -> Result<Option<Duration>, String> {
    let interval = file.trust_interval.as_deref().map(duration::interval);
    interval
        .transpose()
        .map_err(|error| format!("trust_interval: {error}"))
}

/// Off only where that is written: a member that silently holds other data is found by nothing else.
fn consistency(file: &ClusterFile) -> Result<Option<ConsistencyOptions>, String> {
    let mut options = ConsistencyOptions::default();
    match file.hashkv_interval.as_deref() {
        Some("off") => return Ok(None),
        Some(text) => {
            let interval = duration::seldom(text);
            options.interval = interval.map_err(|error| format!("hashkv_interval: {error}"))?;
        }
        None => {}
    }
    Ok(Some(options))
}

/// Longest key of a canary in bytes: it is one small key.
const CANARY_KEY_MAX: usize = 512;

fn canary(file: &CanaryFile) -> Result<CanaryOptions, String> {
    let fits = (1..=CANARY_KEY_MAX).contains(&file.key.len());
    if !fits || file.key.chars().any(char::is_control) {
        return Err(format!(
            "canary.key: a key has 1 to {CANARY_KEY_MAX} bytes without control characters; for example etcd-monitor/canary"
        ));
    }
    let mut options = CanaryOptions::new(&file.key);
    if let Some(interval) = &file.interval {
        let interval = duration::interval(interval);
        options.interval = interval.map_err(|error| format!("canary.interval: {error}"))?;
    }
    Ok(options)
}

fn check_name(name: &str) -> Result<(), String> {
    let fits = (1..=64).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    let wrong = || "a name has 1 to 64 characters without control characters".to_owned();
    fits.then_some(()).ok_or_else(wrong)
}

fn endpoints(file: &ClusterFile) -> Result<Vec<Endpoint>, String> {
    let default = vec!["127.0.0.1:2379".to_owned()];
    let named = if file.endpoints.is_empty() {
        &default
    } else {
        &file.endpoints
    };
    let parse =
        |text: &String| Endpoint::parse(text, file.names_tls()).map_err(|error| error.to_string());
    named.iter().map(parse).collect()
}

fn client_options(file: &ClusterFile, any_tls: bool) -> Result<ClientOptions, String> {
    let mut options = ClientOptions::default();
    options.tls = (file.names_tls() || any_tls)
        .then(|| tls(file))
        .transpose()?;
    options.credentials = credentials(file)?;
    let metrics_url = file
        .metrics_url
        .as_deref()
        .map(MetricsUrl::parse)
        .transpose();
    options.metrics_url = metrics_url.map_err(|error| error.to_string())?;
    Ok(options)
}

fn tls(file: &ClusterFile) -> Result<TlsOptions, String> {
    if file.cert.is_some() != file.key.is_some() {
        return Err("cert and key belong together: give both or none".to_owned());
    }
    let mut tls = TlsOptions::default();
    tls.ca_file.clone_from(&file.cacert);
    tls.cert_file.clone_from(&file.cert);
    tls.key_file.clone_from(&file.key);
    tls.server_name.clone_from(&file.server_name);
    Ok(tls)
}

fn credentials(file: &ClusterFile) -> Result<Option<Credentials>, String> {
    let with = |user: &String, path: &PathBuf| Credentials {
        user: user.clone(),
        password: Password::File(path.clone()),
    };
    match (&file.user, &file.password_file) {
        (None, None) => Ok(None),
        (Some(user), Some(path)) => Ok(Some(with(user, path))),
        (Some(_), None) => Err("user is given without password_file".to_owned()),
        (None, Some(_)) => Err("password_file is given without user".to_owned()),
    }
}
