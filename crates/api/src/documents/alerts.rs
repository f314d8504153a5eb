//! Alerts, what happened to them, and what was given up.

use etcd_monitor_alerting::{Alert, AlertEvent, AlertsView, DeadLetter};
use serde::Serialize;
use utoipa::ToSchema;

use super::event_id::{EventId, numbered};

/// History events that a live-event document carries; the route has them all.
const LIVE_HISTORY_EVENTS: usize = 50;

/// Active alerts.
#[derive(Serialize, ToSchema)]
pub(crate) struct Alerts<'a> {
    pub(crate) alerts: Vec<&'a Alert>,
}

/// One event with its id.
#[derive(Serialize, ToSchema)]
pub(crate) struct NumberedEvent<'a> {
    /// Names the event: to read on from there, and to open live events again after it.
    #[schema(value_type = String, pattern = "^[0-9]+-[0-9a-f]+$", example = "12-19ab3c4d5e6")]
    pub(crate) id: EventId,
    #[serde(flatten)]
    pub(crate) event: &'a AlertEvent,
}

/// A page of events, newest last.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertHistory<'a> {
    pub(crate) history: Vec<NumberedEvent<'a>>,
    /// The cursor to the page before; null where there is none.
    pub(crate) next: Option<String>,
}

/// A page of what was given up, newest last.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeadLetters<'a> {
    pub(crate) dead_letters: Vec<&'a DeadLetter>,
    /// The cursor to the page before; null where there is none.
    pub(crate) next: Option<String>,
}

/// The active alerts and the latest 50 events.
#[derive(Serialize, ToSchema)]
pub(crate) struct LiveAlerts<'a> {
    alerts: Vec<&'a Alert>,
    /// The latest events, newest last.
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
