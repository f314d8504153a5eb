//! What stands before every route: the rate limit, who asks, whether a page of another site does, and the audit log.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;

use super::attempts::Client;
use super::audit::{AuditEntry, Outcome};
use super::credentials::{self, Credentials};
use super::failed_login::{FailedLogin, TriedUser};
use super::identity::Origin;
use super::policy::Policy;
use super::public::Openness;
use super::refusal::Refusal;
use super::same_origin::{self, Unmarked};
use super::standing::{Proof, Standing};
use super::{Access, Caller, Role, Via, refusal_of};
use crate::connection::Connection;
use crate::problem::Problem;
use crate::request_id::RequestId;
use crate::request_log;

/// What the guard goes by.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    access: Access,
    /// Origins whose pages may change things as ours may.
    origins: Arc<[String]>,
    content_policy: &'static str,
}

impl Guard {
    pub(crate) fn new(
        access: Access,
        cors_origins: &[String],
        content_policy: &'static str,
    ) -> Self {
        let external = access.0.external.as_ref();
        let external = external.map(|external| external.origin.clone());
        // Whoever is allowed everything by `*` is allowed to read.
        let named = cors_origins.iter().filter(|origin| *origin != "*").cloned();
        Self {
            origins: external.into_iter().chain(named).collect(),
            access,
            content_policy,
        }
    }

    /// Lets a request in, with who sends it, or says why not.
    async fn admit(&self, policy: &Policy, request: &mut Parts) -> Result<(), Refusal> {
        let openness = Openness::of(request.uri.path());
        let client = client_of(&request.extensions);
        if openness != Openness::Health {
            within_limit(policy, client)?;
        }
        let proof = self.proof(policy, openness, request, client).await;
        let admitted = match proof {
            Ok(Some(proof)) => self.insert(policy, proof, &mut request.extensions),
            Ok(None) => Ok(()),
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = admitted {
            if let Some(failed) = refusal.failed_login() {
                request.extensions.insert(failed);
                if let Some(tried) = tried_user(policy, &request.headers) {
                    request.extensions.insert(tried);
                }
            }
            if !is_open(openness, &request.method) {
                return Err(refusal);
            }
        }
        if request.method.is_safe() {
            return Ok(());
        }
        self.may_change(openness, request)
    }

    /// Notes who asks.
    fn insert(
        &self,
        policy: &Policy,
        proof: Proof,
        extensions: &mut Extensions,
    ) -> Result<(), Refusal> {
        let caller = self.access.caller_by(policy, &proof);
        let caller = caller.ok_or(Refusal::Wrong)?;
        extensions.insert(Standing::new(&self.access, proof, caller.role));
        extensions.insert(caller);
        Ok(())
    }

    /// By what it is known who asks; `None` where it is not asked.
    async fn proof(
        &self,
        policy: &Policy,
        openness: Openness,
        request: &Parts,
        client: Client,
    ) -> Result<Option<Proof>, Refusal> {
        if openness == Openness::File && policy.authenticates {
            return Ok(None);
        }
        let connection = request.extensions.get::<Connection>();
        let from = Origin {
            client,
            certificate: connection.and_then(|connection| connection.certificate.as_ref()),
        };
        let proof = self.access.proof(policy, &request.headers, &from).await;
        proof.map(Some)
    }

    /// Whether a request may change anything: not from a page of another site, as JSON, and by an operator at least. The
    /// last is what each route says too; said here, no route can forget it.
    fn may_change(&self, openness: Openness, request: &Parts) -> Result<(), Refusal> {
        let headers = &request.headers;
        let caller = request.extensions.get::<Caller>();
        let via = caller.map(|caller| caller.via);
        let unmarked = match via {
            Some(Via::Cookie) => Unmarked::Refused,
            _ => Unmarked::Trusted,
        };
        // A page cannot send a token of which it knows nothing.
        if via != Some(Via::Token) && !same_origin::is_own(headers, &self.origins, unmarked) {
            return Err(Refusal::Other(Problem::cross_site()));
        }
        if takes_json(&request.method) && !is_json(headers) && !is_for_scripts(request) {
            return Err(Refusal::Other(Problem::json_required()));
        }
        match refusal_of(caller, Role::Operator) {
            Some(refusal) if openness != Openness::Session => Err(Refusal::Other(refusal)),
            _ => Ok(()),
        }
    }
}

/// The layer before every route.
pub(crate) async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let policy = guard.access.policy();
    let (mut request, body) = request.into_parts();
    let client = client_of(&request.extensions);
    let admitted = guard.admit(&policy, &mut request).await;
    let has_failed = request.extensions.get::<FailedLogin>().is_some();
    let entry = (has_failed || !request.method.is_safe()).then(|| entry_of(&request));
    let mut response = match admitted {
        Ok(()) => next.run(Request::from_parts(request, body)).await,
        Err(refusal) => refusal.answer(&request.headers, policy.has_users()),
    };
    policy.add_headers(response.headers_mut(), guard.content_policy);
    if let Some(entry) = entry {
        guard.access.note(entry, client, &response);
    }
    response
}

