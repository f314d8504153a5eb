//! `/api/v1/session`: who the caller is, and how a page signs in and out.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, RequestExt, Router};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::guard::client_of;
use super::passwords::Login;
use super::policy::Policy;
use super::public::SESSION;
use super::refusal::Refusal;
use super::sessions::Subject;
use super::{Access, Caller, Reach, Role, Via};
use crate::problem::Problem;

/// The routes of sessions.
pub(crate) fn router(access: Access) -> Router {
    let methods = get(tell).post(sign_in).delete(sign_out);
    Router::new().route(SESSION, methods).with_state(access)
}

/// Who the caller is.
#[derive(Debug, Serialize)]
struct Session {
    name: Option<String>,
    role: Role,
    via: Via,
    /// Whether the server asks who callers are.
    authentication: bool,
    /// Why nobody may change anything.
    read_only_reason: Option<String>,
}

/// Either a token, or a user with the password.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    token: Option<SecretString>,
    user: Option<String>,
    password: Option<SecretString>,
}

async fn tell(State(access): State<Access>, Extension(caller): Extension<Caller>) -> Json<Session> {
    let authentication = access.policy().authenticates;
    let read_only = !authentication && access.0.reach == Reach::Network;
    Json(Session {
        name: caller.name,
        role: caller.role,
        via: caller.via,
        authentication,
        read_only_reason: read_only.then(|| Problem::READ_ONLY.to_owned()),
    })
}

/// Exchanges a token or a password for a cookie that no script can read.
async fn sign_in(State(access): State<Access>, request: Request) -> Response {
    let policy = access.policy();
    let asked = request.headers().clone();
    if !policy.authenticates {
        return Problem::no_authentication().into_response();
    }
    match access.signed_in(&policy, request).await {
        Ok((subject, caller)) => {
            let id = access.0.sessions.begin(subject);
            // It may have ended the oldest.
            access.0.changes.send_replace(());
            let cookie = access.cookie(&policy).hand_out(&id);
            (Extension(caller), without_content(cookie)).into_response()
        }
        Err(refusal) => {
            let failed = refusal.failed_login().map(Extension);
            let answer = refusal.answer(&asked, policy.has_users());
            (failed, answer).into_response()
        }
    }
}

/// Ends the session, whether there was one or not.
async fn sign_out(State(access): State<Access>, headers: HeaderMap) -> Response {
    let scope = access.cookie(&access.policy());
    for id in scope.ids(&headers) {
        access.0.sessions.end(id);
    }
    access.0.changes.send_replace(());
    without_content(scope.take_away())
}

fn without_content(cookie: Option<HeaderValue>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

impl Access {
    async fn signed_in(
        &self,
        policy: &Policy,
        request: Request,
    ) -> Result<(Subject, Caller), Refusal> {
        let client = client_of(request.extensions());
        let body: Result<Json<SignIn>, JsonRejection> = request.extract().await;
        let Ok(Json(body)) = body else {
            return Err(Refusal::Other(Problem::bad_sign_in()));
        };
        let subject = match (body.token, body.user, body.password) {
            (Some(token), None, None) => self.token(policy, &token, client)?,
            (None, Some(user), Some(password)) => {
                let login = Login { user, password };
                self.user(policy, login, client).await?
            }
            _ => return Err(Refusal::Other(Problem::bad_sign_in())),
        };
        let caller = policy.caller(&subject, Via::Cookie).ok_or(Refusal::Wrong)?;
        Ok((subject, caller))
    }
}
