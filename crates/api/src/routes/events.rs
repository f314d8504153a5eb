//! Live events (SSE): the fleet, snapshots of the clusters that are asked for, and alerts.
//!
//! A client that is slow sees the newest state and skips those between: nothing is queued for it, and what it skips is
//! counted.

mod follower;
mod wanted;

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;

use crate::access::Standing;
use crate::admission::Refused;
use crate::connection::Connection;
use crate::problem::Problem;
use crate::source::Source;
use follower::Follower;
use wanted::Wanted;

/// `GET /api/v1/events`
pub(crate) async fn follow(
    State(source): State<Source>,
    RawQuery(query): RawQuery,
    Extension(standing): Extension<Standing>,
    connection: Option<Extension<Connection>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wanted = Wanted::read(query.as_deref().unwrap_or_default(), &headers)?;
    let address = connection.map(|Extension(connection)| connection.peer.ip());
    let seat = source.event_clients().admit(address);
    let seat = seat.map_err(|refused| match refused {
        Refused::Total => Problem::too_many_event_clients(),
        Refused::Address => Problem::too_many_event_clients_of_address(),
    })?;
    let follower = Follower::new(source, &wanted, seat)?;
    // Who may no longer ask is told no more.
    let frames = follower.frames().take_until(standing.ended());
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        // A proxy that gathers events before it sends them makes them late.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(frames)).into_response())
}

#[cfg(test)]
mod tests;
