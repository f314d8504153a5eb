//! Why a request is not answered.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::failed_login::FailedLogin;
use super::passwords::PasswordError;
use super::{Problem, challenge};

#[derive(Debug)]
pub(crate) enum Refusal {
    /// Nobody said who they are.
    Unknown,
    /// User, password, token or session are wrong.
    Wrong,
    /// Too many wrong ones came before, or too many wait; when it may be tried again.
    NotNow(FailedLogin, Duration),
    /// Too many requests; when there may be one more.
    Later(Problem, Duration),
    Other(Problem),
}

impl From<PasswordError> for Refusal {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Wrong => Self::Wrong,
            PasswordError::TooOften(wait) => Self::NotNow(FailedLogin::TooManyFailures, wait),
            PasswordError::Busy(wait) => Self::NotNow(FailedLogin::LoginBusy, wait),
        }
    }
}

impl Refusal {
    /// The answer to a request with these headers.
    pub(crate) fn answer(self, asked: &HeaderMap, has_users: bool) -> Response {
        let unauthenticated = |detail: &str| {
            let mut response = Problem::unauthenticated(detail).into_response();
            challenge::add(response.headers_mut(), asked, has_users);
            response
        };
        match self {
            Self::Unknown => unauthenticated(
                "Say who you are: by a token (Authorization: Bearer …), by user and password, by a client certificate, or sign in on the page",
            ),
            Self::Wrong => unauthenticated("These credentials are not known, or no longer"),
            Self::NotNow(FailedLogin::LoginBusy, wait) => later(Problem::login_busy(), wait),
            Self::NotNow(_, wait) => later(Problem::too_many_failures(), wait),
            Self::Later(problem, wait) => later(problem, wait),
            Self::Other(problem) => problem.into_response(),
        }
    }

    /// Why credentials were not taken; `None` where it is about something else.
    pub(super) fn failed_login(&self) -> Option<FailedLogin> {
        match self {
            Self::Wrong => Some(FailedLogin::WrongCredentials),
            Self::NotNow(why, _) => Some(*why),
            Self::Unknown | Self::Later(..) | Self::Other(_) => None,
        }
    }
}

fn later(problem: Problem, wait: Duration) -> Response {
    let mut response = problem.into_response();
    let seconds = HeaderValue::from(wait.as_secs() + 1);
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}
