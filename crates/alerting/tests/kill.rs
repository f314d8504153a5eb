//! `kill -9` at any instant: no accepted notification is lost, none is told under two ids, and the alerts go on.
//!
//! The process that is killed is this test itself, run once more with a folder in its environment. What it watches is a
//! script over the wall clock: in every step another member goes down, for some steps, and never again. So each member
//! is to be told as down at most once, and then as back exactly once, whoever of the killed processes saw what.

#![cfg(all(unix, feature = "http"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Json, Router};
use etcd_monitor_alerting::{
    AlertPolicy, AlertStore, Alerting, AlertingOptions, AlertsHandle, Channel, FileAlertStore,
    Notification, Rule, WebhookNotifier, WebhookOptions,
};
use etcd_monitor_model::{Severity, Snapshot};
use jiff::Timestamp;
use scenario::{Says, cluster, empty_snapshot, finding};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

mod scenario;

/// Where the child works, and what it calls.
const FOLDER: &str = "ETCD_MONITOR_TEST_ALERTS_FOLDER";
const URL: &str = "ETCD_MONITOR_TEST_ALERTS_URL";
const CHILD: &str = "child_that_alerts_until_it_is_killed";

const KILLS: u32 = 100;

/// A child lives for up to so many microseconds, its start included.
const LIFE_MAX: u64 = 400_000;

const STEP: Duration = Duration::from_millis(20);

/// How many steps a member is down, and then how many it is said to be back.
const STEPS: u64 = 6;

/// The script: when it began, and in which step the last member goes down.
struct Script {
    began: Timestamp,
    end: u64,
}

impl Script {
    fn read(folder: &Path) -> Self {
        let number = |name: &str| std::fs::read_to_string(folder.join(name));
        let began = number("began").unwrap().parse().unwrap();
        let end = number("end").map_or(u64::MAX, |end| end.parse().unwrap());
        Self {
            began: Timestamp::from_millisecond(began).unwrap(),
            end,
        }
    }

    fn step(&self) -> u64 {
        let passed = Timestamp::now().duration_since(self.began).as_millis();
        u64::try_from(passed / i128::try_from(STEP.as_millis()).unwrap()).unwrap()
    }

    fn is_over(&self) -> bool {
        self.step() > self.end.saturating_add(STEPS)
    }

    /// What is seen now. A member that went down long ago is not spoken of any more; one is always well, so that the rule
    /// is always judged.
    fn snapshot(&self) -> Snapshot {
        let step = self.step();
        let mut snapshot = empty_snapshot(step + 1, Timestamp::now());
        snapshot.interval_seconds = STEP.as_secs_f64();
        let well = finding("well", Says::False, snapshot.at);
        snapshot.findings.extend(well);
        for down in step.saturating_sub(2 * STEPS)..=step.min(self.end) {
            let says = if step - down < STEPS {
                Says::True(Severity::Warning)
            } else {
                Says::False
            };
            snapshot
                .findings
                .extend(finding(&format!("m{down}"), says, snapshot.at));
        }
        snapshot
    }
}

/// Not a test of its own: what the child does, until it is killed, or until the script is over and everything is told.
#[tokio::test]
async fn child_that_alerts_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    rustls::crypto::ring::default_provider()
        .install_default()
        .unwrap();
    let script = Script::read(&folder);
    let (snapshots, receiver) = watch::channel(None);
    let cancel = CancellationToken::new();
    let mut options = AlertingOptions::new(at_once(), vec![hook()]);
    options.snapshots = vec![(cluster(), receiver)];
    options.store = Arc::new(FileAlertStore::open(folder.join("alerts.redb")).unwrap());
    let (alerting, handle) = Alerting::new(options, cancel.clone());
    let running = tokio::spawn(alerting.run());
    while !(script.is_over() && everything_is_told(&handle)) {
        snapshots.send_replace(Some(Arc::new(script.snapshot())));
        tokio::time::sleep(STEP / 2).await;
    }
    cancel.cancel();
    running.await.unwrap().unwrap();
}

fn hook() -> Channel {
    let url = std::env::var(URL).unwrap();
    let hook = WebhookNotifier::new(&url, WebhookOptions::default()).unwrap();
    Channel::new(Arc::new(hook))
}

/// Every member is a message of its own, at once.
fn at_once() -> AlertPolicy {
    let mut policy = AlertPolicy::to_channels(["webhook"]);
    policy.rules = vec![Rule::new("MemberDown", Duration::ZERO)];
    policy.route.group_by = Some(vec!["...".to_owned()]);
    policy.route.timing.group_wait = Some(Duration::ZERO);
    policy
}

