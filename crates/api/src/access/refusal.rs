//! Why a request is not answered.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::passwords::PasswordError;
use super::{Problem, challenge};

#[derive(Debug)]
pub(crate) enum Refusal {
    /// Nobody said who they are.
    Unknown,
    /// User, password, token or session are wrong.
    Wrong,
    /// Too much of something; when it may be tried again.
    Later(Problem, Duration),
    Other(Problem),
}

impl From<PasswordError> for Refusal {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Wrong => Self::Wrong,
            PasswordError::TooOften(wait) => Self::Later(Problem::too_many_failures(), wait),
            PasswordError::Busy(wait) => Self::Later(Problem::login_busy(), wait),
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
            Self::Later(problem, wait) => {
                let mut response = problem.into_response();
                let seconds = HeaderValue::from(wait.as_secs() + 1);
                response.headers_mut().insert(header::RETRY_AFTER, seconds);
                response
            }
            Self::Other(problem) => problem.into_response(),
        }
    }
}
