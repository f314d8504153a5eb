//! The sign of life against a real HTTP server: it stops with the probes, and comes back with them.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use etcd_monitor_alerting::{
    AlertPolicy, Alerting, AlertingOptions, AlertsHandle, Heartbeat, HeartbeatHandle,
    HeartbeatMethod, HeartbeatOptions,
};
use etcd_monitor_model::{ClusterName, Snapshot, StatSource};
use jiff::Timestamp;
use scenario::empty_snapshot;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

mod scenario;

const PERIOD: Duration = Duration::from_millis(200);
const SOON: Duration = Duration::from_secs(20);

/// A server that tells of each call, and answers what it is told to.
struct Receiver {
    url: String,
    calls: mpsc::UnboundedReceiver<(Method, Uri)>,
    fails: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

type Told = (mpsc::UnboundedSender<(Method, Uri)>, Arc<AtomicBool>);

impl Receiver {
    async fn start() -> Self {
        let (sender, calls) = mpsc::unbounded_channel();
        let fails = Arc::new(AtomicBool::new(false));
        let app = Router::new()
            .fallback(take)
            .with_state((sender, Arc::clone(&fails)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/ping/verysecret", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            url,
            calls,
            fails,
            task,
        }
    }

    async fn call(&mut self) -> (Method, Uri) {
        timeout(SOON, self.calls.recv()).await.unwrap().unwrap()
    }

    /// Whether none comes for several periods.
    async fn is_silent(&mut self) -> bool {
        while self.calls.try_recv().is_ok() {}
        timeout(5 * PERIOD, self.calls.recv()).await.is_err()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(State((told, fails)): State<Told>, method: Method, uri: Uri) -> StatusCode {
    told.send((method, uri)).unwrap();
    if fails.load(Ordering::Relaxed) {
        StatusCode::INTERNAL_SERVER_ERROR
    } else {
        StatusCode::OK
    }
}

/// Clusters whose snapshots advance by themselves, until they are held.
struct Probes {
    clusters: Vec<(ClusterName, watch::Receiver<Option<Arc<Snapshot>>>)>,
    held: Vec<Arc<AtomicBool>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Probes {
    fn start(names: &[&str]) -> Self {
        let mut probes = Self {
            clusters: Vec::new(),
            held: Vec::new(),
            tasks: Vec::new(),
        };
        for name in names {
            let (sender, receiver) = watch::channel(None);
            let held = Arc::new(AtomicBool::new(false));
            let name = ClusterName::new(*name);
            probes.clusters.push((name.clone(), receiver));
            probes.held.push(Arc::clone(&held));
            probes.tasks.push(tokio::spawn(probe(name, sender, held)));
        }
        probes
    }

    fn hold(&self, index: usize, held: bool) {
        self.held[index].store(held, Ordering::Relaxed);
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn probe(
    name: ClusterName,
    sender: watch::Sender<Option<Arc<Snapshot>>>,
    held: Arc<AtomicBool>,
) {
    let cycle = AtomicU64::new(0);
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    loop {
        ticks.tick().await;
        if !held.load(Ordering::Relaxed) {
            let cycle = cycle.fetch_add(1, Ordering::Relaxed) + 1;
            let mut snapshot = empty_snapshot(cycle, Timestamp::now());
            snapshot.cluster = name.clone();
            snapshot.interval_seconds = 0.05;
            sender.send_replace(Some(Arc::new(snapshot)));
        }
    }
}

/// Alerting on the probes, and its sign of life.
struct Living {
    alerts: AlertsHandle,
    handle: HeartbeatHandle,
    alerting: CancellationToken,
    cancel: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

fn live(url: &str, probes: &Probes, method: HeartbeatMethod) -> Living {
    // An error says that another test of this binary was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (alerting, cancel) = (CancellationToken::new(), CancellationToken::new());
    let policy = AlertPolicy::to_channels(Vec::<String>::new());
    let mut options = AlertingOptions::new(policy, Vec::new());
    options.snapshots.clone_from(&probes.clusters);
    let (driver, alerts) = Alerting::new(options, alerting.clone());
    let mut options = HeartbeatOptions::new(url.into());
    options.period = PERIOD;
    options.method = method;
    let (heartbeat, handle) = Heartbeat::new(&options, &alerts).unwrap();
    let tasks = vec![
        tokio::spawn(async move { driver.run().await.unwrap() }),
        tokio::spawn(heartbeat.run(cancel.clone())),
    ];
    Living {
        alerts,
        handle,
        alerting,
        cancel,
        tasks,
    }
}

impl Living {
    async fn until_withheld(&self) -> String {
        let mut status = self.handle.subscribe();
        let withheld = status.wait_for(|status| status.withheld.is_some());
        let status = timeout(SOON, withheld).await.unwrap().unwrap();
        status.withheld.clone().unwrap()
    }

    async fn end(self) {
        self.alerting.cancel();
        self.cancel.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

#[tokio::test]
async fn it_beats_while_every_cluster_advances_and_only_then() {
    let mut receiver = Receiver::start().await;
    let probes = Probes::start(&["a", "b"]);
    let living = live(&receiver.url, &probes, HeartbeatMethod::Get);
    for _ in 0..3 {
        let (method, uri) = receiver.call().await;
        assert_eq!((method, uri.path()), (Method::GET, "/ping/verysecret"));
    }
    assert_eq!(living.handle.latest().error, None);

    probes.hold(1, true);
    let reason = living.until_withheld().await;
    assert!(reason.contains("cluster b"), "{reason}");
    assert!(
        receiver.is_silent().await,
        "the process lives, and sees nothing new"
    );
    let stats = living.handle.stats();
    let withheld = stats
        .iter()
        .find(|it| it.name == "etcd_monitor_heartbeat_withheld");
    assert!(withheld.is_some_and(|it| it.value > 0.5));

    probes.hold(1, false);
    receiver.call().await;
    probes.hold(0, true);
    living.until_withheld().await;
    living.alerts.follow([probes.clusters[1].clone()]);
    receiver.call().await;
    living.end().await;
}

#[tokio::test]
async fn it_ends_with_alerting() {
    let mut receiver = Receiver::start().await;
    let probes = Probes::start(&["a"]);
    let living = live(&receiver.url, &probes, HeartbeatMethod::Post);
    assert_eq!(receiver.call().await.0, Method::POST);
    living.alerting.cancel();
    assert_eq!(living.until_withheld().await, "alerting has ended");
    assert!(receiver.is_silent().await);
    living.end().await;
}

#[tokio::test]
async fn one_that_is_not_taken_is_tried_a_few_times_counted_and_told_without_its_secret() {
    let mut receiver = Receiver::start().await;
    receiver.fails.store(true, Ordering::Relaxed);
    let probes = Probes::start(&["a"]);
    let living = live(&receiver.url, &probes, HeartbeatMethod::Get);
    let mut status = living.handle.subscribe();
    let failed = status.wait_for(|status| status.failed == 2);
    let error = timeout(SOON, failed).await.unwrap().unwrap().error.clone();
    let error = error.unwrap();
    assert!(
        error.contains("500") && !error.contains("verysecret"),
        "{error}"
    );
    let mut calls = 0;
    while receiver.calls.try_recv().is_ok() {
        calls += 1;
    }
    assert!((6..=9).contains(&calls), "three attempts per beat: {calls}");
    receiver.fails.store(false, Ordering::Relaxed);
    let sent = status.wait_for(|status| status.sent > 0);
    assert_eq!(timeout(SOON, sent).await.unwrap().unwrap().error, None);
    living.end().await;
}

#[tokio::test]
async fn a_url_that_cannot_be_called_is_refused() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let policy = AlertPolicy::to_channels(Vec::<String>::new());
    let options = AlertingOptions::new(policy, Vec::new());
    let (_alerting, alerts) = Alerting::new(options, CancellationToken::new());
    let options = HeartbeatOptions::new("ftp://host/verysecret".into());
    let error = Heartbeat::new(&options, &alerts).unwrap_err().to_string();
    assert!(
        error.contains("ftp") && !error.contains("verysecret"),
        "{error}"
    );
}