/// A view without a history is from before the store was read.
fn everything_is_told(handle: &AlertsHandle) -> bool {
    let view = handle.latest();
    !view.history.is_empty()
        && view.active.is_empty()
        && view.channels.iter().all(|channel| channel.queued == 0)
}

/// What one request brought.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Arrived {
    id: String,
    group: String,
    kind: String,
}

type Arrivals = Arc<Mutex<Vec<Arrived>>>;

async fn receive(arrivals: Arrivals) -> String {
    let app = Router::new().fallback(take).with_state(arrivals);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

async fn take(State(arrivals): State<Arrivals>, headers: HeaderMap, Json(body): Json<Value>) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let arrived = Arrived {
        id: headers["idempotency-key"].to_str().unwrap().to_owned(),
        group: text(&body["dedup_key"]),
        kind: text(&body["kind"]),
    };
    assert_eq!(arrived.id, text(&body["id"]));
    arrivals.lock().unwrap().push(arrived);
}

/// A child that is killed at the latest when the test ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(folder: &Path, url: &str) -> Killed {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--nocapture"])
        .env(FOLDER, folder)
        .env(URL, url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Killed(child.unwrap())
}

impl Killed {
    /// Kills it after so long.
    async fn live(mut self, life: Duration) {
        let began = Instant::now();
        tokio::time::sleep(life.saturating_sub(Duration::from_millis(2))).await;
        while began.elapsed() < life {
            std::hint::spin_loop();
        }
        self.0.kill().unwrap();
        assert!(!self.0.wait().unwrap().success(), "it ended by itself");
    }

    /// Waits until it ends by itself, and says whether it did well.
    async fn end(mut self) -> bool {
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        let ended = async {
            loop {
                looks.tick().await;
                if let Some(status) = self.0.try_wait().unwrap() {
                    return status.success();
                }
            }
        };
        let ended = tokio::time::timeout(Duration::from_mins(1), ended).await;
        ended.unwrap_or(false)
    }
}

/// The ids of what a killed child had accepted and not yet noted as delivered. Looks at a copy: the next child is to
/// find the file as it was left.
fn waiting(folder: &Path) -> BTreeSet<String> {
    let (file, copy) = (folder.join("alerts.redb"), folder.join("copy.redb"));
    if !file.exists() {
        return BTreeSet::new();
    }
    std::fs::copy(file, &copy).unwrap();
    let store = FileAlertStore::open(&copy).unwrap();
    let stored = store.load().unwrap();
    assert_eq!((stored.damaged, store.latest_aside()), (0, None));
    let id = |json: &Arc<[u8]>| serde_json::from_slice::<Notification>(json).unwrap().id;
    stored.waiting.values().map(id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_accepted_is_lost_or_told_twice_by_kill_9_at_any_instant() {
    let folder = tempfile::tempdir().unwrap();
    let arrivals = Arrivals::default();
    let url = receive(Arc::clone(&arrivals)).await;
    let write = |name: &str, number: String| std::fs::write(folder.path().join(name), number);
    write("began", Timestamp::now().as_millisecond().to_string()).unwrap();
    let mut accepted = BTreeSet::new();
    for _ in 0..KILLS {
        let life = Duration::from_micros(rand::random_range(0..LIFE_MAX));
        start(folder.path(), &url).live(life).await;
        accepted.extend(waiting(folder.path()));
    }
    let script = Script::read(folder.path());
    write("end", script.step().to_string()).unwrap();
    assert!(start(folder.path(), &url).end().await);
    assert!(waiting(folder.path()).is_empty());
    judge(&arrivals.lock().unwrap(), &accepted);
}

fn judge(arrivals: &[Arrived], accepted: &BTreeSet<String>) {
    let came: BTreeSet<&String> = arrivals.iter().map(|it| &it.id).collect();
    let lost: Vec<_> = accepted.iter().filter(|id| !came.contains(id)).collect();
    assert!(lost.is_empty(), "accepted and never delivered: {lost:?}");
    let mut groups: BTreeMap<&String, Vec<&Arrived>> = BTreeMap::new();
    for arrived in arrivals {
        let told = groups.entry(&arrived.group).or_default();
        if !told.contains(&arrived) {
            told.push(arrived);
        }
    }
    for (group, told) in &groups {
        let kinds: Vec<_> = told.iter().map(|it| it.kind.as_str()).collect();
        assert_eq!(kinds, ["fired", "resolved"], "{group}: {told:?}");
    }
    // So much that most of the kills came into the middle of something.
    assert!(groups.len() > 100, "{}", groups.len());
    assert!(accepted.len() > 10, "{}", accepted.len());
}
