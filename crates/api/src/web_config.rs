//! The web configuration file: TLS, who may ask, response headers and the rate limit.
//!
//! Every file of the Prometheus exporter-toolkit is read; `tokens` and `roles` are additions of ours.

mod headers;
mod place;
mod tls;
mod written;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_saphyr::Spanned;

use crate::access::{PasswordHash, Role, TokenHash};
use crate::tls::{ClientAuth, Pem, TlsSettings};
use crate::yaml::parse_yaml;
pub use place::WebConfigError;
use place::wrong;
use written::{RateLimitFile, TokenFile, WebConfigFile};

/// Users that a file may name.
const USERS_MAX: usize = 1_000;

/// Tokens that a file may name: each request with one is compared with all of them.
const TOKENS_MAX: usize = 256;

/// Longest name of a user, a token or a certificate.
const NAME_CHARS_MAX: usize = 128;

/// A checked web configuration file.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WebConfig {
    /// TLS; `None`: plain HTTP.
    pub tls: Option<TlsSettings>,
    /// Whether HTTP/2 is spoken with clients that ask for it in the TLS handshake.
    pub http2: bool,
    /// What is worth a warning, with its place in the file.
    pub warnings: Vec<String>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) users: BTreeMap<String, PasswordHash>,
    pub(crate) tokens: Vec<Token>,
    pub(crate) roles: BTreeMap<String, Role>,
    pub(crate) rate_limit: Option<RateLimit>,
}

/// A token that is known by its hash.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) hash: TokenHash,
    pub(crate) expires_at: Option<Timestamp>,
}

/// How many requests a client may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RateLimit {
    /// Between two requests, on average.
    pub(crate) interval: Duration,
    /// How many may come at once.
    pub(crate) burst: NonZeroU32,
}

impl Default for WebConfig {
    fn default() -> Self {
        Self {
            tls: None,
            http2: true,
            warnings: Vec::new(),
            headers: Vec::new(),
            users: BTreeMap::new(),
            tokens: Vec::new(),
            roles: BTreeMap::new(),
            rate_limit: None,
        }
    }
}

impl WebConfig {
    /// Reads the text of a file; names of files in it are relative to `folder`. The files themselves are not read.
    ///
    /// # Errors
    /// What is wrong, with line and column, and what was most likely meant.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, WebConfigError> {
        let file: WebConfigFile = parse_yaml(text, |_| None)?;
        let mut warnings = Vec::new();
        let http = file.http_server_config.unwrap_or_default();
        let users = users(file.basic_auth_users.unwrap_or_default(), &mut warnings)?;
        let tls = file.tls_server_config;
        let config = Self {
            tls: tls
                .map(|tls| tls::settings(&tls, folder))
                .transpose()?
                .flatten(),
            http2: http.http2.unwrap_or(true),
            headers: headers::checked(http.headers.unwrap_or_default())?,
            users,
            tokens: tokens(&file.tokens.unwrap_or_default(), &mut warnings)?,
            roles: roles(file.roles.unwrap_or_default())?,
            rate_limit: file.rate_limit.map(rate_limit).transpose()?.flatten(),
            warnings,
        };
        Ok(config.with_warnings_of_the_whole())
    }

    /// True when callers have to say who they are.
    pub fn authenticates(&self) -> bool {
        self.names_callers() || self.verifies_clients()
    }

    /// True when the file itself holds what others should not read.
    pub fn holds_secrets(&self) -> bool {
        let key = self.tls.as_ref().map(|tls| &tls.key);
        let has_key = matches!(key, Some(Pem::Inline(_)));
        self.names_callers() || has_key
    }

    fn names_callers(&self) -> bool {
        !self.users.is_empty() || !self.tokens.is_empty()
    }

    /// The names of users and tokens, with their roles.
    pub fn callers(&self) -> Vec<(&str, Role)> {
        let users = self.users.keys();
        let users = users.map(|name| (name.as_str(), self.role_of(name)));
        let tokens = self.tokens.iter();
        users
            .chain(tokens.map(|token| (token.name.as_str(), token.role)))
            .collect()
    }

    /// True when client certificates are checked against a CA.
    pub(crate) fn verifies_clients(&self) -> bool {
        let verifying = [ClientAuth::VerifyIfGiven, ClientAuth::RequireAndVerify];
        let tls = self.tls.as_ref();
        tls.is_some_and(|tls| verifying.contains(&tls.client_auth))
    }

    /// The role of a user; viewer where the file says nothing else.
    pub(crate) fn role_of(&self, user: &str) -> Role {
        self.roles.get(user).copied().unwrap_or(Role::Viewer)
    }

    fn with_warnings_of_the_whole(mut self) -> Self {
        if self.names_callers() && self.tls.is_none() {
            let what = "passwords and tokens travel in plain HTTP: add tls_server_config, or let a proxy before this server speak TLS";
            self.warnings.push(what.to_owned());
        }
        if !self.verifies_clients() {
            let unknown = self
                .roles
                .keys()
                .filter(|name| !self.users.contains_key(*name));
            let unknown =
                unknown.map(|name| format!("roles: {name:?} is no user of basic_auth_users"));
            self.warnings.extend(unknown.collect::<Vec<_>>());
        }
        self
    }
}

