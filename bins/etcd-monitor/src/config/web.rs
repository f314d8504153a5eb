//! The web configuration file, as the daemon finds it.

use std::path::{Path, PathBuf};

use etcd_monitor_api::{PreparedTls, Role, WebConfig};

use super::ConfigError;
use super::file::read_text;
use super::secret::{is_readable_by_all, open_to_all};

/// A web configuration file and what it says.
#[derive(Debug, Clone)]
pub struct WebFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it says; warnings name the file.
    pub config: WebConfig,
    /// Its text, to see when it changes.
    pub(crate) text: WebText,
}

/// The text of a web configuration file. It may hold secrets, and is not printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct WebText(String);

impl std::fmt::Debug for WebText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebText")
    }
}

impl WebText {
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        read_text(path).map(Self).map_err(|error| {
            let path = path.display();
            ConfigError::new(format!(
                "cannot read the web configuration file {path}: {error}"
            ))
        })
    }
}

impl WebFile {
    /// Reads a file and checks it.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        WebText::read(path).and_then(|text| Self::parse(path, text))
    }

    /// Checks the text of a file.
    pub(crate) fn parse(path: &Path, text: WebText) -> Result<Self, ConfigError> {
        let place = |message: &dyn std::fmt::Display| format!("{}: {message}", path.display());
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut config =
            WebConfig::parse(&text.0, folder).map_err(|error| ConfigError::new(place(&error)))?;
        if let Some(tls) = &config.tls {
            PreparedTls::new(tls, config.http2)
                .map_err(|error| ConfigError::new(place(&format!("tls_server_config: {error}"))))?;
        }
        for warning in &mut config.warnings {
            *warning = place(warning);
        }
        if config.holds_secrets() && is_readable_by_all(path) {
            config.warnings.push(open_to_all(path));
        }
        Ok(Self {
            path: path.to_owned(),
            config,
            text,
        })
    }

    /// The settings that differ in `next` and that only a restart changes.
    pub(crate) fn fixed_that_differ(&self, next: &Self) -> Vec<&'static str> {
        let (tls, next_tls) = (&self.config.tls, &next.config.tls);
        let fixed = [
            ("web_config_file", self.path != next.path),
            (
                "tls_server_config (whether TLS is spoken)",
                tls.is_some() != next_tls.is_some(),
            ),
        ];
        let differ = fixed.into_iter().filter(|(_, differs)| *differs);
        differ.map(|(key, _)| key).collect()
    }

    /// Who may do what, for people.
    pub(crate) fn callers(&self) -> Vec<(String, Role)> {
        let callers = self.config.callers().into_iter();
        callers
            .map(|(name, role)| (name.to_owned(), role))
            .collect()
    }
}
