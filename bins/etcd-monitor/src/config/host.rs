//! The host names that the server answers to, and the origins whose pages may read its answers.

use etcd_monitor_api::check_origin;
use url::Url;

use super::ConfigError;
use crate::cli::Cli;

/// Each is compared with that of every request from another page.
const ORIGINS_MAX: usize = 100;

/// The names of the file and of the flags, and the external URL's host.
pub(super) fn allowed(
    cli: &Cli,
    in_file: Vec<String>,
    external: Option<&Url>,
) -> Result<Vec<String>, ConfigError> {
    let mut names = in_file;
    names.extend(cli.allow_host.iter().cloned());
    if let Some(wrong) = names.iter().find(|name| !is_name(name)) {
        return Err(ConfigError::new(format!(
            "--allow-host {wrong:?} is not a host name; for example etcd.example (no scheme, port or wildcard)"
        )));
    }
    names.extend(external.and_then(Url::host_str).map(str::to_owned));
    Ok(names)
}

/// The origins whose pages may read the answers.
pub(super) fn origins(in_file: Vec<String>) -> Result<Vec<String>, ConfigError> {
    if in_file.len() > ORIGINS_MAX {
        return Err(ConfigError::new(format!(
            "cors_origins: at most {ORIGINS_MAX} origins"
        )));
    }
    for origin in &in_file {
        check_origin(origin).map_err(|error| ConfigError::new(format!("cors_origins: {error}")))?;
    }
    Ok(in_file)
}

/// Labels of letters, digits, `-` and `_`, with dots between them.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .chars()
                .all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    };
    name.len() <= 253 && name.trim_end_matches('.').split('.').all(is_label)
}

/// The URL under which users reach the dashboard.
pub(super) fn external(cli: &Cli, in_file: Option<String>) -> Result<Option<Url>, ConfigError> {
    let written = cli.external_url.clone().or(in_file);
    written.as_deref().map(external_url).transpose()
}

fn external_url(url: &str) -> Result<Url, ConfigError> {
    let wrong = |reason: &str| {
        ConfigError::new(format!(
            "--external-url {url:?} {reason}; for example https://etcd.example/"
        ))
    };
    let parsed = Url::parse(url).map_err(|error| wrong(&format!("is not a URL ({error})")))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(wrong("is neither http nor https"));
    }
    match parsed.host_str() {
        Some(_) => Ok(parsed),
        None => Err(wrong("has no host")),
    }
}
