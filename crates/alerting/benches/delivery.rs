//! The way of a notification: from the snapshot that shows a fault to the webhook's arrival, over a real file and a real
//! socket; what a commit costs; and ten thousand alerts at once.
//!
//! `cargo bench -p etcd-monitor-alerting --bench delivery`

#![allow(clippy::print_stdout, reason = "the result is what a bench is for")]
#![allow(clippy::unwrap_used, reason = "what goes wrong ends the bench")]

#[path = "../tests/scenario/mod.rs"]
mod scenario;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use etcd_monitor_alerting::{
    AlertPolicy, AlertStore, Alerting, AlertingOptions, AlertsHandle, AlertsView, Changes, Channel,
    FileAlertStore, Rule, StateRow, WebhookNotifier, WebhookOptions,
};
use etcd_monitor_model::{Severity, Snapshot};
use jiff::Timestamp;
use scenario::{Says, cluster, empty_snapshot, finding};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

const FAULTS: u64 = 300;
const COMMITS: u64 = 500;
const MANY: usize = 10_000;

#[tokio::main]
async fn main() {
    rustls::crypto::ring::default_provider()
        .install_default()
        .unwrap();
    commits();
    one_fault_at_a_time().await;
    many_at_once("one group", AlertPolicy::to_channels(["webhook"])).await;
    many_at_once("a group each", each_alone()).await;
    a_channel_that_hangs().await;
}

/// The times of the percentiles, in milliseconds.
fn show(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |percent: usize| {
        let index = (times.len() - 1) * percent / 100;
        times[index].as_secs_f64() * 1_000.0
    };
    println!(
        "{what}: p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms ({} times)",
        at(50),
        at(99),
        at(100),
        times.len()
    );
}

/// One alert with one notification per transaction.
fn commits() {
    let folder = TempDir::new().unwrap();
    let store = FileAlertStore::open(folder.path().join("alerts.redb")).unwrap();
    let mut times = Vec::new();
    for number in 0..COMMITS {
        let mut changes = Changes::default();
        let key = format!("alert/{number}");
        let value = Some(vec![b'x'; 1_500]);
        changes.rows.push(StateRow { key, value });
        changes
            .waiting
            .insert(number, Some(vec![b'x'; 2_000].into()));
        let began = Instant::now();
        store.commit(&changes).unwrap();
        times.push(began.elapsed());
    }
    show("commit of an alert and a notification", times);
}

/// Alerting at work on a file and a webhook.
struct Bench {
    _folder: TempDir,
    snapshots: watch::Sender<Option<Arc<Snapshot>>>,
    handle: AlertsHandle,
    arrivals: mpsc::UnboundedReceiver<Instant>,
    cancel: CancellationToken,
}

fn each_alone() -> AlertPolicy {
    let mut policy = AlertPolicy::to_channels(["webhook"]);
    policy.route.group_by = Some(vec!["...".to_owned()]);
    policy.route.timing.group_wait = Some(Duration::ZERO);
    policy
}

impl Bench {
    async fn start(policy: AlertPolicy) -> Self {
        let (told, arrivals) = mpsc::unbounded_channel();
        let url = receive(told).await;
        Self::start_to(&url, policy, arrivals)
    }

    fn start_to(
        url: &str,
        mut policy: AlertPolicy,
        arrivals: mpsc::UnboundedReceiver<Instant>,
    ) -> Self {
        policy.rules = vec![Rule::new("MemberDown", Duration::ZERO)];
        let folder = TempDir::new().unwrap();
        let hook = WebhookNotifier::new(url, WebhookOptions::default()).unwrap();
        let (snapshots, receiver) = watch::channel(None);
        let cancel = CancellationToken::new();
        let mut options = AlertingOptions::new(policy, vec![Channel::new(Arc::new(hook))]);
        options.snapshots = vec![(cluster(), receiver)];
        options.store = Arc::new(FileAlertStore::open(folder.path().join("alerts.redb")).unwrap());
        let (alerting, handle) = Alerting::new(options, cancel.clone());
        tokio::spawn(alerting.run());
        Self {
            _folder: folder,
            snapshots,
            handle,
            arrivals,
            cancel,
        }
    }

    /// Publishes a snapshot in which these members are down.
    fn publish(&self, cycle: u64, down: impl Iterator<Item = String>) {
        let mut snapshot = empty_snapshot(cycle, Timestamp::now());
        let says = Says::True(Severity::Warning);
        let findings = down.filter_map(|name| finding(&name, says, snapshot.at));
        snapshot.findings = findings.collect();
        self.snapshots.send_replace(Some(Arc::new(snapshot)));
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

async fn receive(told: mpsc::UnboundedSender<Instant>) -> String {
    let app = Router::new().fallback(take).with_state(told);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

async fn take(State(told): State<mpsc::UnboundedSender<Instant>>) {
    let _ = told.send(Instant::now());
}

/// Each fault is told before the next one comes.
async fn one_fault_at_a_time() {
    let mut bench = Bench::start(each_alone()).await;
    let mut times = Vec::new();
    for fault in 1..=FAULTS {
        let began = Instant::now();
        bench.publish(fault, (1..=fault).map(|number| format!("m{number}")));
        let arrived = bench.arrivals.recv().await.unwrap();
        times.push(arrived.duration_since(began));
    }
    show("snapshot with a fault to the webhook's arrival", times);
}

/// More than the queue of a channel holds, which takes nothing.
async fn a_channel_that_hangs() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let bench = Bench::start_to(&url, each_alone(), mpsc::unbounded_channel().1);
    let began = Instant::now();
    bench.publish(1, (0..MANY).map(|number| format!("m{number}")));
    let mut views = bench.handle.subscribe();
    let settled = |view: &Arc<AlertsView>| {
        let channel = &view.channels[0];
        channel.dropped + channel.queued == MANY as u64 && view.dead_letters.len() == 1_000
    };
    let view = views.wait_for(settled).await.unwrap().clone();
    println!(
        "{MANY} alerts at once to a channel that hangs: all settled after {:.0} ms; {} wait, {} dropped",
        began.elapsed().as_secs_f64() * 1_000.0,
        view.channels[0].queued,
        view.channels[0].dropped
    );
}

async fn many_at_once(how: &str, policy: AlertPolicy) {
    let mut bench = Bench::start(policy).await;
    let began = Instant::now();
    bench.publish(1, (0..MANY).map(|number| format!("m{number}")));
    let first = bench.arrivals.recv().await.unwrap();
    let mut views = bench.handle.subscribe();
    let done = |view: &Arc<AlertsView>| {
        view.active.len() == MANY && view.channels.iter().all(|it| it.queued == 0)
    };
    let view = views.wait_for(done).await.unwrap().clone();
    println!(
        "{MANY} alerts at once, {how}: first after {:.0} ms, all after {:.0} ms; {} delivered, {} dropped",
        first.duration_since(began).as_secs_f64() * 1_000.0,
        began.elapsed().as_secs_f64() * 1_000.0,
        view.channels[0].delivered,
        view.channels[0].dropped
    );
}