fn users(
    written: BTreeMap<String, Spanned<written::Secret>>,
    warnings: &mut Vec<String>,
) -> Result<BTreeMap<String, PasswordHash>, WebConfigError> {
    let mut users = BTreeMap::new();
    for (name, secret) in written {
        let of_user = |error: String| wrong(&secret, format!("user {name:?}: {error}"));
        check_name(&name).map_err(of_user)?;
        if name.contains(':') {
            return Err(of_user(
                "a colon ends the name in HTTP; choose one without".to_owned(),
            ));
        }
        if users.len() == USERS_MAX {
            return Err(wrong(
                &secret,
                format!("there are more than {USERS_MAX} users"),
            ));
        }
        let hash = PasswordHash::parse(secret.value.expose_secret()).map_err(of_user)?;
        if let Some(weak) = hash.weakness() {
            warnings.push(of_user(weak).to_string());
        }
        users.insert(name, hash);
    }
    Ok(users)
}

fn tokens(written: &[TokenFile], warnings: &mut Vec<String>) -> Result<Vec<Token>, WebConfigError> {
    let mut tokens: Vec<Token> = Vec::new();
    for token in written {
        let name = &token.name;
        check_name(name.value.as_str()).map_err(|error| wrong(name, error))?;
        if tokens.iter().any(|known| known.name == name.value) {
            return Err(wrong(
                name,
                format!("two tokens are named {:?}", name.value),
            ));
        }
        if tokens.len() == TOKENS_MAX {
            return Err(wrong(
                name,
                format!("there are more than {TOKENS_MAX} tokens"),
            ));
        }
        let token = checked(token)?;
        if token.expires_at.is_some_and(|at| at <= Timestamp::now()) {
            let what = format!("token {:?} has expired", name.value);
            warnings.push(wrong(name, what).to_string());
        }
        tokens.push(token);
    }
    Ok(tokens)
}

fn checked(token: &TokenFile) -> Result<Token, WebConfigError> {
    let hash = TokenHash::parse(token.hash.value.expose_secret());
    let expires_at = token.expires_at.as_ref().map(|at| {
        at.value.parse::<Timestamp>().map_err(|_| {
            wrong(
                at,
                format!(
                    "expires_at {:?} is no time; for example 2030-12-31T00:00:00Z",
                    at.value
                ),
            )
        })
    });
    Ok(Token {
        name: token.name.value.clone(),
        role: token.role.value,
        hash: hash.map_err(|error| wrong(&token.hash, error))?,
        expires_at: expires_at.transpose()?,
    })
}

fn roles(
    written: BTreeMap<String, Spanned<Role>>,
) -> Result<BTreeMap<String, Role>, WebConfigError> {
    if written.len() > 2 * USERS_MAX {
        return Err(WebConfigError::new(format!(
            "roles: there are more than {}",
            2 * USERS_MAX
        )));
    }
    let checked = |(name, role): (String, Spanned<Role>)| {
        check_name(&name).map_err(|error| wrong(&role, error))?;
        Ok((name, role.value))
    };
    written.into_iter().map(checked).collect()
}

fn rate_limit(written: RateLimitFile) -> Result<Option<RateLimit>, WebConfigError> {
    let Some(interval) = written.interval else {
        return Ok(None);
    };
    let interval_of = written::duration(&interval.value);
    let pause = interval_of.map_err(|error| wrong(&interval, error))?;
    if pause.is_zero() {
        return Ok(None);
    }
    let burst = written.burst.and_then(NonZeroU32::new);
    let burst = burst.ok_or_else(|| {
        let what = "burst must be at least 1: with none, every request would be refused";
        wrong(&interval, what)
    })?;
    Ok(Some(RateLimit {
        interval: pause,
        burst,
    }))
}

/// A name stands in headers of the log and on the page: no control characters, not empty, not endless.
fn check_name(name: &str) -> Result<(), String> {
    if is_sane_name(name) {
        return Ok(());
    }
    Err(format!(
        "a name has 1 to {NAME_CHARS_MAX} characters and no control characters"
    ))
}

/// Whether something may be the name of a caller. What is not is nobody's name, whoever signed it.
pub(crate) fn is_sane_name(name: &str) -> bool {
    let chars = name.chars().count();
    (1..=NAME_CHARS_MAX).contains(&chars) && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests;
