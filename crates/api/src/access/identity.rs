//! Finds out who asks.

use axum::http::HeaderMap;
use secrecy::SecretString;

use super::attempts::Client;
use super::credentials::{self, Credentials};
use super::passwords::{Login, PasswordError};
use super::policy::Policy;
use super::refusal::Refusal;
use super::sessions::{Sessions, Subject};
use super::standing::Proof;
use super::{Access, Via};
use crate::connection::ClientCertificate;

/// What is known of a request beside its headers.
pub(crate) struct Origin<'a> {
    pub(crate) client: Client,
    pub(crate) certificate: Option<&'a ClientCertificate>,
}

impl Access {
    /// By what it is known who sends a request. What it says in `Authorization` counts before a cookie, and that before
    /// a certificate.
    pub(super) async fn proof(
        &self,
        policy: &Policy,
        headers: &HeaderMap,
        from: &Origin<'_>,
    ) -> Result<Proof, Refusal> {
        if !policy.authenticates {
            return Ok(Proof::NotAsked);
        }
        match credentials::of(headers) {
            Some(Credentials::Basic(login)) => {
                let user = self.user(policy, login, from.client).await?;
                Ok(Proof::Subject(user, Via::Basic))
            }
            Some(Credentials::Bearer(token)) => {
                let token = self.token(policy, &token, from.client)?;
                Ok(Proof::Subject(token, Via::Token))
            }
            Some(Credentials::Unreadable) => Err(Refusal::Wrong),
            None => self
                .session(policy, headers)
                .or_else(|| from.certificate.cloned().map(Proof::Certificate))
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

    fn session(&self, policy: &Policy, headers: &HeaderMap) -> Option<Proof> {
        let scope = self.cookie(policy);
        let ids = scope.ids(headers).into_iter();
        let mut sessions = ids.map(|id| Proof::Session(Sessions::key(id)));
        sessions.find(|session| self.caller_by(policy, session).is_some())
    }
}
