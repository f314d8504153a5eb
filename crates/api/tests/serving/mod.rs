//! What a server of the tests answers from.

use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_alerting::{AlertPolicy, Alerting, AlertingOptions};
use etcd_monitor_api::{Access, BuildInfo, HostPolicy, HttpOptions, Source};
use etcd_monitor_model::{ClusterName, MonitorCondition, Snapshot};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Options with the limits that users have.
pub(crate) fn patient() -> HttpOptions {
    let hosts = HostPolicy::new(["monitor.example".to_owned()]);
    HttpOptions::new(hosts, Access::open())
}

/// What a server answers from: one cluster after its first cycle.
pub(crate) fn source(stop: &CancellationToken) -> Source {
    let condition = MonitorCondition {
        timer_lag_seconds: 0.0,
        deadline_seconds: 2.0,
    };
    let name = ClusterName::new("c");
    let mut snapshot = Snapshot::empty(name.clone(), Timestamp::now(), condition);
    snapshot.cycle = 1;
    let (watching, snapshots) = watch::channel(Some(Arc::new(snapshot)));
    let stopped = stop.clone();
    // The cluster is watched until the stop: live events of it have no other end.
    tokio::spawn(async move {
        stopped.cancelled().await;
        drop(watching);
    });
    let policy = AlertPolicy::to_channels([""; 0]);
    let (_, alerts) = Alerting::new(AlertingOptions::new(policy, Vec::new()), stop.clone());
    let interval = Duration::from_secs(5);
    let clusters = vec![(name, snapshots)];
    Source::new(
        clusters,
        alerts,
        BuildInfo::default(),
        interval,
        stop.clone(),
    )
}
