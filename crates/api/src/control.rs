//! What the API may ask of the daemon that it is a part of.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// The daemon, as far as the API steers it.
#[async_trait]
pub trait Control: Send + Sync {
    /// How the configuration stands.
    fn configuration(&self) -> ConfigurationStatus;

    /// Reads the configuration again and applies it as a whole, or says why not; then nothing has changed. Once begun it
    /// is done to the end, also where nobody waits for it any more.
    async fn reload(&self) -> Result<(), ReloadError>;
}

/// How the configuration stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct ConfigurationStatus {
    /// The file; `None` where flags and variables say everything.
    pub file: Option<String>,
    /// When what holds now was read.
    pub loaded_at: Timestamp,
    /// Whether there is a file to read again.
    pub reloadable: bool,
    /// The last time it was to be read again; `None`: never since the start.
    pub last_reload: Option<Reload>,
    /// What is worth a warning in what holds now.
    pub warnings: Vec<String>,
    /// Clusters that are watched.
    pub clusters: usize,
    /// The web configuration file, where there is one.
    pub web_configuration_file: Option<String>,
    /// Why what this file says now is not applied, so that what it said before goes on; `None`: it is, or there is none.
    pub web_configuration_error: Option<String>,
    /// Settings of both files that have changed since the start and that only a restart changes.
    pub needs_restart: Vec<String>,
}

/// One time that the configuration was to be read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reload {
    /// When.
    pub at: Timestamp,
    /// Whether it was applied.
    pub ok: bool,
    /// Why it was not.
    pub error: Option<String>,
}

/// Why the configuration was not read again. A variant is what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// It has an error, or changes what only a restart changes: correct it.
    #[error("the configuration was not applied, the one before goes on: {0}")]
    Refused(String),
    /// Somebody else has it read at this moment: wait.
    #[error("the configuration is being read again at this moment; ask for its status")]
    UnderWay,
    /// The daemon stops.
    #[error("the daemon stops")]
    Stopping,
}
