//! The file as written; every key is optional.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::SecretString;
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::access::Role;
use crate::tls::{ClientAuth, TlsVersion};

pub(super) type Secret = SecretString;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WebConfigFile {
    pub(super) tls_server_config: Option<TlsFile>,
    pub(super) http_server_config: Option<HttpFile>,
    pub(super) basic_auth_users: Option<BTreeMap<String, Spanned<Secret>>>,
    pub(super) rate_limit: Option<RateLimitFile>,
    pub(super) tokens: Option<Vec<TokenFile>>,
    pub(super) roles: Option<BTreeMap<String, Spanned<Role>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TlsFile {
    pub(super) cert: Option<Secret>,
    pub(super) key: Option<Secret>,
    pub(super) client_ca: Option<Secret>,
    pub(super) cert_file: Option<PathBuf>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) client_ca_file: Option<PathBuf>,
    pub(super) client_auth_type: Option<Spanned<ClientAuth>>,
    pub(super) client_allowed_sans: Option<Vec<String>>,
    pub(super) min_version: Option<Spanned<TlsVersion>>,
    pub(super) max_version: Option<Spanned<TlsVersion>>,
    pub(super) cipher_suites: Option<Vec<String>>,
    pub(super) curve_preferences: Option<Vec<String>>,
    /// Taken and not used: the server's order always counts.
    pub(super) prefer_server_cipher_suites: Option<Spanned<bool>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HttpFile {
    pub(super) http2: Option<bool>,
    pub(super) headers: Option<BTreeMap<String, Option<Spanned<String>>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RateLimitFile {
    pub(super) interval: Option<Spanned<String>>,
    pub(super) burst: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenFile {
    pub(super) name: Spanned<String>,
    pub(super) role: Spanned<Role>,
    pub(super) hash: Spanned<Secret>,
    #[serde(default)]
    pub(super) expires_at: Option<Spanned<String>>,
}

/// A duration as Go writes it: `1s`, `500ms`, `1h30m`; `0` is none.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    if text.trim() == "0" {
        return Ok(Duration::ZERO);
    }
    let parsed = text.trim().parse::<SignedDuration>().ok();
    let parsed = parsed.and_then(|parsed| Duration::try_from(parsed).ok());
    parsed.ok_or_else(|| {
        format!("{text:?} is no duration; for example 1s, 500ms or 1m30s, and 0 for no limit")
    })
}
