//! The composition root: builds the parts, runs them, and stops them in order.

mod server;
mod signals;
mod tasks;

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use etcd_monitor_alerting::{
    Alerting, AlertsHandle, ConsoleNotifier, Notifier, WebhookNotifier, WebhookOptions,
};
use etcd_monitor_api::{BuildInfo, HostPolicy, Source, bind};
use etcd_monitor_core::{
    AssessState, BlackBox, BlackBoxOptions, Endpoint, EtcdProbe, Fleet, Monitor, MonitorOptions,
    SnapshotReceiver, StateFile, StateFileError,
};
use etcd_monitor_model::ClusterName;
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;

use crate::config::{ClusterConfig, Config, ConfigError};
use crate::data_dir::DataDir;
use server::Server;
use signals::Signals;
use tasks::Tasks;

/// How long everything may take to stop, so that a supervisor that waits 5 s need not kill.
const STOP_DEADLINE: Duration = Duration::from_millis(4_500);

/// Watches, alerts and serves until SIGTERM or Ctrl-C. A part that ends by itself ends the whole, with its name.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let mut daemon = Daemon::start(config).await?;
    tokio::select! {
        signal = signals.next() => tracing::info!("Stopping: {signal}"),
        ended = daemon.tasks.next_ended() => {
            daemon.stop().await?;
            return Err(ended);
        }
    }
    daemon.stop().await
}

struct Daemon {
    tasks: Tasks,
    /// Ends serving and probing.
    stop: CancellationToken,
    /// Ends alerting, once there is nothing more to tell.
    stop_alerting: CancellationToken,
    /// Its writer ends when this is dropped and every monitor has ended.
    black_box: Option<BlackBox>,
    /// Locked until the daemon has stopped.
    _data_dir: DataDir,
}

impl Daemon {
    async fn start(config: Config) -> anyhow::Result<Self> {
        let notifiers = notifiers(&config)?;
        let probes: Vec<EtcdProbe> = config
            .clusters
            .iter()
            .map(|cluster| probe(cluster, config.interval))
            .collect::<Result<_, _>>()?;
        let listener = bind(config.address).await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let data_dir = DataDir::open(&config.data_dir)?;
        let (stop, stop_alerting) = (CancellationToken::new(), CancellationToken::new());
        let mut tasks = Tasks::default();
        let black_box = black_box(&config, &data_dir, &mut tasks);
        let parts = Parts {
            data_dir: &data_dir,
            black_box: black_box.as_ref(),
        };
        let snapshots = watch(&config, probes, parts, &mut tasks, &stop).await?;
        let receivers = snapshots.iter().map(|(_, receiver)| receiver.clone());
        let (alerting, alerts) = Alerting::new(
            config.rules.clone(),
            receivers,
            notifiers,
            stop_alerting.clone(),
        );
        tasks.spawn("alerting", alerting.run());
        let mut source = source(&config, snapshots, alerts, &stop);
        if let Some(black_box) = &black_box {
            source = source.with_recordings(black_box.recordings());
        }
        let hosts = HostPolicy::new(config.allowed_hosts.clone());
        let server = Server {
            listener: listener.into_std()?,
            source,
            hosts,
            stop: stop.clone(),
        };
        tasks.spawn_fallible("HTTP server", server.run());
        announce(&config, &url);
        Ok(Self {
            tasks,
            stop,
            stop_alerting,
            black_box,
            _data_dir: data_dir,
        })
    }

    /// Live events end first, with the probing; then alerting delivers what it holds; then the store is closed.
    async fn stop(&mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.black_box = None;
        let stopping = async {
            self.tasks.join_except("alerting").await;
            self.stop_alerting.cancel();
            self.tasks.join_all().await;
        };
        tokio::time::timeout(STOP_DEADLINE, stopping)
            .await
            .map_err(|_| {
                anyhow!(
                    "stopping took longer than {} s and was cut off",
                    STOP_DEADLINE.as_secs_f64()
                )
            })
    }
}

