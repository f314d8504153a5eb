//! Numbers: as JSON, and for Prometheus.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::Selection;
use crate::documents::{CurrentMetrics, Latency};
use crate::exporter::{self, Format};
use crate::openapi::OneCluster;
use crate::problem::Problem;
use crate::source::Source;

/// The numbers of each member.
#[utoipa::path(
    get,
    path = "/api/v1/metrics/current",
    tag = "Metrics",
    params(Selection),
    responses(
        (status = 200, description = "The numbers of the latest cycle", body = CurrentMetrics<'static>),
        OneCluster,
    )
)]
pub(crate) async fn current(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(selection.name())?;
    Ok(Json(CurrentMetrics::of(&snapshot)).into_response())
}

/// How long reads and writes take, by member and by who measured it.
#[utoipa::path(
    get,
    path = "/api/v1/metrics/latency",
    tag = "Metrics",
    params(Selection),
    responses(
        (status = 200, description = "Quantiles over five minutes", body = Latency<'static>),
        OneCluster,
    )
)]
pub(crate) async fn latency(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(selection.name())?;
    Ok(Json(Latency::of(&snapshot)).into_response())
}

/// Every number for Prometheus.
///
/// OpenMetrics where `Accept` likes it best, else the text format 0.0.4. An unknown value is no sample.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "Metrics",
    responses(
        (status = 200, description = "The page", content(
            (String = "text/plain"),
            (String = "application/openmetrics-text"),
        )),
    )
)]
pub(crate) async fn exposition(State(source): State<Source>, headers: HeaderMap) -> Response {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    let format = Format::from_accept(accept);
    let page = exporter::render(&source, format);
    ([(header::CONTENT_TYPE, format.content_type())], page).into_response()
}
