//! `/api/v1/session`: who the caller is, and how a page signs in and out.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json, RequestExt};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::attempts::Client;
use super::guard::client_of;
use super::passwords::Login;
use super::policy::Policy;
use super::refusal::Refusal;
use super::sessions::Subject;
use super::{Access, Caller, Reach, Role, Via};
use crate::problem::Problem;
use crate::routes::Nothing;

/// The routes of sessions.
pub(crate) fn router(access: Access) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(tell, sign_in, sign_out))
        .with_state(access)
}

/// Who the caller is.
#[derive(Debug, Serialize, ToSchema)]
struct Session {
    /// The user, the name of the token, or the subject of the client certificate; null where nobody says who they are.
    name: Option<String>,
    role: Role,
    via: Via,
    /// Whether the server asks who callers are.
    authentication: bool,
    /// Why nobody may change anything; null where that is not so.
    read_only_reason: Option<String>,
}

/// Either a token, or a user with the password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    #[schema(value_type = Option<String>, nullable = false, format = Password)]
    token: Option<SecretString>,
    #[schema(nullable = false)]
    user: Option<String>,
    #[schema(value_type = Option<String>, nullable = false, format = Password)]
    password: Option<SecretString>,
}

/// Who the caller is.
#[utoipa::path(
    get,
    path = "/api/v1/session",
    tag = "Session",
    responses(
        (status = 200, description = "The caller", body = Session),
    )
)]
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
///
/// It lives 12 hours.
#[utoipa::path(
    post,
    path = "/api/v1/session",
    tag = "Session",
    request_body = SignIn,
    security(()),
    responses(
        (status = 204, description = "`Set-Cookie` has the session"),
        (status = 409, description = "`no_authentication`: there is nothing to sign in to"),
    )
)]
async fn sign_in(State(access): State<Access>, request: Request) -> Response {
    let policy = access.policy();
    let asked = request.headers().clone();
    if !policy.authenticates {
        return Problem::no_authentication().into_response();
    }
    let client = client_of(request.extensions());
    let body: Result<Json<SignIn>, JsonRejection> = request.extract().await;
    let Ok(Json(body)) = body else {
        return Problem::bad_sign_in().into_response();
    };
    let tried = body.user.as_deref().and_then(|user| policy.tried(user));
    match access.signed_in(&policy, body, client).await {
        Ok((subject, caller)) => {
            let id = access.0.sessions.begin(subject);
            // It may have ended the oldest.
            access.0.changes.send_replace(());
            let cookie = access.cookie(&policy).hand_out(&id);
            (Extension(caller), without_content(cookie)).into_response()
        }
        Err(refusal) => {
            let failed = refusal.failed_login().map(Extension);
            let tried = tried.map(Extension);
            let answer = refusal.answer(&asked, policy.has_users());
            (failed, tried, answer).into_response()
        }
    }
}

/// Ends the session, whether there was one or not.
#[utoipa::path(
    delete,
    path = "/api/v1/session",
    tag = "Session",
    request_body = Nothing,
    security(()),
    responses(
        (status = 204, description = "There is none any more"),
    )
)]
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
        body: SignIn,
        client: Client,
    ) -> Result<(Subject, Caller), Refusal> {
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
