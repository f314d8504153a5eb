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
    status: Arc<Mutex<ConfigurationStatus>>,
    orders: mpsc::Sender<ReloadOrder>,
    /// Held while an order is carried out.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl DaemonControl {
    /// The control, and what it orders.
    pub(super) fn new(config: &Config, file: Option<&Path>) -> (Self, mpsc::Receiver<ReloadOrder>) {
        let (orders, receiver) = mpsc::channel(1);
        let mut status = ConfigurationStatus::default();
        status.file = file.map(|file| file.display().to_string());
        status.reloadable = file.is_some();
        let control = Self {
            status: Arc::new(Mutex::new(status)),
            orders,
            turn: Arc::default(),
        };
        control.applied(config);
        (control, receiver)
    }

    /// This configuration holds from now on.
    pub(super) fn applied(&self, config: &Config) {
        let mut status = self.locked();
        status.loaded_at = Timestamp::now();
        status.warnings.clone_from(&config.warnings);
        status.clusters = config.clusters.len();
        let web = config.web.as_ref();
        status.web_configuration_file = web.map(|web| web.path.display().to_string());
    }

    /// Notes what came of reading the configuration again.
    pub(super) fn reloaded(&self, outcome: &Result<(), String>) {
        self.locked().last_reload = Some(Reload {
            at: Timestamp::now(),
            ok: outcome.is_ok(),
            error: outcome.clone().err(),
        });
    }

    /// Replaced field by field, each by itself true: a panic of another holder does no harm.
    fn locked(&self) -> MutexGuard<'_, ConfigurationStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StatSource for DaemonControl {
    fn stats(&self) -> Vec<Stat> {
        let status = self.locked();
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
        self.locked().clone()
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
