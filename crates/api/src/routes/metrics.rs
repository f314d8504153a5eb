//! Numbers: as JSON, and for Prometheus.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::Selection;
use crate::documents::{CurrentMetrics, Latency};
use crate::exporter::{self, Format};
use crate::problem::Problem;
use crate::source::Source;

pub(crate) async fn current(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(selection.name())?;
    Ok(Json(CurrentMetrics::of(&snapshot)).into_response())
}

pub(crate) async fn latency(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let snapshot = source.snapshot(selection.name())?;
    Ok(Json(Latency::of(&snapshot)).into_response())
}

/// `GET /metrics`, in the format that `Accept` asks for.
pub(crate) async fn exposition(State(source): State<Source>, headers: HeaderMap) -> Response {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    let format = Format::from_accept(accept);
    let page = exporter::render(&source, format);
    ([(header::CONTENT_TYPE, format.content_type())], page).into_response()
}
