//! What the API may ask of the daemon: how the configuration stands, and to read it again.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use etcd_monitor_api::{ConfigurationStatus, Control, Reload, ReloadError};
use etcd_monitor_model::{Stat, StatSource};
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::config::Config;

/// Somebody waits for the configuration to be read again.
pub(super) type ReloadOrder = oneshot::Sender<Result<(), String>>;

/// The daemon as the API sees it. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct DaemonControl {
    state: Arc<Mutex<State>>,
    orders: mpsc::Sender<ReloadOrder>,
    /// Held while an order is carried out.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct State {
    status: ConfigurationStatus,
    /// What only a restart changes, of the configuration and of the web configuration.
    fixed: Vec<&'static str>,
    fixed_of_web: Vec<&'static str>,
}

/// Why a web configuration was not applied.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unusable {
    pub(super) error: String,
    /// What it changes that only a restart changes.
    pub(super) fixed: Vec<&'static str>,
}

impl DaemonControl {
    /// The control, and what it orders.
    pub(super) fn new(config: &Config, file: Option<&Path>) -> (Self, mpsc::Receiver<ReloadOrder>) {
        let (orders, receiver) = mpsc::channel(1);
        let mut status = ConfigurationStatus::default();
        status.file = file.map(|file| file.display().to_string());
        status.reloadable = file.is_some();
        let control = Self {
            state: Arc::new(Mutex::new(State {
                status,
                ..State::default()
            })),
            orders,
            turn: Arc::default(),
        };
        control.applied(config);
        (control, receiver)
    }

    /// This configuration holds from now on.
    pub(super) fn applied(&self, config: &Config) {
        let mut state = self.locked();
        state.fixed.clear();
        state.fixed_of_web.clear();
        let status = &mut state.status;
        status.loaded_at = Timestamp::now();
        status.warnings.clone_from(&config.warnings);
        status.clusters = config.clusters.len();
        let web = config.web.as_ref();
        status.web_configuration_file = web.map(|web| web.path.display().to_string());
        status.web_configuration_error = None;
    }

    /// The configuration changes this, and only a restart does.
    pub(super) fn needs_restart(&self, fixed: Vec<&'static str>) {
        self.locked().fixed = fixed;
    }

    /// Notes what came of a change of the web configuration.
    pub(super) fn web_changed(&self, outcome: Result<(), Unusable>) {
        let mut state = self.locked();
        let (error, fixed) = match outcome {
            Ok(()) => (None, Vec::new()),
            Err(unusable) => (Some(unusable.error), unusable.fixed),
        };
        state.status.web_configuration_error = error;
        state.fixed_of_web = fixed;
    }

    /// Notes what came of reading the configuration again.
    pub(super) fn reloaded(&self, outcome: &Result<(), String>) {
        self.locked().status.last_reload = Some(Reload {
            at: Timestamp::now(),
            ok: outcome.is_ok(),
            error: outcome.clone().err(),
        });
    }

    /// Replaced field by field, each by itself true: a panic of another holder does no harm.
    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StatSource for DaemonControl {
    fn stats(&self) -> Vec<Stat> {
        let status = &self.locked().status;
        let last = status.last_reload.as_ref();
        // The start counts as a reading that succeeded.
        let succeeded = last.is_none_or(|reload| reload.ok);
        vec![
            Stat::gauge(
                "etcd_monitor_config_last_reload_successful",
                "1 when the configuration was applied when it was last read, else 0 and the one before goes on",
                f64::from(u8::from(succeeded)),
            ),
            Stat::gauge(
                "etcd_monitor_config_last_reload_success_timestamp_seconds",
                "When a configuration was last applied, in unix seconds",
                status.loaded_at.as_duration().as_secs_f64(),
            ),
        ]
    }
}

#[async_trait::async_trait]
impl Control for DaemonControl {
    fn configuration(&self) -> ConfigurationStatus {
        let state = self.locked();
        let mut status = state.status.clone();
        let is_new = |key: &&&str| !state.fixed.contains(*key);
        let of_web = state.fixed_of_web.iter().filter(is_new);
        let fixed = state.fixed.iter().chain(of_web);
        status.needs_restart = fixed.map(|key| (*key).to_owned()).collect();
        status
    }

    async fn reload(&self) -> Result<(), ReloadError> {
        let _turn = self.turn.try_lock().map_err(|_| ReloadError::UnderWay)?;
        let (told, outcome) = oneshot::channel();
        // Who left while it was under way has left an order in the queue.
        self.orders.try_send(told).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => ReloadError::UnderWay,
            mpsc::error::TrySendError::Closed(_) => ReloadError::Stopping,
        })?;
        let outcome = outcome.await.map_err(|_| ReloadError::Stopping)?;
        outcome.map_err(ReloadError::Refused)
    }
}
