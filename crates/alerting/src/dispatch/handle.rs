//! The handle: what others ask of alerting, and tell it.

use std::sync::Arc;

use etcd_monitor_model::{ClusterName, PartFailure, Snapshot, Stat, StatSource};
use jiff::Timestamp;
use tokio::sync::watch;

use super::AlertingOptions;
use super::channel::Channel;
use super::view::{AlertsView, ChannelStats};
use crate::policy::AlertPolicy;
use crate::silence::Mutes;
use crate::store::AlertStore;

/// A cluster and its snapshots; `None` until there is one.
pub type FollowedCluster = (ClusterName, watch::Receiver<Option<Arc<Snapshot>>>);

/// Access to what alerting knows, and to what it does. Cheap to clone.
#[derive(Clone, derive_more::Debug)]
pub struct AlertsHandle {
    view: watch::Receiver<Arc<AlertsView>>,
    #[debug(skip)]
    store: Arc<dyn AlertStore>,
    #[debug(skip)]
    orders: Arc<OrderSenders>,
}

/// What the handle tells the driver: of each kind only the newest counts.
struct OrderSenders {
    followed: watch::Sender<Vec<FollowedCluster>>,
    configuration: watch::Sender<Configuration>,
    mutes: watch::Sender<Mutes>,
}

/// The other end of what the handle tells.
pub(super) struct Orders {
    pub(super) followed: watch::Receiver<Vec<FollowedCluster>>,
    pub(super) configuration: watch::Receiver<Configuration>,
    pub(super) mutes: watch::Receiver<Mutes>,
}

/// What is to be told to whom.
#[derive(Debug, Clone)]
pub(super) struct Configuration {
    pub(super) policy: AlertPolicy,
    pub(super) channels: Vec<Channel>,
}

impl AlertsHandle {
    /// A view that knows nothing but the channels yet, what the handle orders, and the handle. The options are the first
    /// orders.
    pub(super) fn new(options: AlertingOptions) -> (watch::Sender<Arc<AlertsView>>, Orders, Self) {
        let configuration = Configuration {
            policy: options.policy,
            channels: options.channels,
        };
        let idle = configuration.channels.iter().map(ChannelStats::of);
        let (sender, view) = watch::channel(Arc::new(AlertsView {
            channels: idle.collect(),
            ..AlertsView::default()
        }));
        let senders = OrderSenders {
            followed: watch::Sender::new(options.snapshots),
            configuration: watch::Sender::new(configuration),
            mutes: watch::Sender::new(options.mutes),
        };
        let orders = Orders {
            followed: senders.followed.subscribe(),
            configuration: senders.configuration.subscribe(),
            mutes: senders.mutes.subscribe(),
        };
        let handle = Self {
            view,
            store: options.store,
            orders: Arc::new(senders),
        };
        (sender, orders, handle)
    }

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
    pub fn follow(&self, clusters: impl IntoIterator<Item = FollowedCluster>) {
        self.orders
            .followed
            .send_replace(clusters.into_iter().collect());
    }

    /// The clusters that are followed, as they change.
    #[cfg(feature = "http")]
    pub(crate) fn followed(&self) -> watch::Receiver<Vec<FollowedCluster>> {
        self.orders.followed.subscribe()
    }

    /// Goes by this policy and tells these channels from now on.
    ///
    /// What waits for a channel that stays (by its name) goes on; what waits for one that is gone becomes a dead letter.
    pub fn configure(&self, policy: AlertPolicy, channels: Vec<Channel>) {
        let configuration = Configuration { policy, channels };
        self.orders.configuration.send_replace(configuration);
    }

    /// Mutes what these say from now on, in place of those before.
    pub fn set_mutes(&self, mutes: Mutes) {
        self.orders.mutes.send_replace(mutes);
    }

    /// What becomes an alert and who is told, as ordered last.
    pub fn policy(&self) -> AlertPolicy {
        self.orders.configuration.borrow().policy.clone()
    }

