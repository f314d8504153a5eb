//! Incidents: alerts that belong together in time, with the recording of the black box.

use etcd_monitor_alerting::{AlertIncident, AlertsView, DEDUP_WINDOW, Fingerprint};
use etcd_monitor_core::RecordingInfo;
use etcd_monitor_model::Severity;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::alerts::NumberedEvent;
use super::event_id::numbered;

/// A page of incidents, newest last.
#[derive(Serialize, ToSchema)]
pub(crate) struct Incidents<'a> {
    pub(crate) incidents: Vec<IncidentLine<'a>>,
    /// The cursor to the page before; null where there is none.
    pub(crate) next: Option<String>,
}

/// Alerts of one cluster that fired at the same time, or one within five minutes after those before were over.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentLine<'a> {
    /// It stays while alerts are added.
    id: Fingerprint,
    cluster: &'a str,
    /// When the first of its alerts fired.
    began_at: Timestamp,
    /// When the last of its alerts was over; null while one fires.
    ended_at: Option<Timestamp>,
    /// The worst severity that any of its alerts had.
    worst: Severity,
    /// The cause of the worst of its alerts that nothing explains. Untrusted text.
    sentence: &'a str,
    /// Ids of its alerts, in the order in which they fired first.
    alerts: &'a [Fingerprint],
    /// The name of the recording of the black box; null where there is none.
    recording: Option<&'a str>,
}

/// An incident with its events.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentDocument<'a> {
    #[serde(flatten)]
    line: IncidentLine<'a>,
    /// Oldest first.
    events: Vec<NumberedEvent<'a>>,
}

impl<'a> IncidentLine<'a> {
    pub(crate) fn of(incident: &'a AlertIncident, recordings: &'a [RecordingInfo]) -> Self {
        Self {
            id: incident.id,
            cluster: incident.cluster.as_str(),
            began_at: incident.began_at,
            ended_at: incident.ended_at,
            worst: incident.worst,
            sentence: &incident.sentence,
            alerts: &incident.alerts,
            recording: recording_of(incident, recordings),
        }
    }
}

impl<'a> IncidentDocument<'a> {
    pub(crate) fn of(
        incident: &'a AlertIncident,
        recordings: &'a [RecordingInfo],
        view: &'a AlertsView,
    ) -> Self {
        let events = numbered(view).enumerate();
        let own = events.filter(|(place, _)| incident.events.binary_search(place).is_ok());
        Self {
            line: IncidentLine::of(incident, recordings),
            events: own
                .map(|(_, (id, event))| NumberedEvent { id, event })
                .collect(),
        }
    }
}

/// The first recording of the cluster that was frozen in the incident: when a finding became true, which is before its
/// alert fires. Else the nearest one of the minutes before, which goes on for some minutes itself: what froze it may have
/// been over before it fired.
fn recording_of<'a>(incident: &AlertIncident, recordings: &'a [RecordingInfo]) -> Option<&'a str> {
    let since = incident.since;
    let until = incident.ended_at.unwrap_or(Timestamp::MAX);
    let from = since.checked_sub(DEDUP_WINDOW).unwrap_or(Timestamp::MIN);
    let frozen = recordings.iter().filter_map(|recording| {
        let of_cluster = recording.cluster.as_ref() == Some(&incident.cluster);
        let at = recording.incident.as_ref().filter(|_| of_cluster)?.at;
        (from..=until).contains(&at).then_some((at, recording))
    });
    let nearest = frozen.min_by_key(|(at, _)| (*at < since, at.duration_since(since).abs()))?;
    Some(&nearest.1.name)
}
