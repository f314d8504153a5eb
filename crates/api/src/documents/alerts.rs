//! Alerts, what happened to them, and what was given up.

use etcd_monitor_alerting::{Alert, AlertEvent, AlertsView, DeadLetter};
use serde::Serialize;

use super::event_id::{EventId, numbered};

/// History events that a live-event document carries; the route has them all.
const LIVE_HISTORY_EVENTS: usize = 50;

/// `GET /api/v1/alerts`.
#[derive(Serialize)]
pub(crate) struct Alerts<'a> {
    pub(crate) alerts: Vec<&'a Alert>,
}

/// One event with its id.
#[derive(Serialize)]
pub(crate) struct NumberedEvent<'a> {
    pub(crate) id: EventId,
    #[serde(flatten)]
    pub(crate) event: &'a AlertEvent,
}

/// `GET /api/v1/alerts/history`: newest last; `next` is the cursor to the events before.
#[derive(Serialize)]
pub(crate) struct AlertHistory<'a> {
    pub(crate) history: Vec<NumberedEvent<'a>>,
    pub(crate) next: Option<String>,
}

/// `GET /api/v1/alerts/dead-letters`: newest last; `next` is the cursor to those before.
#[derive(Serialize)]
pub(crate) struct DeadLetters<'a> {
    pub(crate) dead_letters: Vec<&'a DeadLetter>,
    pub(crate) next: Option<String>,
}

/// The data of a live `alerts` event.
#[derive(Serialize)]
pub(crate) struct LiveAlerts<'a> {
    alerts: Vec<&'a Alert>,
    history: Vec<NumberedEvent<'a>>,
}

/// Which clusters' alerts are meant; none named means all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfClusters<'a>(pub(crate) &'a [String]);

impl OfClusters<'_> {
    pub(crate) fn has(self, alert: &Alert) -> bool {
        let Self(names) = self;
        names.is_empty() || names.iter().any(|name| name == alert.cluster.as_str())
    }
}

impl<'a> LiveAlerts<'a> {
    pub(crate) fn of(view: &'a AlertsView, clusters: OfClusters<'_>) -> Self {
        let history = events_of(view, clusters);
        let old = history.len().saturating_sub(LIVE_HISTORY_EVENTS);
        Self {
            alerts: alerts_of(view, clusters),
            history: history.into_iter().skip(old).collect(),
        }
    }
}

/// Active alerts of these clusters.
pub(crate) fn alerts_of<'a>(view: &'a AlertsView, clusters: OfClusters<'_>) -> Vec<&'a Alert> {
    let active = view.active.iter();
    active.filter(|alert| clusters.has(alert)).collect()
}

/// Alert events of these clusters, newest last.
pub(crate) fn events_of<'a>(
    view: &'a AlertsView,
    clusters: OfClusters<'_>,
) -> Vec<NumberedEvent<'a>> {
    numbered(view)
        .filter(|(_, event)| clusters.has(&event.alert))
        .map(|(id, event)| NumberedEvent { id, event })
        .collect()
}
