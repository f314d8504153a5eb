//! Live events (SSE): the newest snapshot at once and after each cycle, and the alerts whenever they change.
//!
//! A client that is slow sees the newest state and skips those between: nothing is queued for it.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use etcd_monitor_core::SnapshotReceiver;
use etcd_monitor_model::ClusterName;
use futures_util::StreamExt;
use futures_util::stream::{Stream, once, select};
use serde::Serialize;
use tokio_stream::wrappers::WatchStream;

use super::Selection;
use crate::documents::{LiveAlerts, SnapshotDocument};
use crate::problem::Problem;
use crate::source::Source;

/// Often enough that proxies keep the connection, seldom enough to cost nothing.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(crate) async fn follow(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    let (name, snapshots) = source.select(selection.name())?;
    let seat = source
        .event_clients()
        .clone()
        .try_acquire_owned()
        .map_err(|_| Problem::too_many_event_clients())?;
    let stop = source.stop().clone();
    let events = events(&source, name, snapshots)
        .take_until(async move { stop.cancelled().await })
        .map(move |event| {
            // The seat is given back when the stream is dropped.
            let _held = &seat;
            Ok::<Event, Infallible>(event)
        });
    let mut response = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response();
    response.headers_mut().insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    Ok(response)
}

fn events(
    source: &Source,
    name: ClusterName,
    snapshots: SnapshotReceiver,
) -> impl Stream<Item = Event> + use<> {
    let snapshots = WatchStream::new(snapshots).filter_map(|snapshot| async move {
        let snapshot = snapshot?;
        let id = snapshot.cycle.to_string();
        event("snapshot", &SnapshotDocument::of(&snapshot)).map(|event| event.id(id))
    });
    let alerts = WatchStream::new(source.alerts().subscribe()).filter_map(move |view| {
        let event = event("alerts", &LiveAlerts::of(&view, name.as_str()));
        async move { event }
    });
    // It ends with the snapshots: the cluster is no longer watched.
    let snapshots = snapshots.map(Some).chain(once(async { None }));
    select(snapshots.boxed(), alerts.map(Some).boxed())
        .take_while(|event| std::future::ready(event.is_some()))
        .filter_map(std::future::ready)
}

fn event(kind: &str, document: &impl Serialize) -> Option<Event> {
    match serde_json::to_string(document) {
        Ok(data) => Some(Event::default().event(kind).data(data)),
        Err(error) => {
            tracing::error!(%error, kind, "A live event could not be written as JSON");
            None
        }
    }
}
