//! Acknowledgements: who takes care of an alert, by this route and by `etcd-monitor ack` alike.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use etcd_monitor_alerting::{Acknowledgement, Alert, Fingerprint};
use jiff::Timestamp;
use serde::Deserialize;

use super::author;
use crate::access::Caller;
use crate::body::Body;
use crate::problem::Problem;
use crate::source::Source;

/// Who takes care.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAcknowledgement {
    #[serde(default)]
    comment: String,
    author: Option<String>,
}

/// `PUT /api/v1/alerts/{id}/acknowledgement`: answers the alert.
pub(crate) async fn put(
    State(source): State<Source>,
    Path(id): Path<String>,
    Extension(caller): Extension<Caller>,
    Body(wanted): Body<NewAcknowledgement>,
) -> Result<Response, Problem> {
    let id = active(&source, &id)?.id;
    let now = Timestamp::now();
    let author = author(&caller, wanted.author.as_deref())?;
    let acknowledgement = Acknowledgement::new(author, now, &wanted.comment)
        .map_err(|error| Problem::bad_body(&error.to_string()))?;
    let desk = source.mutes()?;
    let noted = acknowledgement.clone();
    desk.change(move |file| file.acknowledge(id, noted, now))
        .await?;
    desk.shown(|view| match find(&view.active, id) {
        Some(alert) => alert.acknowledged.as_ref() == Some(&acknowledgement),
        None => true,
    })
    .await;
    let mut alert = active(&source, &id.to_string())?;
    alert.acknowledged = Some(acknowledgement);
    Ok(Json(alert).into_response())
}

/// `DELETE /api/v1/alerts/{id}/acknowledgement`
pub(crate) async fn remove(
    State(source): State<Source>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = active(&source, &id)?.id;
    let desk = source.mutes()?;
    desk.change(move |file| file.remove_acknowledgement(id, Timestamp::now()))
        .await?;
    desk.shown(|view| find(&view.active, id).is_none_or(|alert| alert.acknowledged.is_none()))
        .await;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The active alert of this id.
fn active(source: &Source, id: &str) -> Result<Alert, Problem> {
    let view = source.alerts().latest();
    let found = id.parse().ok().and_then(|id| find(&view.active, id));
    found.cloned().ok_or_else(|| Problem::alert_unknown(id))
}

fn find(alerts: &[Alert], id: Fingerprint) -> Option<&Alert> {
    alerts.iter().find(|alert| alert.id == id)
}
