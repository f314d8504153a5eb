//! The configuration file (YAML). Unknown keys are errors with line, column and a suggestion.

use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use etcd_monitor_alerting::nearest;
use etcd_monitor_core::Parameters;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::ConfigError;
use super::alerts::{AlertsFile, ClusterAlertsFile};
use super::black_box::BlackBoxFile;
use super::history::HistoryFile;
use super::place::At;
use super::remote_write::RemoteWriteFile;
use crate::cli::ConnectionArgs;

/// Largest file that is read; one with a thousand clusters has about a tenth.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// The file as written; every key is optional.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ConfigFile {
    pub(super) listen: Option<IpAddr>,
    pub(super) api_port: Option<u16>,
    pub(super) external_url: Option<String>,
    pub(super) allow_hosts: Vec<String>,
    pub(super) cors_origins: Vec<String>,
    pub(super) web_config_file: Option<PathBuf>,
    pub(super) interval: Option<String>,
    pub(super) data_dir: Option<PathBuf>,
    pub(super) black_box: BlackBoxFile,
    pub(super) history: HistoryFile,
    pub(super) remote_write: RemoteWriteFile,
    pub(super) alerts: AlertsFile,
    pub(super) webhook_url: Option<At<SecretString>>,
    pub(super) webhook_url_file: Option<At<PathBuf>>,
    pub(super) known_versions_file: Option<PathBuf>,
    pub(super) clusters: Vec<ClusterFile>,
}

/// A cluster as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ClusterFile {
    pub(super) name: Option<String>,
    pub(super) endpoints: Vec<String>,
    pub(super) discover: Option<bool>,
    pub(super) metrics_url: Option<String>,
    pub(super) cacert: Option<PathBuf>,
    pub(super) cert: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) server_name: Option<String>,
    pub(super) user: Option<String>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) trust_interval: Option<String>,
    pub(super) hashkv_interval: Option<String>,
    pub(super) canary: Option<CanaryFile>,
    pub(super) parameters: Parameters,
    pub(super) alerts: ClusterAlertsFile,
}

/// A canary as written: it is on where it stands.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CanaryFile {
    pub(super) key: String,
    pub(super) interval: Option<String>,
}

impl ClusterFile {
    /// Lays what the command line and the environment say over what the file says.
    pub(super) fn lay_over(&mut self, cli: &ConnectionArgs) {
        if !cli.endpoints.is_empty() {
            self.endpoints.clone_from(&cli.endpoints);
        }
        if cli.no_discover {
            self.discover = Some(false);
        }
        over(&mut self.name, cli.cluster_name.as_ref());
        over(&mut self.metrics_url, cli.metrics_url.as_ref());
        over(&mut self.cacert, cli.cacert.as_ref());
        over(&mut self.cert, cli.cert.as_ref());
        over(&mut self.key, cli.key.as_ref());
        over(&mut self.user, cli.user.as_ref());
        over(&mut self.password_file, cli.password_file.as_ref());
    }

    /// True when a key says something about TLS.
    pub(super) fn names_tls(&self) -> bool {
        self.cacert.is_some()
            || self.cert.is_some()
            || self.key.is_some()
            || self.server_name.is_some()
    }

    /// Sees that every file that is named can be read: a wrong path is wrong configuration, not a fault of etcd.
    pub(super) fn check_files(&self) -> Result<(), String> {
        let named = [
            ("cacert", &self.cacert),
            ("cert", &self.cert),
            ("key", &self.key),
            ("password_file", &self.password_file),
        ];
        for (key, path) in named {
            if let Some(path) = path {
                std::fs::read(path)
                    .map_err(|error| format!("{key} {}: {error}", path.display()))?;
            }
        }
        Ok(())
    }
}

/// True when a flag or variable says something about a cluster.
pub(super) fn names_a_cluster(cli: &ConnectionArgs) -> bool {
    let texts = [&cli.cluster_name, &cli.metrics_url, &cli.user];
    let files = [&cli.cacert, &cli.cert, &cli.key, &cli.password_file];
    !cli.endpoints.is_empty()
        || cli.no_discover
        || texts.iter().any(|text| text.is_some())
        || files.iter().any(|file| file.is_some())
}

fn over<T: Clone>(value: &mut Option<T>, flag: Option<&T>) {
    if let Some(flag) = flag {
        *value = Some(flag.clone());
    }
}

/// Reads and parses a file.
pub(super) fn read(path: &Path) -> Result<ConfigFile, ConfigError> {
    let text = read_text(path).map_err(|error| {
        ConfigError::new(format!(
            "cannot read the configuration file {}: {error}",
            path.display()
        ))
    })?;
    parse(&text).map_err(|error| ConfigError::new(format!("{}: {error}", path.display())))
}

/// Reads a text file of a configuration's size.
pub(crate) fn read_text(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let opened = File::open(path).map_err(|error| error.to_string())?;
    let read = opened.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
    match read.map_err(|error| error.to_string())? as u64 {
        bytes if bytes > FILE_BYTES_MAX => Err(format!(
            "it has more than the {FILE_BYTES_MAX} bytes that a configuration may have"
        )),
        _ => Ok(text),
    }
}

/// Parses a file's text; an empty document is a file with no keys.
pub(super) fn parse(text: &str) -> Result<ConfigFile, ConfigError> {
    parse_as(text)
}

/// Parses a text of some form, with a suggestion where a key is not known.
pub(crate) fn parse_as<T: DeserializeOwned + Default>(text: &str) -> Result<T, ConfigError> {
    // An error shows nothing of the lines around it: there may be a secret among them.
    let options = serde_saphyr::options! { with_snippet: false };
    let parsed = serde_saphyr::from_str_with_options::<Option<T>>(text, options);
    let parsed = parsed.map(Option::unwrap_or_default);
    parsed.map_err(|error| {
        let message = error.to_string();
        let message = message.trim_start_matches("error: ");
        let suggestion = suggestion(message)
            .map(|meant| format!("\nhint: did you mean `{meant}`?"))
            .unwrap_or_default();
        ConfigError::new(format!("{message}{suggestion}"))
    })
}

/// What an "unknown field" message most likely meant. The message names what was written in backquotes, and after
/// "expected" what is known.
fn suggestion(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("unknown field `")?;
    let (written, rest) = rest.split_once('`')?;
    let (_, known) = rest.lines().next()?.split_once("expected ")?;
    let known = known
        .rsplit_once(" at line ")
        .map_or(known, |(names, _)| names);
    let known = known.trim_start_matches("one of ").split(", ");
    let mut known = known.map(|name| name.trim_matches('`'));
    let elsewhere = elsewhere(written).filter(|name| known.clone().any(|known| known == *name));
    elsewhere.or_else(|| nearest(written, &mut known))
}

/// What the configuration of Alertmanager calls by another name.
fn elsewhere(written: &str) -> Option<&'static str> {
    Some(match written {
        "receiver" | "receivers" => "channels",
        "match" | "match_re" => "matchers",
        "mute_time_intervals" => "mute_during",
        "time_intervals" => "maintenance",
        "inhibit_rules" => "inhibit",
        "source_matchers" | "source_match" => "source",
        "target_matchers" | "target_match" => "target",
        "smarthost" => "host",
        "auth_username" | "username" => "user",
        "auth_password" => "password",
        "auth_password_file" => "password_file",
        "api_url_file" => "url_file",
        "service_key" => "routing_key",
        "expr" => "metric",
        _ => return None,
    })
}
