//! The sign of life: a call that somebody else expects, so that silence of the monitor is noticed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use etcd_monitor_model::{ClusterName, Snapshot, Stat, StatSource};
use jiff::Timestamp;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::dispatch::handle::{AlertsHandle, FollowedCluster};
use crate::dispatch::view::AlertsView;
use crate::notifier::NotifyError;
use crate::notifier::config_error::ConfigError;
use crate::notifier::door::{Door, HttpOptions};

/// How often it is looked at whether snapshots came.
const LOOK_PERIOD: Duration = Duration::from_secs(1);

/// Shortest period; whoever waits for the call is not to be flooded.
const PERIOD_MIN: Duration = Duration::from_millis(100);

/// Attempts after the first one, per beat.
const RETRIES: usize = 2;

/// How a sign of life is given.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HeartbeatOptions {
    /// What is called: `http` or `https`. A secret, since whoever knows it can feign life.
    pub url: SecretString,
    /// Time between two calls. At least 100 ms, default 60 s.
    pub period: Duration,
    /// How it is called. Default GET.
    pub method: HeartbeatMethod,
    /// How the service is reached.
    pub http: HttpOptions,
}

/// How a sign of life is sent; both without a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HeartbeatMethod {
    /// `GET`, which every service of this kind takes.
    #[default]
    Get,
    /// `POST`.
    Post,
}

/// Calls a URL once per period, as long as alerting runs and the snapshots of **every** followed cluster advance.
///
/// A monitor that is up but sees nothing new gives no sign. Whether etcd is well does not matter: alerts tell of that.
#[derive(derive_more::Debug)]
pub struct Heartbeat {
    door: Door,
    method: Method,
    period: Duration,
    #[debug(skip)]
    followed: watch::Receiver<Vec<FollowedCluster>>,
    #[debug(skip)]
    alerting: watch::Receiver<Arc<AlertsView>>,
    #[debug(skip)]
    status: watch::Sender<HeartbeatStatus>,
}

/// How the sign of life does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HeartbeatStatus {
    /// Signs that were taken, since the start.
    pub sent: u64,
    /// Signs that were not taken, after all attempts, since the start.
    pub failed: u64,
    /// When one was taken last.
    pub sent_at: Option<Timestamp>,
    /// Why the latest was not taken; `None` when it was.
    pub error: Option<String>,
    /// Why none is given now: what does not advance; `None` while it is given.
    pub withheld: Option<String>,
}

/// Access to how the sign of life does. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HeartbeatHandle {
    status: watch::Receiver<HeartbeatStatus>,
}

impl HeartbeatOptions {
    /// Calls this URL with the defaults.
    pub fn new(url: SecretString) -> Self {
        Self {
            url,
            period: Duration::from_mins(1),
            method: HeartbeatMethod::default(),
            http: HttpOptions::default(),
        }
    }
}

impl Heartbeat {
    /// A sign of life of this alerting and of the clusters that it follows, also after these change.
    ///
    /// Fails where the URL or the certificates cannot be used, or the process has no TLS provider yet.
    pub fn new(
        options: &HeartbeatOptions,
        alerting: &AlertsHandle,
    ) -> Result<(Self, HeartbeatHandle), ConfigError> {
        let (status, receiver) = watch::channel(HeartbeatStatus::default());
        let heartbeat = Self {
            door: Door::new(options.url.expose_secret(), &options.http)?,
            method: match options.method {
                HeartbeatMethod::Get => Method::GET,
                HeartbeatMethod::Post => Method::POST,
            },
            period: options.period.max(PERIOD_MIN),
            followed: alerting.followed(),
            alerting: alerting.subscribe(),
            status,
        };
        Ok((heartbeat, HeartbeatHandle { status: receiver }))
    }

    /// Gives the sign until `cancel`. Cancel-safe: a call under way may have arrived or not.
    pub async fn run(self, cancel: CancellationToken) {
        cancel.run_until_cancelled(self.beat_on()).await;
    }

    async fn beat_on(self) {
        let mut pulses = Pulses::default();
        let mut ticks = interval(LOOK_PERIOD.min(self.period));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut due = Instant::now();
        loop {
            ticks.tick().await;
            let still = self.what_stands_still(&mut pulses);
            self.note_withheld(still.as_deref());
            if still.is_none() && Instant::now() >= due {
                due = Instant::now() + self.period;
                self.beat().await;
            }
        }
    }

    /// What does not advance; `None` when all does.
    fn what_stands_still(&self, pulses: &mut Pulses) -> Option<String> {
        let still = pulses.look(&self.followed.borrow());
        if self.alerting.has_changed().is_err() {
            return Some("alerting has ended".to_owned());
        }
        still
    }

