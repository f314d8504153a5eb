//! The host names that the server answers to.

use url::Url;

use super::ConfigError;
use crate::cli::Cli;

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
