//! Incidents, made of the history of alerts. Of one cluster where one is named, else of all.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use etcd_monitor_alerting::{AlertIncident, AlertsView, Fingerprint, incidents};
use etcd_monitor_core::{RecordingInfo, Recordings};
use jiff::Timestamp;

use super::Named;
use super::alerts::{Past, known};
use crate::documents::incidents::{IncidentDocument, IncidentLine, Incidents};
use crate::page;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::source::Source;

/// Alerts that belong together in time, newest last.
///
/// Made of the latest 1,000 events of alerts and of what fires now.
#[utoipa::path(
    get,
    path = "/api/v1/incidents",
    tag = "Alerts",
    params(Past),
    responses(
        (status = 200, description = "A page of incidents", body = Incidents<'static>),
    )
)]
pub(crate) async fn list(
    State(source): State<Source>,
    Parameters(past): Parameters<Past>,
) -> Result<Response, Problem> {
    known(&source, past.cluster.as_deref())?;
    let limit = page::limit(past.limit)?;
    let before = past.before.as_deref().map(cursor).transpose()?;
    let mut all = incidents_of(&source.alerts().latest());
    let named = past.cluster.as_deref();
    all.retain(|it| named.is_none_or(|name| name == it.cluster.as_str()));
    all.retain(|it| before.is_none_or(|before| place(it) < before));
    let (page, more) = page::last(all, limit);
    let next = page.first().filter(|_| more).map(cursor_before);
    let recordings = recordings(&source);
    let line = |incident| IncidentLine::of(incident, &recordings);
    let document = Incidents {
        incidents: page.iter().map(line).collect(),
        next,
    };
    Ok(Json(document).into_response())
}

/// One incident with its events, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/incidents/{id}",
    tag = "Alerts",
    params(("id" = Fingerprint, Path, description = "The id of an incident")),
    responses(
        (status = 200, description = "The incident", body = IncidentDocument<'static>),
        (status = 404, description = "`incident_unknown`: the history tells of none with this id, or no longer"),
    )
)]
pub(crate) async fn one(
    State(source): State<Source>,
    Named(id): Named,
) -> Result<Response, Problem> {
    let view = source.alerts().latest();
    let wanted: Option<Fingerprint> = id.parse().ok();
    let mut all = incidents_of(&view).into_iter();
    let incident = all.find(|incident| Some(incident.id) == wanted);
    let incident = incident.ok_or_else(|| Problem::incident_unknown(&id))?;
    let recordings = recordings(&source);
    Ok(Json(IncidentDocument::of(&incident, &recordings, &view)).into_response())
}

fn incidents_of(view: &AlertsView) -> Vec<AlertIncident> {
    incidents(&view.history, &view.active)
}

fn recordings(source: &Source) -> Vec<RecordingInfo> {
    let status = source.recordings().map(Recordings::status);
    status.unwrap_or_default().recordings
}

/// Where an incident is in the list.
fn place(incident: &AlertIncident) -> (Timestamp, Fingerprint) {
    (incident.began_at, incident.id)
}

fn cursor_before(incident: &AlertIncident) -> String {
    format!("{}_{}", incident.began_at, incident.id)
}

fn cursor(text: &str) -> Result<(Timestamp, Fingerprint), Problem> {
    let bad = || page::bad_cursor("before");
    let (began_at, id) = text.split_once('_').ok_or_else(bad)?;
    let began_at = began_at.parse().map_err(|_| bad())?;
    Ok((began_at, id.parse().map_err(|_| bad())?))
}