/// The user whose password a request tries.
fn tried_user(policy: &Policy, headers: &HeaderMap) -> Option<TriedUser> {
    match credentials::of(headers)? {
        Credentials::Basic(login) => policy.tried(&login.user),
        Credentials::Bearer(_) | Credentials::Unreadable => None,
    }
}

/// Whether strangers are answered too.
fn is_open(openness: Openness, method: &Method) -> bool {
    openness == Openness::Health || (openness == Openness::Session && !method.is_safe())
}

fn within_limit(policy: &Policy, client: Client) -> Result<(), Refusal> {
    let counted = policy.limit.as_ref().map(|limit| limit.count(client));
    let too_many = |wait| Refusal::Later(Problem::too_many_requests(), wait);
    counted.unwrap_or(Ok(())).map_err(too_many)
}

pub(super) fn client_of(extensions: &Extensions) -> Client {
    let connection = extensions.get::<Connection>();
    Client::from(connection.map(|connection| connection.peer.ip()))
}

/// Other methods than these are no route's.
fn takes_json(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method)
}

fn is_json(headers: &HeaderMap) -> bool {
    let is_json = |value: &HeaderValue| {
        let text = value.to_str().unwrap_or_default();
        let kind = text.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("application/json")
    };
    headers.get(header::CONTENT_TYPE).is_some_and(is_json)
}

/// `/-/reload` as other programs have it: without a body, and so without its type, which the form of a page always has.
fn is_for_scripts(request: &Parts) -> bool {
    let is_bare = !request.headers.contains_key(header::CONTENT_TYPE);
    is_bare && request.uri.path().starts_with("/-/")
}

fn entry_of(request: &Parts) -> AuditEntry {
    let extensions = &request.extensions;
    let route = extensions.get::<MatchedPath>();
    let connection = extensions.get::<Connection>();
    let caller = extensions.get::<Caller>();
    AuditEntry {
        at: Timestamp::now(),
        caller: caller.and_then(|caller| caller.name.clone()),
        role: caller.map(|caller| caller.role),
        via: caller.map(|caller| caller.via),
        peer: connection.map(|connection| connection.peer.to_string()),
        method: request_log::name_of(&request.method),
        route: route.map_or("none", MatchedPath::as_str).to_owned(),
        status: 0,
        outcome: Outcome::Failed,
        reason: extensions.get().copied(),
        user: extensions.get().map(|TriedUser(name)| name.clone()),
        request_id: extensions.get::<RequestId>().map(ToString::to_string),
        left_out: 0,
    }
}

impl AuditEntry {
    fn name(&mut self, caller: Option<&Caller>) {
        self.caller = caller.and_then(|caller| caller.name.clone());
        self.role = caller.map(|caller| caller.role);
        self.via = caller.map(|caller| caller.via);
    }
}

impl Access {
    /// Notes a call that changed something or tried to, or whose credentials were not taken.
    fn note(&self, mut entry: AuditEntry, client: Client, response: &Response) {
        entry.status = response.status().as_u16();
        // Who signs in, or fails to, is known only afterwards.
        let after = response.extensions();
        entry.reason = after.get().copied().or(entry.reason);
        let tried = after.get().map(|TriedUser(name)| name.clone());
        entry.user = tried.or(entry.user);
        if entry.caller.is_none() {
            entry.name(after.get());
        }
        entry.outcome = match entry.reason {
            Some(_) => Outcome::Refused,
            None => Outcome::of(entry.status),
        };
        if let Some(reason) = entry.reason {
            self.0.strangers.count(reason);
        }
        let is_strangers = entry.caller.is_none() && entry.outcome == Outcome::Refused;
        if is_strangers && !self.0.strangers.have_line(client) {
            if let Some(audit) = &self.0.audit {
                audit.leave_out();
            }
            return;
        }
        entry.left_out = self.0.strangers.take_left_out();
        self.write(&entry);
    }

    fn write(&self, entry: &AuditEntry) {
        tracing::info!(
            target: "audit",
            caller = entry.caller,
            role = entry.role.map(tracing::field::display),
            via = entry.via.map(tracing::field::debug),
            peer = entry.peer,
            method = entry.method,
            route = entry.route,
            status = entry.status,
            outcome = ?entry.outcome,
            reason = entry.reason.map(FailedLogin::as_str),
            user = entry.user,
            request_id = entry.request_id,
            left_out = entry.left_out,
            "A call to change something, or with credentials that are not taken"
        );
        if let Some(audit) = &self.0.audit {
            audit.note(entry);
        }
    }
}
