//! The composition root: builds the parts, runs them, and stops them in order.

mod alerting;
mod benchmarks;
mod control;
mod heartbeat;
mod history;
mod open_files;
mod server;
mod signals;
mod tasks;
mod watching;
mod web;

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use etcd_monitor_alerting::AlertsHandle;
use etcd_monitor_api::{BuildInfo, HostPolicy, HttpOptions, PreparedTls, Source, bind};
use etcd_monitor_core::{BlackBox, BlackBoxOptions, SnapshotReceiver};
use etcd_monitor_model::{ClusterName, StatSource};
use tokio_util::sync::CancellationToken;

use crate::benchmark;
use crate::cli::Cli;
use crate::config::{Config, ConfigError};
use crate::data_dir::DataDir;
use alerting::Stops;
use benchmarks::Targets;
use control::DaemonControl;
use heartbeat::LifeSign;
use server::Server;
pub(crate) use signals::{Signal, Signals};
use tasks::Tasks;
use watching::{Shared, Watching};
use web::Web;

/// How long everything may take to stop, so that a supervisor that waits 5 s need not kill.
const STOP_DEADLINE: Duration = Duration::from_millis(4_500);

/// Watches, alerts and serves until SIGTERM or Ctrl-C. A part that ends by itself ends the whole, with its name.
/// SIGHUP reads the configuration again, as `cli` says where it is.
///
/// Where the flags ask for a benchmark it runs that instead, and opens no store.
pub async fn run(config: Config, cli: Cli) -> anyhow::Result<()> {
    if cli.benchmark.run_benchmark {
        return benchmark::run(&config, &cli.benchmark).await;
    }
    let mut signals = Signals::new()?;
    let (control, mut orders) = DaemonControl::new(&config, cli.config.as_deref());
    let mut daemon = Daemon::start(config, control).await?;
    loop {
        tokio::select! {
            signal = signals.next() => match signal {
                #[cfg(unix)]
                Signal::Reload => {
                    // It is in the log and in the status.
                    let _ = daemon.reload_or_say_why_not("SIGHUP", cli.clone()).await;
                }
                Signal::Stop(why) => {
                    tracing::info!("Stopping: {why}");
                    return daemon.stop().await;
                }
            },
            Some(told) = orders.recv() => {
                let outcome = daemon.reload_or_say_why_not("API", cli.clone()).await;
                // Who asked may have left.
                let _ = told.send(outcome);
            }
            ended = daemon.tasks.next_ended() => {
                daemon.stop().await?;
                return Err(ended);
            }
        }
    }
}

struct Daemon {
    config: Config,
    tasks: Tasks,
    watching: Watching,
    shared: Shared,
    alerts: AlertsHandle,
    life_sign: LifeSign,
    targets: Targets,
    source: Source,
    web: Web,
    control: DaemonControl,
    /// Ends alerting and storing, once there is nothing more to tell.
    stop_last: CancellationToken,
}

/// Tasks that end after those that feed them.
const LAST: [&str; 4] = [alerting::TASK, history::FILE, history::REMOTE, web::AUDIT];

impl Daemon {
    async fn start(config: Config, control: DaemonControl) -> anyhow::Result<Self> {
        config.say_warnings();
        let listener = bind(config.address).await?;
        let url = format!("{}://{}/", config.scheme(), listener.local_addr()?);
        let data_dir = DataDir::open(&config.data_dir)?;
        let (stop, stop_last) = (CancellationToken::new(), CancellationToken::new());
        let mut tasks = Tasks::default();
        let history = history::open(&config, &data_dir, &mut tasks, &stop_last).await?;
        let shared = Shared {
            black_box: black_box(&config, &data_dir, &mut tasks),
            history: history.store,
            data_dir,
            alerts: Arc::default(),
            stop: stop.clone(),
        };
        let mut watching = Watching::new(&mut tasks, &shared);
        watching
            .set(&config.clusters, config.interval, &shared, &mut tasks)
            .await?;
        let snapshots = watching.subscribe();
        let stops = Stops {
            first: &stop,
            last: &stop_last,
        };
        let follow = snapshots.clone();
        let alerts =
            alerting::start(&config.alerts, follow, &shared.data_dir, &mut tasks, stops).await?;
        // It is set once, here.
        let _ = shared.alerts.set(alerts.clone());
        let mut life_sign = LifeSign::default();
        let plan = life_sign.plan(config.alerts.heartbeat.as_ref(), &alerts)?;
        life_sign.set(plan, &mut tasks, &stop);
        let targets = Targets::default();
        targets.set(&config.clusters);
        let benchmarks =
            benchmarks::start(targets.clone(), &shared.data_dir, &mut tasks, &stop).await?;
        let source = source(&config, snapshots, alerts.clone(), &shared)
            .with_benchmarks(benchmarks)
            .with_control(Arc::new(control.clone()));
        let alerting_stats: Arc<dyn StatSource> = Arc::new(alerts.clone());
        let stats = history.stats.into_iter().chain([
            alerting_stats,
            life_sign.stats(),
            Arc::new(control.clone()) as _,
        ]);
        let (web, audit) = Web::start(&config, &shared.data_dir, &mut tasks, &stop_last)?;
        let source = stats.chain([audit]).fold(source, Source::with_stats);
        web::follow(&config, &web, &control, &mut tasks, &stop);
        let server = Server {
            listener: listener.into_std()?,
            source: source.clone(),
            options: http_options(&config, &web),
            stop,
        };
        tasks.spawn_fallible("HTTP server", server.run());
        tracing::info!(url, "Dashboard, API and metrics are served");
        Ok(Self {
            config,
            tasks,
            watching,
            shared,
            alerts,
            life_sign,
            targets,
            source,
            web,
            control,
            stop_last,
        })
    }

