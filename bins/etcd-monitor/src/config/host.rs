//! The host names that the server answers to.

use super::ConfigError;
use crate::cli::Cli;

/// The names of the file and of the flags, and the external URL's host.
pub(super) fn allowed(
    cli: &Cli,
    in_file: Vec<String>,
    external_in_file: Option<String>,
) -> Result<Vec<String>, ConfigError> {
    let mut names = in_file;
    names.extend(cli.allow_host.iter().cloned());
    if let Some(wrong) = names.iter().find(|name| !is_name(name)) {
        return Err(ConfigError::new(format!(
            "--allow-host {wrong:?} is not a host name; for example etcd.example (no scheme, port or wildcard)"
        )));
    }
    let external = cli.external_url.clone().or(external_in_file);
    names.extend(external.as_deref().map(external_host).transpose()?);
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

fn external_host(url: &str) -> Result<String, ConfigError> {
    let wrong = |reason: &str| {
        ConfigError::new(format!(
            "--external-url {url:?} {reason}; for example https://etcd.example/"
        ))
    };
    let parsed = url::Url::parse(url).map_err(|error| wrong(&format!("is not a URL ({error})")))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(wrong("is neither http nor https"));
    }
    parsed
        .host_str()
        .map(str::to_owned)
        .ok_or_else(|| wrong("has no host"))
}
