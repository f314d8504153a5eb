//! Finds out who asks.

use axum::http::HeaderMap;
use secrecy::SecretString;

use super::attempts::Client;
use super::credentials::{self, Credentials};
use super::passwords::{Login, PasswordError};
use super::policy::Policy;
use super::refusal::Refusal;
use super::sessions::Subject;
use super::{Access, Caller, Via};
use crate::connection::ClientCertificate;

/// What is known of a request beside its headers.
pub(crate) struct Origin<'a> {
    pub(crate) client: Client,
    pub(crate) certificate: Option<&'a ClientCertificate>,
}

impl Access {
    /// Who sends a request. What it says in `Authorization` counts before a cookie, and that before a certificate.
    pub(super) async fn caller(
        &self,
        policy: &Policy,
        headers: &HeaderMap,
        from: &Origin<'_>,
    ) -> Result<Caller, Refusal> {
        if !policy.authenticates {
            return Ok(self.everybody());
        }
        match credentials::of(headers) {
            Some(Credentials::Basic(login)) => {
                let subject = self.user(policy, login, from.client).await?;
                policy.caller(&subject, Via::Basic).ok_or(Refusal::Wrong)
            }
            Some(Credentials::Bearer(token)) => {
                let subject = self.token(policy, &token, from.client)?;
                policy.caller(&subject, Via::Token).ok_or(Refusal::Wrong)
            }
            Some(Credentials::Unreadable) => Err(Refusal::Wrong),
            None => self
                .holder_of_session(policy, headers)
                .or_else(|| policy.holder(from.certificate?))
                .ok_or(Refusal::Unknown),
        }
    }

    /// The user of a login that is right.
    pub(super) async fn user(
        &self,
        policy: &Policy,
        login: Login,
        client: Client,
    ) -> Result<Subject, Refusal> {
        let (name, expected) = (login.user.clone(), policy.expected(&login.user));
        let hash = expected.hash.clone();
        let checked = self
            .0
            .passwords
            .check(login, expected, &self.0.failures, client);
        checked.await?;
        hash.map(|hash| Subject::User { name, hash })
            .ok_or(Refusal::Wrong)
    }

    /// For whom a token stands. A wrong one counts as a failure.
    pub(super) fn token(
        &self,
        policy: &Policy,
        token: &SecretString,
        client: Client,
    ) -> Result<Subject, Refusal> {
        if let Some(subject) = policy.subject_of(token) {
            return Ok(subject);
        }
        let counted = self.0.failures.count(client);
        counted.map_err(PasswordError::TooOften)?;
        Err(Refusal::Wrong)
    }

    fn holder_of_session(&self, policy: &Policy, headers: &HeaderMap) -> Option<Caller> {
        let scope = self.cookie(policy);
        let ids = scope.ids(headers);
        let mut subjects = ids.into_iter().filter_map(|id| self.0.sessions.find(id));
        subjects.find_map(|subject| policy.caller(&subject, Via::Cookie))
    }
}
