//! The configuration file (YAML). Unknown keys are errors with line, column and a suggestion.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use etcd_monitor_core::Parameters;
use serde::Deserialize;

use super::ConfigError;
use crate::cli::Cli;

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
    pub(super) interval: Option<String>,
    pub(super) data_dir: Option<PathBuf>,
    pub(super) webhook_url: Option<String>,
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
    pub(super) parameters: Parameters,
}

impl ClusterFile {
    /// Lays what the command line and the environment say over what the file says.
    pub(super) fn lay_over(&mut self, cli: &Cli) {
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
pub(super) fn names_a_cluster(cli: &Cli) -> bool {
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
    let cannot = |error: &dyn std::fmt::Display| {
        ConfigError::new(format!(
            "cannot read the configuration file {}: {error}",
            path.display()
        ))
    };
    let bytes = std::fs::metadata(path)
        .map_err(|error| cannot(&error))?
        .len();
    if bytes > FILE_BYTES_MAX {
        return Err(cannot(&format!(
            "{bytes} bytes are more than the {FILE_BYTES_MAX} that a configuration may have"
        )));
    }
    let text = std::fs::read_to_string(path).map_err(|error| cannot(&error))?;
    parse(&text).map_err(|error| ConfigError::new(format!("{}: {error}", path.display())))
}

/// Parses a file's text; an empty one is a file with no keys.
pub(super) fn parse(text: &str) -> Result<ConfigFile, ConfigError> {
    if text
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
    {
        return Ok(ConfigFile::default());
    }
    serde_saphyr::from_str(text).map_err(|error| {
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
    let known = known.trim_start_matches("one of ").split(", ");
    nearest(written, known.map(|name| name.trim_matches('`')))
}

/// The name most like a written one, if any is like it at all.
pub(super) fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |name: &str| strsim::jaro_winkler(written, name);
    let best = known.max_by(|left, right| likeness(left).total_cmp(&likeness(right)))?;
    (likeness(best) > 0.8).then_some(best)
}
