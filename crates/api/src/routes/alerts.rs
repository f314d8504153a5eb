//! Alerts: active ones and what happened. Of one cluster where one is named, else of all.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::Selection;
use crate::documents::{AlertHistory, Alerts, DeadLetters, alerts_of, history_of};
use crate::problem::Problem;
use crate::source::Source;

pub(crate) async fn active(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    known(&source, &selection)?;
    let view = source.alerts().latest();
    Ok(Json(Alerts {
        alerts: alerts_of(&view, selection.name()),
    })
    .into_response())
}

pub(crate) async fn history(
    State(source): State<Source>,
    selection: Selection,
) -> Result<Response, Problem> {
    known(&source, &selection)?;
    let view = source.alerts().latest();
    Ok(Json(AlertHistory {
        history: history_of(&view, selection.name()),
    })
    .into_response())
}

/// Notifications that were given up, with the reason.
pub(crate) async fn dead_letters(State(source): State<Source>) -> Response {
    let view = source.alerts().latest();
    let dead_letters = view.dead_letters.values().collect();
    Json(DeadLetters { dead_letters }).into_response()
}

fn known(source: &Source, selection: &Selection) -> Result<(), Problem> {
    match selection.name() {
        Some(name) => source.select(Some(name)).map(drop),
        None => Ok(()),
    }
}
