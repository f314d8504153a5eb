//! What alerting shows to others: active alerts, history and counters.

use std::sync::Arc;

use etcd_monitor_model::{ClusterName, Snapshot};
use serde::Serialize;
use tokio::sync::watch;

use crate::alert::{Alert, AlertEvent};
use crate::engine::AlertEngine;
use crate::notifier::Notifier;

/// What alerting knows at one moment.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct AlertsView {
    /// Pending and firing alerts, worst first.
    pub active: Arc<Vec<Alert>>,
    /// The latest events, at most [`HISTORY_LIMIT`](crate::HISTORY_LIMIT), newest last.
    pub history: Arc<Vec<AlertEvent>>,
    /// Events recorded since the start, those that left the history included.
    pub events_recorded: u64,
    /// How many times a finding made no alert because too many were followed already.
    pub refused_alerts: u64,
    /// The channels, in the order in which they were given.
    pub channels: Vec<ChannelStats>,
}

/// What a channel has done since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChannelStats {
    /// The channel's name.
    pub name: String,
    /// Notifications that it took.
    pub delivered: u64,
    /// Notifications that were given up after all attempts, or that it refused.
    pub failed: u64,
    /// Notifications that were not delivered because its queue was full, or because the process stopped.
    pub dropped: u64,
    /// Notifications that wait in its queue or are being tried.
    pub queued: u64,
}

/// Access to what alerting knows. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AlertsHandle {
    view: watch::Receiver<Arc<AlertsView>>,
    followed: Arc<watch::Sender<Vec<Followed>>>,
}

/// A cluster and its snapshots; `None` until there is one.
pub(super) type Followed = (ClusterName, watch::Receiver<Option<Arc<Snapshot>>>);

impl AlertsHandle {
    /// What alerting knows now.
    pub fn latest(&self) -> Arc<AlertsView> {
        Arc::clone(&self.view.borrow())
    }

    /// A receiver that sees each change, the newest only when it is slow. It closes when alerting ended.
    pub fn subscribe(&self) -> watch::Receiver<Arc<AlertsView>> {
        self.view.clone()
    }

    /// Follows these clusters from now on, in place of those before. Alerts of a cluster that stays go on; those of one
    /// that is left out resolve with reason `removed`.
    pub fn follow(
        &self,
        clusters: impl IntoIterator<Item = (ClusterName, watch::Receiver<Option<Arc<Snapshot>>>)>,
    ) {
        self.followed.send_replace(clusters.into_iter().collect());
    }
}

/// A view that knows nothing but the channels yet, the clusters that the handle wants followed, and the handle.
pub(super) fn channel(
    notifiers: &[Arc<dyn Notifier>],
) -> (
    watch::Sender<Arc<AlertsView>>,
    watch::Receiver<Vec<Followed>>,
    AlertsHandle,
) {
    let idle = |notifier: &Arc<dyn Notifier>| ChannelStats {
        name: notifier.name().to_owned(),
        ..ChannelStats::default()
    };
    let (sender, view) = watch::channel(Arc::new(AlertsView {
        channels: notifiers.iter().map(idle).collect(),
        ..AlertsView::default()
    }));
    let (following, followed) = watch::channel(Vec::new());
    let handle = AlertsHandle {
        view,
        followed: Arc::new(following),
    };
    (sender, followed, handle)
}

/// Publishes the engine's state and the counters, if anything differs from what was published.
pub(super) fn publish(
    view: &watch::Sender<Arc<AlertsView>>,
    engine: &AlertEngine,
    channels: Vec<ChannelStats>,
) {
    view.send_if_modified(|published| {
        let next = next(published, engine, channels);
        let same = Arc::ptr_eq(&next.active, &published.active)
            && next.events_recorded == published.events_recorded
            && next.refused_alerts == published.refused_alerts
            && next.channels == published.channels;
        if !same {
            *published = Arc::new(next);
        }
        !same
    });
}

/// The state to show; parts that did not change are shared with the state before.
fn next(before: &AlertsView, engine: &AlertEngine, channels: Vec<ChannelStats>) -> AlertsView {
    let active = engine.alerts();
    let unchanged = active == *before.active;
    let is_old = before.events_recorded == engine.events_recorded();
    AlertsView {
        active: if unchanged {
            Arc::clone(&before.active)
        } else {
            Arc::new(active)
        },
        history: if is_old {
            Arc::clone(&before.history)
        } else {
            Arc::new(engine.history().cloned().collect())
        },
        events_recorded: engine.events_recorded(),
        refused_alerts: engine.refused(),
        channels,
    }
}
