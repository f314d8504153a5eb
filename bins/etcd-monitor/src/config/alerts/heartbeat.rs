//! The sign of life, as written and checked.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use crate::config::duration;
use crate::config::place::{At, Remark};
use crate::config::secret::{Secrets, Written};

/// A service that expects a call each minute notices within two that none came.
const INTERVAL_DEFAULT: Duration = Duration::from_mins(1);

/// A heartbeat as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HeartbeatFile {
    url: Option<At<SecretString>>,
    url_file: Option<At<PathBuf>>,
    interval: Option<At<String>>,
}

/// A checked heartbeat.
#[derive(Debug, Clone)]
pub struct HeartbeatConfig {
    /// What is called.
    pub url: SecretString,
    /// How often.
    pub interval: Duration,
}

/// `None` where it is off.
pub(super) fn check(
    file: Option<&At<HeartbeatFile>>,
    secrets: &mut Secrets,
) -> Result<Option<HeartbeatConfig>, Remark> {
    let Some(file) = file else { return Ok(None) };
    let url = secrets.read(&Written::new("url", &file.url, &file.url_file))?;
    let interval = file.interval.as_ref();
    let interval = interval.map(|text| text.parsed_as("interval", duration::interval));
    Ok(Some(HeartbeatConfig {
        url: url.ok_or_else(|| file.remark("a heartbeat needs url_file"))?,
        interval: interval.transpose()?.unwrap_or(INTERVAL_DEFAULT),
    }))
}
