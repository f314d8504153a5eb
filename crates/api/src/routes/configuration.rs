//! The configuration: how it stands, and reading it again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::Body;
use crate::control::{ConfigurationStatus, Control};
use crate::problem::Problem;
use crate::source::Source;

/// A body that says nothing: `{}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// Where the configuration comes from, and how it stands.
#[utoipa::path(
    get,
    path = "/api/v1/configuration",
    tag = "Configuration",
    responses(
        (status = 200, description = "The configuration as it stands", body = ConfigurationStatus),
        (status = 404, description = "`no_configuration`: the server is part of no daemon"),
    )
)]
pub(crate) async fn status(State(source): State<Source>) -> Result<Response, Problem> {
    Ok(Json(source.control()?.configuration()).into_response())
}

/// Reads the configuration again, as SIGHUP does.
///
/// It is applied as a whole, or nothing changes.
#[utoipa::path(
    post,
    path = "/api/v1/configuration/reload",
    tag = "Configuration",
    request_body = Nothing,
    responses(
        (status = 200, description = "The configuration as it stands now", body = ConfigurationStatus),
        (status = 404, description = "`no_configuration`: the server is part of no daemon"),
        (status = 409, description = "`configuration_refused`: nothing has changed, the detail says why; `reload_under_way`: it is being read at this moment"),
        (status = 503, description = "`stopping`: the daemon stops"),
    )
)]
pub(crate) async fn reload(
    State(source): State<Source>,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Response, Problem> {
    reloaded(source.control()?).await
}

/// Reads the configuration again, without a body, as Prometheus and its kin have it.
#[utoipa::path(
    method(post, put),
    path = "/-/reload",
    tag = "Configuration",
    responses(
        (status = 200, description = "The configuration as it stands now", body = ConfigurationStatus),
        (status = 404, description = "`no_configuration`: the server is part of no daemon"),
        (status = 409, description = "`configuration_refused`: nothing has changed, the detail says why; `reload_under_way`: it is being read at this moment"),
        (status = 503, description = "`stopping`: the daemon stops"),
    )
)]
pub(crate) async fn reload_as_others(State(source): State<Source>) -> Result<Response, Problem> {
    reloaded(source.control()?).await
}

async fn reloaded(control: &Arc<dyn Control>) -> Result<Response, Problem> {
    control.reload().await?;
    Ok(Json(control.configuration()).into_response())
}
