//! The black box: what it holds, and its recordings as files.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use etcd_monitor_core::{BlackBoxStatus, Recordings};
use serde::Serialize;
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use crate::problem::Problem;
use crate::source::Source;

/// What the black box holds; all zero and empty where it is off.
#[derive(Debug, Serialize)]
struct BlackBoxDocument {
    enabled: bool,
    #[serde(flatten)]
    status: BlackBoxStatus,
}

/// `GET /api/v1/blackbox`
pub(crate) async fn list(State(source): State<Source>) -> Response {
    let status = source.recordings().map(Recordings::status);
    let document = BlackBoxDocument {
        enabled: status.is_some(),
        status: status.unwrap_or_default(),
    };
    Json(document).into_response()
}

/// `GET /api/v1/blackbox/{name}`: a recording as a file. Only a name that is in the list is looked for on the disk.
pub(crate) async fn download(
    State(source): State<Source>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let known = source
        .recordings()
        .and_then(|recordings| recordings.path(&name));
    let path = known.ok_or_else(|| Problem::recording_unknown(&name))?;
    // One that has just been deleted to make room is unknown, too.
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
