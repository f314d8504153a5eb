//! Whether the daemon itself works, whatever etcd does.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Caller;
use crate::documents::fleet::{ClusterLine, cluster_lines};
use crate::source::{Source, age_seconds};

/// A cycle lasts two deadlines of at most half an interval each, so after four intervals the loop stands still.
const STALLED_INTERVALS: f64 = 4.0;

/// How the daemon itself is.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok` or `stalled`; of readiness `ready` or `starting`.
    status: &'static str,
    /// Seconds since it started.
    uptime_seconds: f64,
    /// Not for strangers, where callers have to say who they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    clusters: Option<Vec<ClusterLine>>,
}

type Asking = Option<Extension<Caller>>;

/// Whether the probe loops advance, whatever etcd does.
///
/// Where callers have to say who they are, strangers are not told of clusters.
#[utoipa::path(
    get,
    path = "/health",
    tag = "Health",
    security(()),
    responses(
        (status = 200, description = "They advance", body = Health),
        (status = 503, description = "One stands still: `stalled`", body = Health),
    )
)]
pub(crate) async fn health(State(source): State<Source>, caller: Asking) -> Response {
    let (code, status) = if stalled(&source) {
        (StatusCode::SERVICE_UNAVAILABLE, "stalled")
    } else {
        (StatusCode::OK, "ok")
    };
    (code, Json(document(&source, status, caller.is_some()))).into_response()
}

/// Whether the first cycle of every cluster has ended.
///
/// Where callers have to say who they are, strangers are not told of clusters.
#[utoipa::path(
    get,
    path = "/ready",
    tag = "Health",
    security(()),
    responses(
        (status = 200, description = "It has", body = Health),
        (status = 503, description = "Not yet: `starting`", body = Health),
    )
)]
pub(crate) async fn ready(State(source): State<Source>, caller: Asking) -> Response {
    let ready = source
        .watched()
        .clusters
        .iter()
        .all(|(_, snapshots)| snapshots.borrow().is_some());
    let (code, status) = if ready {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "starting")
    };
    (code, Json(document(&source, status, caller.is_some()))).into_response()
}

fn stalled(source: &Source) -> bool {
    let watched = source.watched();
    let planned = watched.interval.as_secs_f64();
    watched.clusters.iter().any(|(_, snapshots)| {
        let latest = snapshots.borrow();
        // The interval may have been another one, until a reload.
        let (last, interval) = latest
            .as_ref()
            .map_or((watched.since, planned), |snapshot| {
                (snapshot.at, planned.max(snapshot.interval_seconds))
            });
        age_seconds(last) > interval * STALLED_INTERVALS
    })
}

fn document(source: &Source, status: &'static str, in_full: bool) -> Health {
    Health {
        status,
        uptime_seconds: age_seconds(source.started_at()),
        clusters: in_full.then(|| cluster_lines(source)),
    }
}
