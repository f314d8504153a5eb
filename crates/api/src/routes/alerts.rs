//! Alerts: active ones and what happened. Of one cluster where one is named, else of all.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::Selection;
use crate::documents::alerts::{
    AlertHistory, Alerts, DeadLetters, OfClusters, alerts_of, events_of,
};
use crate::documents::event_id::EventId;
use crate::page;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::source::Source;

/// Pending and firing alerts, worst first.
///
/// Of one cluster where one is named, else of all.
#[utoipa::path(
    get,
    path = "/api/v1/alerts",
    tag = "Alerts",
    params(("cluster" = Option<String>, Query, description = "The name of a cluster. Left out: all")),
    responses(
        (status = 200, description = "The alerts", body = Alerts<'static>),
    )
)]
pub(crate) async fn active(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    known(&source, selection.name())?;
    let view = source.alerts().latest();
    let named: Vec<String> = selection.into_name().into_iter().collect();
    let alerts = alerts_of(&view, OfClusters(&named));
    Ok(Json(Alerts { alerts }).into_response())
}

/// A part of the past.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Past {
    /// The name of a cluster. Left out: all, or where the answer is of one, the only one.
    pub(super) cluster: Option<String>,
    /// The most of a page.
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    pub(super) limit: Option<usize>,
    /// A cursor: `next` of the page after.
    pub(super) before: Option<String>,
}

/// What happened to alerts, newest last.
///
/// The latest 1,000 events are kept.
#[utoipa::path(
    get,
    path = "/api/v1/alerts/history",
    tag = "Alerts",
    params(Past),
    responses(
        (status = 200, description = "A page of events", body = AlertHistory<'static>),
    )
)]
pub(crate) async fn history(
    State(source): State<Source>,
    Parameters(past): Parameters<Past>,
) -> Result<Response, Problem> {
    known(&source, past.cluster.as_deref())?;
    let limit = page::limit(past.limit)?;
    let before = past.before.as_deref().map(str::parse::<EventId>);
    let before = before.transpose().map_err(|_| page::bad_cursor("before"))?;
    let view = source.alerts().latest();
    let named: Vec<String> = past.cluster.into_iter().collect();
    let mut events = events_of(&view, OfClusters(&named));
    events.retain(|event| before.is_none_or(|before| event.id.is_before(before)));
    let (history, more) = page::last(events, limit);
    let next = history.first().filter(|_| more);
    let next = next.map(|event| event.id.to_string());
    Ok(Json(AlertHistory { history, next }).into_response())
}

/// A part of what was given up.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    /// The most of a page.
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    limit: Option<usize>,
    /// A cursor: `next` of the page after.
    before: Option<u64>,
}

/// Notifications that were given up, with the reason, newest last.
///
/// At most 1,000 are kept; they outlive the process.
#[utoipa::path(
    get,
    path = "/api/v1/alerts/dead-letters",
    tag = "Alerts",
    params(Page),
    responses(
        (status = 200, description = "A page of them", body = DeadLetters<'static>),
    )
)]
pub(crate) async fn dead_letters(
    State(source): State<Source>,
    Parameters(wanted): Parameters<Page>,
) -> Result<Response, Problem> {
    let limit = page::limit(wanted.limit)?;
    let view = source.alerts().latest();
    let older = view.dead_letters.range(..wanted.before.unwrap_or(u64::MAX));
    let (page, more) = page::last(older.collect(), limit);
    let next = page.first().filter(|_| more);
    let next = next.map(|(number, _)| number.to_string());
    let dead_letters = page.into_iter().map(|(_, letter)| letter).collect();
    Ok(Json(DeadLetters { dead_letters, next }).into_response())
}

pub(super) fn known(source: &Source, cluster: Option<&str>) -> Result<(), Problem> {
    match cluster {
        Some(name) => source.select(Some(name)).map(drop),
        None => Ok(()),
    }
}
