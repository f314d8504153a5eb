//! Silences and acknowledgements by the API: the same file as that of the commands, and the same effect.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use etcd_monitor_alerting::{AlertsHandle, AlertsView, MuteFile, MuteFileError, Mutes};
use jiff::Timestamp;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::timeout;

/// How often the file is read again because somebody else changed it meanwhile.
const READS_MAX: usize = 10;

/// How long an answer waits until alerting shows what was changed.
const SHOWN_WITHIN: Duration = Duration::from_secs(2);

/// Why what people mute could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeskError {
    #[error(transparent)]
    File(#[from] MuteFileError),
    #[error("the work on the file of silences was cut off: {0}")]
    CutOff(#[from] JoinError),
}

/// Reads and changes the file, one change after the other, and hands what it says to alerting.
#[derive(Debug, Clone)]
pub(crate) struct MuteDesk {
    file: MuteFile,
    alerts: AlertsHandle,
    turn: Arc<Mutex<()>>,
}

impl MuteDesk {
    pub(crate) fn new(file: MuteFile, alerts: AlertsHandle) -> Self {
        Self {
            file,
            alerts,
            turn: Arc::default(),
        }
    }

    /// What the file says.
    pub(crate) async fn read(&self, now: Timestamp) -> Result<Mutes, DeskError> {
        let file = self.file.clone();
        Ok(spawn_blocking(move || file.load(now)).await??)
    }

    /// Changes the file, and has alerting go by it. Once begun, it is done to the end, whoever stops waiting for it.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&MuteFile) -> Result<T, MuteFileError> + Send + 'static,
    ) -> Result<T, DeskError> {
        let desk = self.clone();
        let work = move || {
            let _turn = desk.turn.lock().unwrap_or_else(PoisonError::into_inner);
            let outcome = change(&desk.file)?;
            desk.publish()?;
            Ok(outcome)
        };
        spawn_blocking(work).await?
    }

    /// Hands the file's content to alerting. A command may change the file between the reading and the handing over: then
    /// what was handed over is older than what the watch over the file has seen, and it is read again.
    fn publish(&self) -> Result<(), MuteFileError> {
        for _ in 0..READS_MAX {
            let stamp = self.file.stamp()?;
            self.alerts.set_mutes(self.file.load(Timestamp::now())?);
            if self.file.stamp()? == stamp {
                break;
            }
        }
        Ok(())
    }

    /// Waits until the alerts show it, for 2 s at most: what was changed is kept in any case.
    pub(crate) async fn shown(&self, is_shown: impl Fn(&AlertsView) -> bool) {
        let mut views = self.alerts.subscribe();
        let shown = views.wait_for(|view| is_shown(view));
        // An end of alerting is the end of the process.
        let _ = timeout(SHOWN_WITHIN, shown).await;
    }
}
