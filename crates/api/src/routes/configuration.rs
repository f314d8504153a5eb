//! The configuration: how it stands, and reading it again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::body::Body;
use crate::control::Control;
use crate::problem::Problem;
use crate::source::Source;

/// A body that says nothing: `{}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// `GET /api/v1/configuration`
pub(crate) async fn status(State(source): State<Source>) -> Result<Response, Problem> {
    Ok(Json(source.control()?.configuration()).into_response())
}

/// `POST /api/v1/configuration/reload`
pub(crate) async fn reload(
    State(source): State<Source>,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Response, Problem> {
    reloaded(source.control()?).await
}

/// `POST` or `PUT /-/reload`, which takes no body, as Prometheus and its kin have it.
pub(crate) async fn reload_as_others(State(source): State<Source>) -> Result<Response, Problem> {
    reloaded(source.control()?).await
}

async fn reloaded(control: &Arc<dyn Control>) -> Result<Response, Problem> {
    control.reload().await?;
    Ok(Json(control.configuration()).into_response())
}