    /// The channels as ordered last, each with what delivers: to try one with
    /// [`Notification::trial`](crate::Notification::trial), say. How each does is in [`AlertsView::channels`].
    pub fn channels(&self) -> Vec<Channel> {
        self.orders.configuration.borrow().channels.clone()
    }

    /// What people decided, as ordered last.
    pub fn mutes(&self) -> Mutes {
        self.orders.mutes.borrow().clone()
    }

    /// Since when nothing is stored, and why; `None` while it is. For a finding about the monitor.
    pub fn store_failure(&self) -> Option<PartFailure> {
        self.view.borrow().store.failing.clone()
    }

    /// Since when a channel does not do what it is there for, with the names of all that do not and the reasons; `None`
    /// while all do. For a finding about the monitor.
    pub fn delivery_failure(&self) -> Option<PartFailure> {
        let now = Timestamp::now();
        let view = self.latest();
        let failing = view.channels.iter().filter_map(|it| it.failure(now));
        failing.reduce(|one, other| PartFailure {
            since: one.since.min(other.since),
            reason: format!("{}; {}", one.reason, other.reason),
        })
    }
}

impl StatSource for AlertsHandle {
    fn stats(&self) -> Vec<Stat> {
        let view = self.latest();
        let channels = view.channels.iter().flat_map(stats_of);
        let of_all = [
            Stat::gauge(
                "etcd_monitor_dead_letters",
                "Notifications that were given up and are kept for people to see",
                view.dead_letters.len() as f64,
            ),
            Stat::counter(
                "etcd_monitor_alerts_refused_total",
                "Findings that made no alert because too many were followed, since the monitor started",
                view.refused_alerts,
            ),
            Stat::gauge(
                "etcd_monitor_alerts_store_failing",
                "1 while alerts and notifications are not stored, else 0",
                f64::from(u8::from(view.store.failing.is_some())),
            ),
        ];
        channels.chain(of_all).chain(self.store.stats()).collect()
    }
}

fn stats_of(channel: &ChannelStats) -> Vec<Stat> {
    let mut stats: Vec<Stat> = [
        ("delivered", channel.delivered),
        ("failed", channel.dead),
        ("dropped", channel.dropped),
        ("repetition_lost", channel.repetitions_lost),
    ]
    .into_iter()
    .map(|(result, count)| {
        let help = "Notifications by channel and what became of them, since the monitor started";
        Stat::counter("etcd_monitor_notifications_total", help, count)
            .label("channel", &channel.name)
            .label("result", result)
    })
    .collect();
    let age = channel.oldest_at.map_or(0.0, |at| {
        Timestamp::now().duration_since(at).as_secs_f64().max(0.0)
    });
    let others = [
        Stat::counter(
            "etcd_monitor_notification_failed_attempts_total",
            "Attempts to deliver a notification that failed, since the monitor started",
            channel.failed_attempts,
        ),
        Stat::gauge(
            "etcd_monitor_notifications_waiting",
            "Notifications that wait for their delivery or are being tried",
            channel.queued as f64,
        ),
        Stat::gauge(
            "etcd_monitor_notification_oldest_waiting_seconds",
            "Age of the notification that has waited longest; 0 while none waits",
            age,
        ),
        Stat::gauge(
            "etcd_monitor_channel_failing",
            "1 while every attempt of the channel fails, else 0",
            f64::from(u8::from(channel.failing_since.is_some())),
        ),
    ];
    stats.extend(others.map(|stat| stat.label("channel", &channel.name)));
    stats
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_waits_is_of_no_age_where_the_clock_was_set_back() {
        let age = |at| {
            let stats = stats_of(&ChannelStats {
                oldest_at: Some(at),
                ..ChannelStats::default()
            });
            let age = "etcd_monitor_notification_oldest_waiting_seconds";
            stats
                .into_iter()
                .find(|stat| stat.name == age)
                .unwrap()
                .value
        };
        let now = Timestamp::now();
        let ahead = age(now + Duration::from_hours(1));
        assert!(ahead.abs() < f64::EPSILON, "{ahead}");
        let hour = age(now - Duration::from_hours(1));
        assert!((3_600.0..3_700.0).contains(&hour), "{hour}");
    }
}
