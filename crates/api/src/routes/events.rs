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
use crate::admission::{Refused, Seat};
use crate::connection::Connection;
use crate::problem::Problem;
use crate::source::Source;
use follower::Follower;
pub(crate) use follower::Reset;
use wanted::Wanted;

/// Live events (SSE): the fleet, snapshots, and alerts.
///
/// Each event is one JSON document in one `data` line; the schema `LiveEvent` has their names and documents. `clusters` and
/// `alerts` come at once and on a change, `snapshot` at once and after each cycle, `alert_event` when it happens. A client
/// that opens the stream again with `Last-Event-ID` is told the alert events after that id, or `reset` where the id is not
/// known any more. A comment comes every 15 s.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "Live events",
    params(
        ("cluster" = Option<Vec<String>>, Query, explode = true, style = Form, max_items = 20,
            description = "Clusters whose snapshots are told. Left out: those of the only one. Alerts are of these, or of all where none is named"),
        ("last_event_id" = Option<String>, Query,
            description = "What `Last-Event-ID` says, for clients that cannot set a header"),
        ("Last-Event-ID" = Option<String>, Header,
            description = "The id of the last event that was seen; goes before the query"),
    ),
    responses(
        (status = 200, description = "The stream, until the caller leaves or may ask no more", content_type = "text/event-stream", body = String),
        (status = 429, description = "`too_many_event_clients_of_address`: too many of this address follow already"),
        (status = 503, description = "`too_many_event_clients`: 1,000 follow already"),
    )
)]
pub(crate) async fn follow(
    State(source): State<Source>,
    RawQuery(query): RawQuery,
    Extension(standing): Extension<Standing>,
    connection: Option<Extension<Connection>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wanted = Wanted::read(query.as_deref().unwrap_or_default(), &headers)?;
    let seat = seat(&source, connection)?;
    let follower = Follower::new(source, &wanted, seat)?;
    // Who may no longer ask is told no more.
    let frames = follower.frames().take_until(standing.ended());
    Ok(stream(Body::from_stream(frames)))
}

/// The place of one more who follows.
pub(super) fn seat(
    source: &Source,
    connection: Option<Extension<Connection>>,
) -> Result<Seat, Problem> {
    let address = connection.map(|Extension(connection)| connection.peer.ip());
    let seat = source.event_clients().admit(address);
    seat.map_err(|refused| match refused {
        Refused::Total => Problem::too_many_event_clients(),
        Refused::Address => Problem::too_many_event_clients_of_address(),
    })
}

/// The answer that these events are.
pub(super) fn stream(events: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        // A proxy that gathers events before it sends them makes them late.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, events).into_response()
}

#[cfg(test)]
mod tests;
