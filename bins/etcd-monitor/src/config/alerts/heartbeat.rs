//! The sign of life, as written and checked.

use std::path::PathBuf;

use etcd_monitor_alerting::{
    ConfigError, HeartbeatMethod, HeartbeatOptions, WebhookNotifier, WebhookOptions,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::config::duration;
use crate::config::place::{At, Remark};
use crate::config::secret::{Secrets, Written};

/// A heartbeat as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HeartbeatFile {
    /// URL to call.
    url: Option<At<SecretString>>,
    /// File that holds this URL; for one that is a secret.
    url_file: Option<At<PathBuf>>,
    /// Time between two calls (default 1m).
    interval: Option<At<String>>,
    /// `GET` or `POST`.
    method: Option<At<String>>,
    /// Time that one call may take, 100ms to 5m.
    timeout: Option<At<String>>,
    /// Authority that signed the service's certificate (PEM).
    cacert: Option<At<PathBuf>>,
}

/// `None` where it is off.
pub(super) fn check(
    file: Option<&At<HeartbeatFile>>,
    secrets: &mut Secrets,
) -> Result<Option<HeartbeatOptions>, Remark> {
    let Some(file) = file else { return Ok(None) };
    let url = secrets.read(&Written::new("url", &file.url, &file.url_file))?;
    let mut options = HeartbeatOptions::new(url.ok_or_else(|| file.remark(NEEDS_URL))?);
    if let Some(text) = &file.interval {
        options.period = text.parsed_as("interval", duration::interval)?;
    }
    if let Some(text) = &file.timeout {
        options.http.timeout = text.parsed_as("timeout", duration::timeout)?;
    }
    if let Some(text) = &file.method {
        let known = [
            ("GET", HeartbeatMethod::Get),
            ("POST", HeartbeatMethod::Post),
        ];
        (_, options.method) = text.chosen("method", &known, |(name, _)| name)?;
    }
    options.http.ca_file = file.cacert.as_ref().map(|path| path.value.clone());
    tried(file, &options)?;
    Ok(Some(options))
}

const NEEDS_URL: &str = "a heartbeat needs url_file";

/// Sees that it can be called: in the way in which a webhook is, which needs no running alerting.
fn tried(file: &At<HeartbeatFile>, options: &HeartbeatOptions) -> Result<(), Remark> {
    let mut webhook = WebhookOptions::default();
    webhook.http = options.http.clone();
    let tried = WebhookNotifier::new(options.url.expose_secret(), webhook);
    tried.map(drop).map_err(
        |error| match (&error, &file.cacert, &file.url_file, &file.url) {
            (ConfigError::CaFile { .. }, Some(cacert), ..) => cacert.remark(error),
            (_, _, Some(url_file), _) => url_file.remark(error),
            (_, _, _, Some(url)) => url.remark(error),
            _ => file.remark(error),
        },
    )
}
