//! Bodies of requests.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// A JSON document that a request carries. `Content-Type: application/json` is required: a form of another site cannot
/// send that.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(document)) => Ok(Self(document)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(Problem::json_required()),
            Err(rejection) => Err(Problem::bad_body(&rejection.body_text())),
        }
    }
}
