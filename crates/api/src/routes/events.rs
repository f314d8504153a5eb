//! Live events (SSE): the fleet, snapshots of the clusters that are asked for, and alerts.
//!
//! A client that is slow sees the newest state and skips those between: nothing is queued for it, and what it skips is
//! counted.

mod follower;
mod wanted;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;
use crate::source::Source;
use follower::Follower;
use wanted::Wanted;

/// `GET /api/v1/events`
pub(crate) async fn follow(
    State(source): State<Source>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wanted = Wanted::read(query.as_deref().unwrap_or_default(), &headers)?;
    let seat = source
        .event_clients()
        .clone()
        .try_acquire_owned()
        .map_err(|_| Problem::too_many_event_clients())?;
    let follower = Follower::new(source, &wanted, seat)?;
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        // A proxy that gathers events before it sends them makes them late.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(follower.frames())).into_response())
}
