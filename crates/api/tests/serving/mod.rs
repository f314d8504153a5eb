//! A server that listens, as the daemon runs it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_alerting::{AlertPolicy, Alerting, AlertingOptions};
use etcd_monitor_api::{
    Access, BuildInfo, HostPolicy, HttpLimits, HttpOptions, ServeError, Source, bind, serve,
};
use etcd_monitor_model::{ClusterName, MonitorCondition, Snapshot};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A server on a free port of loopback.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) ended: JoinHandle<Result<(), ServeError>>,
}

/// Options with limits that a test can wait for.
pub(crate) fn impatient() -> HttpOptions {
    let mut options = patient();
    let short = Duration::from_millis(400);
    let limits: &mut HttpLimits = &mut options.limits;
    limits.first_request = short;
    limits.idle = short;
    limits.body = short / 2;
    limits.write_stall = short;
    limits.handshake = short;
    options
}

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
    let (_, snapshots) = watch::channel(Some(Arc::new(snapshot)));
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

impl Serving {
    pub(crate) async fn start(options: HttpOptions) -> Self {
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let source = source(&stop);
        let ended = tokio::spawn(serve(listener, source, options, stop.clone()));
        Self {
            address,
            stop,
            ended,
        }
    }
}
