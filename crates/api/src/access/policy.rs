//! Who may do what, as the file says now.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::attempts::Attempts;
use super::failed_login::TriedUser;
use super::passwords::Expected;
use super::sessions::Subject;
use super::token_hash::{TOKEN_CHARS_MAX, TOKEN_CHARS_MIN};
use super::{Caller, PasswordHash, Role, Via};
use crate::connection::ClientCertificate;
use crate::web_config::{Token, WebConfig};

/// What a check costs where there is no user to take the cost of.
const COST_WITHOUT_USERS: u32 = 10;

/// One reading of the file.
#[derive(Debug)]
pub(crate) struct Policy {
    users: BTreeMap<String, PasswordHash>,
    tokens: Vec<Token>,
    roles: BTreeMap<String, Role>,
    headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) limit: Option<Attempts>,
    /// Callers have to say who they are.
    pub(crate) authenticates: bool,
    pub(crate) over_tls: bool,
}

impl Policy {
    pub(crate) fn of(config: &WebConfig) -> Self {
        let limit = config.rate_limit;
        Self {
            users: config.users.clone(),
            tokens: config.tokens.clone(),
            roles: config.roles.clone(),
            headers: config.headers.clone(),
            limit: limit.and_then(|limit| Attempts::new(limit.interval, limit.burst)),
            authenticates: config.authenticates(),
            over_tls: config.tls.is_some(),
        }
    }

    pub(crate) fn has_users(&self) -> bool {
        !self.users.is_empty()
    }

    /// The user of this name, whose password was tried in vain; `None` where there is none.
    pub(crate) fn tried(&self, user: &str) -> Option<TriedUser> {
        let known = self.users.contains_key(user);
        known.then(|| TriedUser(user.to_owned()))
    }

    /// What a user's password is checked against.
    pub(crate) fn expected(&self, user: &str) -> Expected {
        let costs = self.users.values().map(PasswordHash::cost);
        Expected {
            hash: self.users.get(user).cloned(),
            cost: costs.max().unwrap_or(COST_WITHOUT_USERS),
        }
    }

    /// For whom a token stands. Every token of the file is looked at, so that the time tells nothing.
    pub(crate) fn subject_of(&self, token: &SecretString) -> Option<Subject> {
        let length = token.expose_secret().len();
        if !(TOKEN_CHARS_MIN..=TOKEN_CHARS_MAX).contains(&length) {
            return None;
        }
        let own = self.tokens.iter().filter(|known| known.hash.is_of(token));
        let found = own.fold(None, |found, known| found.or(Some(known)))?;
        is_valid(found).then(|| Subject::Token(found.hash.clone()))
    }

    /// Who this is, where the file still has them.
    pub(crate) fn caller(&self, subject: &Subject, via: Via) -> Option<Caller> {
        match subject {
            Subject::Token(hash) => {
                let known = self.tokens.iter().find(|known| known.hash == *hash);
                let known = known.filter(|known| is_valid(known))?;
                Some(Caller::named(&known.name, known.role, via))
            }
            Subject::User { name, hash } => {
                let known = self.users.get(name).filter(|known| *known == hash);
                known.map(|_| Caller::named(name, self.role_of([name]), via))
            }
        }
    }

    /// Who shows a certificate: the highest role of its names, since its signer vouches for each. `None` where it has
    /// expired, which it may have done since the handshake.
    pub(crate) fn holder(&self, certificate: &ClientCertificate) -> Option<Caller> {
        if certificate.not_after < Timestamp::now() {
            return None;
        }
        let names = certificate.common_name.iter().chain(&certificate.names);
        let role = self.role_of(names.clone());
        let name = names.clone().next().map_or("certificate", String::as_str);
        Some(Caller::named(name, role, Via::Certificate)).filter(|_| self.authenticates)
    }

    fn role_of<'a>(&self, names: impl IntoIterator<Item = &'a String>) -> Role {
        let roles = names.into_iter().filter_map(|name| self.roles.get(name));
        roles.max().copied().unwrap_or(Role::Viewer)
    }

    /// Lays the file's headers over an answer. Its content policy comes beside ours, and browsers hold to both: it can
    /// forbid more, and allow nothing.
    pub(crate) fn add_headers(&self, headers: &mut HeaderMap, own_content_policy: &'static str) {
        for (name, value) in &self.headers {
            if *name == header::CONTENT_SECURITY_POLICY {
                headers.insert(name, HeaderValue::from_static(own_content_policy));
                headers.append(name, value.clone());
            } else {
                headers.insert(name, value.clone());
            }
        }
    }
}

fn is_valid(token: &Token) -> bool {
    token.expires_at.is_none_or(|at| Timestamp::now() < at)
}
