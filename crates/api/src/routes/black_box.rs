//! The black box: what it holds, and its recordings as files.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use etcd_monitor_core::{BlackBoxStatus, Recordings};
use serde::Serialize;
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;
use utoipa::ToSchema;

use super::Named;
use crate::problem::Problem;
use crate::source::Source;

/// What the black box holds; all zero and empty where it is off.
#[derive(Debug, Serialize, ToSchema)]
struct BlackBoxDocument {
    /// Whether anything is recorded.
    enabled: bool,
    #[serde(flatten)]
    status: BlackBoxStatus,
}

/// What the black box holds.
///
/// All zero and empty where it is off.
#[utoipa::path(
    get,
    path = "/api/v1/blackbox",
    tag = "Black box",
    responses(
        (status = 200, description = "Its state and its recordings", body = BlackBoxDocument),
    )
)]
pub(crate) async fn list(State(source): State<Source>) -> Response {
    let status = source.recordings().map(Recordings::status);
    let document = BlackBoxDocument {
        enabled: status.is_some(),
        status: status.unwrap_or_default(),
    };
    Json(document).into_response()
}

/// A recording as a file.
///
/// One that still goes on is sent as it is now. `etcd-monitor replay` reads it.
#[utoipa::path(
    get,
    path = "/api/v1/blackbox/{name}",
    tag = "Black box",
    params(("name" = String, Path, description = "A name of the list")),
    responses(
        (status = 200, description = "The file", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 404, description = "`recording_unknown`: the list has no such name"),
    )
)]
pub(crate) async fn download(
    State(source): State<Source>,
    Named(name): Named,
) -> Result<Response, Problem> {
    let known = source
        .recordings()
        .and_then(|recordings| recordings.path(&name));
    let path = known.ok_or_else(|| Problem::recording_unknown(&name))?;
    // Only a name that is in the list is looked for on the disk. One that has just been deleted to make room is unknown, too.
    let gone = |_| Problem::recording_unknown(&name);
    let file = File::open(path).await.map_err(gone)?;
    let bytes = file.metadata().await.map_err(gone)?.len();
    // One that still goes on is sent as it is now, as long as it says.
    let body = Body::from_stream(ReaderStream::new(file.take(bytes)));
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, bytes.to_string()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    Ok((headers, body).into_response())
}