fn notifiers(config: &Config) -> anyhow::Result<Vec<Arc<dyn Notifier>>> {
    let mut notifiers: Vec<Arc<dyn Notifier>> = vec![Arc::new(ConsoleNotifier::stderr())];
    if let Some(url) = &config.webhook_url {
        let url = url.expose_secret();
        let webhook = WebhookNotifier::new(url, WebhookOptions::default());
        let webhook =
            webhook.map_err(|error| ConfigError::new(format!("--webhook-url: {error}")))?;
        notifiers.push(Arc::new(webhook));
    }
    Ok(notifiers)
}

fn probe(cluster: &ClusterConfig, interval: Duration) -> Result<EtcdProbe, ConfigError> {
    let mut options = cluster.probe_options(interval);
    options.canary.clone_from(&cluster.canary);
    EtcdProbe::new(options)
        .map_err(|error| ConfigError::new(format!("cluster {:?}: {error}", cluster.name.as_str())))
}

/// What the monitors keep things in.
#[derive(Clone, Copy)]
struct Parts<'a> {
    data_dir: &'a DataDir,
    black_box: Option<&'a BlackBox>,
}

/// Opens the black box, where it is on, and starts its writer.
fn black_box(config: &Config, data_dir: &DataDir, tasks: &mut Tasks) -> Option<BlackBox> {
    let wanted = config.black_box?;
    let mut options = BlackBoxOptions::new(data_dir.black_box());
    options.window = wanted.window;
    options.bytes = wanted.bytes;
    let (black_box, writer) = BlackBox::open(options);
    tasks.spawn("black box", writer.run());
    Some(black_box)
}

/// Starts a monitor for each cluster, and the fleet over them.
async fn watch(
    config: &Config,
    probes: Vec<EtcdProbe>,
    parts: Parts<'_>,
    tasks: &mut Tasks,
    stop: &CancellationToken,
) -> anyhow::Result<Vec<(ClusterName, SnapshotReceiver)>> {
    let mut assessed = Vec::new();
    for (cluster, probe) in config.clusters.iter().zip(probes) {
        let state_file = parts.data_dir.state_file(&cluster.name);
        let state = remembered(&state_file).await?;
        let mut options = MonitorOptions::default();
        options.interval = config.interval;
        options.parameters = cluster.parameters.clone();
        options.state_file = Some(state_file);
        options.recorder = parts
            .black_box
            .map(|black_box| black_box.recorder(cluster.name.clone(), cluster.parameters.clone()));
        let monitor = Monitor::new(probe, options).with_state(state);
        assessed.push((cluster.name.clone(), monitor.subscribe()));
        tasks.spawn("monitor", monitor.run(stop.clone()));
    }
    let fleet = Fleet::new(assessed);
    let published = fleet.subscribe();
    tasks.spawn("fleet", fleet.run(stop.clone()));
    Ok(published)
}

/// What an earlier run remembered. A corrupt file costs the memory, not the start; a newer one is refused.
async fn remembered(file: &StateFile) -> anyhow::Result<AssessState> {
    match file.load().await {
        Ok(state) => Ok(state.unwrap_or_default()),
        Err(error @ StateFileError::Corrupt { .. }) => {
            tracing::warn!("{error}");
            Ok(AssessState::default())
        }
        Err(error) => Err(error.into()),
    }
}

fn source(
    config: &Config,
    snapshots: Vec<(ClusterName, SnapshotReceiver)>,
    alerts: AlertsHandle,
    stop: &CancellationToken,
) -> Source {
    let mut build = BuildInfo::default();
    env!("CARGO_PKG_VERSION").clone_into(&mut build.version);
    env!("ETCD_MONITOR_BUILD_COMMIT").clone_into(&mut build.commit);
    Source::new(snapshots, alerts, build, config.interval, stop.clone())
}

fn announce(config: &Config, url: &str) {
    for cluster in &config.clusters {
        let endpoints: Vec<&str> = cluster.endpoints.iter().map(Endpoint::as_str).collect();
        tracing::info!(
            "Watching cluster {} at {}",
            cluster.name,
            endpoints.join(", ")
        );
    }
    tracing::info!(url, "Dashboard, API and metrics are served");
}
