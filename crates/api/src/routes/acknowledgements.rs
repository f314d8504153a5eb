//! Acknowledgements: who takes care of an alert, by this route and by `etcd-monitor ack` alike.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use etcd_monitor_alerting::{Acknowledgement, Alert, Fingerprint};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use super::configuration::Nothing;
use super::{Named, author};
use crate::access::Caller;
use crate::body::Body;
use crate::problem::Problem;
use crate::source::Source;

/// Who takes care.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAcknowledgement {
    /// What there is to say about it.
    #[serde(default)]
    comment: String,
    /// Who says so; counts where the caller has no name, and is needed there.
    #[schema(nullable = false)]
    author: Option<String>,
}

/// Says that somebody takes care of an alert.
///
/// It is told no more until it is over or becomes more severe. Answered once it is kept and alerting goes by it.
#[utoipa::path(
    put,
    path = "/api/v1/alerts/{id}/acknowledgement",
    tag = "Alerts",
    params(("id" = Fingerprint, Path, description = "The id of an active alert")),
    request_body = NewAcknowledgement,
    responses(
        (status = 200, description = "The alert", body = Alert),
        (status = 404, description = "`alert_unknown`: no alert that is active has this id; `no_mutes`: this monitor keeps none"),
        (status = 503, description = "`mutes_unavailable`: the file cannot be read or changed"),
    )
)]
pub(crate) async fn put(
    State(source): State<Source>,
    Named(id): Named,
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

/// Takes an acknowledgement back.
#[utoipa::path(
    delete,
    path = "/api/v1/alerts/{id}/acknowledgement",
    tag = "Alerts",
    params(("id" = Fingerprint, Path, description = "The id of an active alert")),
    request_body = Nothing,
    responses(
        (status = 204, description = "Nobody takes care of it any more"),
        (status = 404, description = "`alert_unknown`: no alert that is active has this id; `no_mutes`: this monitor keeps none"),
        (status = 503, description = "`mutes_unavailable`: the file cannot be read or changed"),
    )
)]
pub(crate) async fn remove(
    State(source): State<Source>,
    Named(id): Named,
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
