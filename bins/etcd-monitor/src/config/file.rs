//! The configuration file (YAML). Unknown keys are errors with line, column and a suggestion.

use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use etcd_monitor_api::parse_yaml;
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
#[allow(clippy::struct_field_names, reason = "the names are those of the keys")]
pub(super) struct ConfigFile {
    /// Address on which dashboard, API and metrics are served.
    pub(super) listen: Option<IpAddr>,
    /// Port on which they are served; 0 takes a free one.
    pub(super) api_port: Option<u16>,
    /// URL under which users reach the dashboard (http or https): messages link to it, and its host is answered too.
    pub(super) external_url: Option<String>,
    /// Further host names to answer to. Addresses and localhost are always answered, any other name is refused with 421.
    pub(super) allow_hosts: Vec<String>,
    /// Origins whose pages may read the answers (CORS), such as `https://portal.example`; none without it.
    pub(super) cors_origins: Vec<String>,
    /// Web configuration file: TLS, users, tokens, roles. Read again when it changes, and on SIGHUP.
    pub(super) web_config_file: Option<PathBuf>,
    /// Time between two probe cycles, 100ms to 1h.
    pub(super) interval: Option<String>,
    /// Folder for everything that is kept; nothing is written outside it.
    pub(super) data_dir: Option<PathBuf>,
    /// What was seen in the last minutes, kept as a recording when something critical begins.
    pub(super) black_box: BlackBoxFile,
    /// The history of every number, in one file.
    pub(super) history: HistoryFile,
    /// Sends every sample also to a Prometheus-compatible store. On where a URL stands.
    pub(super) remote_write: RemoteWriteFile,
    /// What becomes an alert, and who is told. Read again on SIGHUP.
    pub(super) alerts: AlertsFile,
    /// Short form of a channel of type webhook, named webhook.
    pub(super) webhook_url: Option<At<SecretString>>,
    /// File that holds this URL; for one that is a secret.
    pub(super) webhook_url_file: Option<At<PathBuf>>,
    /// Versions of etcd with known defects, in the place of the list that is built in. Read again on SIGHUP.
    pub(super) known_versions_file: Option<PathBuf>,
    /// The clusters to watch; without any, the one that the flags describe. Read again on SIGHUP.
    pub(super) clusters: Vec<ClusterFile>,
}

/// A cluster as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ClusterFile {
    /// Its name, 1 to 64 characters, unique among the clusters.
    pub(super) name: Option<String>,
    /// Client URLs or host:port of its members; one is enough.
    pub(super) endpoints: Vec<String>,
    /// Whether its other members are looked for in the member list.
    pub(super) discover: Option<bool>,
    /// Where members serve `/metrics` when not on the client port, such as `http://{host}:2381`; `{host}` is the host of each member.
    pub(super) metrics_url: Option<String>,
    /// Authority that signed the members' certificates (PEM).
    pub(super) cacert: Option<PathBuf>,
    /// Client certificate with its chain (PEM).
    pub(super) cert: Option<PathBuf>,
    /// Private key of the client certificate (PEM).
    pub(super) key: Option<PathBuf>,
    /// Name to expect in the members' certificates, where it is not the host.
    pub(super) server_name: Option<String>,
    /// User, where etcd asks for one.
    pub(super) user: Option<String>,
    /// File that holds the user's password.
    pub(super) password_file: Option<PathBuf>,
    /// Time between two looks at the certificates of one member, 100ms to 1h.
    pub(super) trust_interval: Option<String>,
    /// Time between two comparisons of all members' data by HashKV, 1m to 31d, or `off`.
    pub(super) hashkv_interval: Option<String>,
    /// Writes a small key under a lease and watches it through every voter, to measure what users meet. On where it stands.
    pub(super) canary: Option<CanaryFile>,
    /// Thresholds.
    pub(super) parameters: Parameters,
    /// Rules that are other for this cluster than what `alerts` says.
    pub(super) alerts: ClusterAlertsFile,
}

/// A canary as written: it is on where it stands.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CanaryFile {
    /// The key that is written, 1 to 512 bytes; its user needs to be allowed to write it.
    pub(super) key: String,
    /// Time between two writes, 100ms to 1h.
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
    parse_yaml(text, elsewhere).map_err(|error| ConfigError::new(error.to_string()))
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
