//! The changes of leader, in pages.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use etcd_monitor_model::LeaderChange;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::alerts::Past;
use crate::openapi::OneCluster;
use crate::page;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::source::Source;

/// A page of changes of leader, newest last.
#[derive(Serialize, ToSchema)]
struct LeaderHistory<'a> {
    cluster: &'a str,
    changes: Vec<&'a LeaderChange>,
    /// The cursor to the page before; null where there is none.
    next: Option<String>,
}

/// The latest 100 changes of leader, newest last.
#[utoipa::path(
    get,
    path = "/api/v1/cluster/leader/history",
    tag = "Clusters",
    params(Past),
    responses(
        (status = 200, description = "A page of changes", body = LeaderHistory<'static>),
        OneCluster,
    )
)]
pub(crate) async fn history(
    State(source): State<Source>,
    Parameters(past): Parameters<Past>,
) -> Result<Response, Problem> {
    let limit = page::limit(past.limit)?;
    let before = past.before.as_deref().map(cursor).transpose()?;
    let snapshot = source.snapshot(past.cluster.as_deref())?;
    let mut changes: Vec<&LeaderChange> = snapshot.leader_history.iter().collect();
    changes.retain(|change| before.is_none_or(|before| place(change) < before));
    let (changes, more) = page::last(changes, limit);
    let next = changes.first().filter(|_| more);
    let document = LeaderHistory {
        cluster: snapshot.cluster.as_str(),
        next: next.map(|change| format!("{}_{}", change.at, change.term)),
        changes,
    };
    Ok(Json(document).into_response())
}

/// Where a change is in the list. Terms begin anew where a cluster was restored.
fn place(change: &LeaderChange) -> (Timestamp, u64) {
    (change.at, change.term)
}

fn cursor(text: &str) -> Result<(Timestamp, u64), Problem> {
    let bad = || page::bad_cursor("before");
    let (at, term) = text.split_once('_').ok_or_else(bad)?;
    let at = at.parse().map_err(|_| bad())?;
    Ok((at, term.parse().map_err(|_| bad())?))
}