    /// Live events end first, with the probing; then alerting delivers what it holds; then the store is closed.
    async fn stop(&mut self) -> anyhow::Result<()> {
        self.shared.stop.cancel();
        self.shared.black_box = None;
        let stopping = async {
            self.tasks.join_except(&LAST).await;
            self.stop_last.cancel();
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

impl Daemon {
    /// Reads the configuration again because `who` asks for it; the log and the status say what came of it.
    async fn reload_or_say_why_not(&mut self, who: &str, cli: Cli) -> Result<(), String> {
        let outcome = self.reload(cli).await;
        match &outcome {
            Ok(()) => tracing::info!("{who}: the configuration was read again and is applied"),
            Err(error) => tracing::error!(
                "{who}: the configuration was not applied, the one before goes on: {error:#}"
            ),
        }
        let outcome = outcome.map_err(|error| format!("{error:#}"));
        self.control.reloaded(&outcome);
        outcome
    }

    /// Reads and checks the whole configuration, then applies it. Where it fails, nothing has changed.
    async fn reload(&mut self, cli: Cli) -> anyhow::Result<()> {
        // A file on a slow disk delays no probe.
        let reading = tokio::task::spawn_blocking(move || read_again(&cli));
        let (next, tls) = reading.await??;
        next.say_warnings();
        let fixed = self.config.fixed_that_differ(&next);
        if !fixed.is_empty() {
            let keys = fixed.join(", ");
            self.control.needs_restart(fixed);
            return Err(ConfigError::new(format!("{keys}: only a restart changes this")).into());
        }
        let life = next.alerts.heartbeat.as_ref();
        let life = self.life_sign.plan(life, &self.alerts)?;
        self.watching
            .set(&next.clusters, next.interval, &self.shared, &mut self.tasks)
            .await?;
        self.life_sign.set(life, &mut self.tasks, &self.shared.stop);
        let snapshots = self.watching.subscribe();
        let alerts = &next.alerts;
        self.alerts
            .configure(alerts.policy.clone(), alerts.channels());
        self.alerts.follow(snapshots.clone());
        self.targets.set(&next.clusters);
        self.source.watch(snapshots, next.interval);
        if let Some(web) = &next.web {
            self.web.apply(&web.config, tls);
        }
        self.control.applied(&next);
        self.config = next;
        Ok(())
    }
}

/// The configuration, and the TLS that its web configuration file describes.
fn read_again(cli: &Cli) -> anyhow::Result<(Config, Option<PreparedTls>)> {
    let config = Config::load(cli)?;
    let web = config.web.as_ref();
    let tls = web.map(|web| web::prepared(&web.config)).transpose()?;
    Ok((config, tls.flatten()))
}

fn http_options(config: &Config, web: &Web) -> HttpOptions {
    let hosts = HostPolicy::new(config.allowed_hosts.clone());
    let mut options = HttpOptions::new(hosts, web.access.clone());
    options.tls.clone_from(&web.tls);
    options.cors_origins.clone_from(&config.cors_origins);
    options.limits.connections = open_files::connections(options.limits.connections);
    options
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

fn source(
    config: &Config,
    snapshots: Vec<(ClusterName, SnapshotReceiver)>,
    alerts: AlertsHandle,
    shared: &Shared,
) -> Source {
    let mut build = BuildInfo::default();
    env!("CARGO_PKG_VERSION").clone_into(&mut build.version);
    env!("ETCD_MONITOR_BUILD_COMMIT").clone_into(&mut build.commit);
    let source = Source::new(
        snapshots,
        alerts,
        build,
        config.interval,
        shared.stop.clone(),
    );
    let source = source
        .with_history(Arc::clone(&shared.history) as _)
        .with_mutes(shared.data_dir.mutes());
    match &shared.black_box {
        Some(black_box) => source.with_recordings(black_box.recordings()),
        None => source,
    }
}