    fn note_withheld(&self, still: Option<&str>) {
        self.status.send_if_modified(|status| {
            let changed = status.withheld.as_deref() != still;
            match still {
                Some(reason) if changed && status.sent > 0 => {
                    tracing::error!(reason, "no sign of life is given");
                }
                None if changed && status.sent > 0 => {
                    tracing::info!("signs of life are given again");
                }
                _ => {}
            }
            status.withheld = still.map(str::to_owned);
            changed
        });
    }

    /// One sign, with a few attempts, within the period.
    async fn beat(&self) {
        let attempts = || async {
            let request = self.door.request(self.method.clone());
            self.door.send(request, |_, _| None).await.map(drop)
        };
        let backoff = ExponentialBuilder::default()
            .with_min_delay((self.period / 20).min(Duration::from_secs(1)))
            .with_max_times(RETRIES)
            .with_jitter();
        let beat = attempts.retry(backoff).when(NotifyError::is_retryable);
        let outcome = match timeout(self.period, beat).await {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(_) => Err("not taken within the period".to_owned()),
        };
        self.status.send_modify(|status| status.note(outcome));
    }
}

impl HeartbeatStatus {
    fn note(&mut self, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => {
                self.sent += 1;
                self.sent_at = Some(Timestamp::now());
                self.error = None;
            }
            Err(error) => {
                tracing::error!(error, "the sign of life was not taken");
                self.failed += 1;
                self.error = Some(error);
            }
        }
    }
}

impl HeartbeatHandle {
    /// How it does now.
    pub fn latest(&self) -> HeartbeatStatus {
        self.status.borrow().clone()
    }

    /// A receiver that sees each change, the newest only when it is slow.
    pub fn subscribe(&self) -> watch::Receiver<HeartbeatStatus> {
        self.status.clone()
    }
}

impl StatSource for HeartbeatHandle {
    fn stats(&self) -> Vec<Stat> {
        let status = self.status.borrow();
        let help = "Signs of life of the monitor, by whether they were taken, since it started";
        let count = |result: &str, count| {
            Stat::counter("etcd_monitor_heartbeats_total", help, count).label("result", result)
        };
        vec![
            count("sent", status.sent),
            count("failed", status.failed),
            Stat::gauge(
                "etcd_monitor_heartbeat_withheld",
                "1 while no sign of life is given, since something stands still, else 0",
                f64::from(u8::from(status.withheld.is_some())),
            ),
        ]
    }
}

/// When the snapshots of each cluster advanced last.
#[derive(Debug, Default)]
struct Pulses {
    seen: BTreeMap<ClusterName, Pulse>,
}

#[derive(Debug)]
struct Pulse {
    cycle: u64,
    at: Timestamp,
    advanced: Instant,
    limit: Duration,
}

impl Pulses {
    /// Looks at each cluster, and names one that does not advance; `None` when all do.
    fn look(&mut self, followed: &[FollowedCluster]) -> Option<String> {
        self.seen
            .retain(|name, _| followed.iter().any(|(followed, _)| followed == name));
        if followed.is_empty() {
            return Some("no cluster is followed".to_owned());
        }
        for (name, snapshots) in followed {
            let snapshot = snapshots.borrow().clone();
            self.note(name, snapshot.as_deref());
        }
        followed
            .iter()
            .find_map(|(name, _)| self.stands_still(name))
    }

    /// Snapshots from before the first cycle claim nothing.
    fn note(&mut self, name: &ClusterName, snapshot: Option<&Snapshot>) {
        let Some(snapshot) = snapshot.filter(|snapshot| snapshot.cycle > 0) else {
            return;
        };
        let known = self.seen.get(name);
        if known.is_some_and(|it| it.cycle == snapshot.cycle && it.at == snapshot.at) {
            return;
        }
        let pulse = Pulse {
            cycle: snapshot.cycle,
            at: snapshot.at,
            advanced: Instant::now(),
            limit: limit(snapshot.interval_seconds),
        };
        self.seen.insert(name.clone(), pulse);
    }

    fn stands_still(&self, name: &ClusterName) -> Option<String> {
        match self.seen.get(name) {
            None => Some(format!("there is no snapshot of cluster {name} yet")),
            Some(pulse) if pulse.advanced.elapsed() > pulse.limit => {
                Some(format!("the snapshots of cluster {name} do not advance"))
            }
            Some(_) => None,
        }
    }
}

/// How long the next snapshot may take: one lost cycle, 2 s for a slow one, and the time until somebody looks.
fn limit(interval_seconds: f64) -> Duration {
    const SLACK: Duration = Duration::from_secs(3);
    let interval = Duration::try_from_secs_f64(interval_seconds).unwrap_or_default();
    interval.saturating_mul(2).saturating_add(SLACK)
}
