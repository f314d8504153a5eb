//! Follows the file of silences and acknowledgements, which commands change beside the daemon.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{MissedTickBehavior, interval};

use super::handle::AlertsHandle;
use crate::mute_file::{MuteFile, MuteFileError, MuteFileStamp};
use crate::silence::Mutes;

/// How often it is looked at whether the file has changed.
const PERIOD: Duration = Duration::from_secs(1);

/// What holds while the file is there and cannot be read.
const KNOWN_HOLD: &str = "; those known before hold";

/// Hands what a file says to alerting, whenever it changes.
#[derive(Debug)]
pub struct MuteWatch {
    file: MuteFile,
    handle: AlertsHandle,
    seen: Option<MuteFileStamp>,
    /// The last trouble, so that the log names it once.
    trouble: Option<String>,
}

impl MuteWatch {
    /// A watch that hands what the file says to the alerting of a handle.
    pub fn new(file: MuteFile, handle: AlertsHandle) -> Self {
        Self {
            file,
            handle,
            seen: None,
            trouble: None,
        }
    }

    /// Looks at the file each second; never ends. Cancel-safe. While the file cannot be read, what it said before holds, and
    /// the log says why.
    pub async fn run(mut self) {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look().await;
        }
    }

    async fn look(&mut self) {
        let (file, seen) = (self.file.clone(), self.seen.clone());
        let read = tokio::task::spawn_blocking(move || read_if_changed(&file, seen.as_ref()));
        match read.await {
            Ok(Ok(Some((stamp, mutes)))) => {
                self.trouble = None;
                let counts = (mutes.silences.len(), mutes.acknowledgements.len());
                self.handle.set_mutes(mutes);
                if self.seen.replace(stamp).is_some() || counts != (0, 0) {
                    let (silences, acknowledgements) = counts;
                    tracing::info!(silences, acknowledgements, "what people mute has changed");
                }
            }
            Ok(Ok(None)) => self.trouble = None,
            // Set aside: the next look finds no file, and takes over that nothing is muted.
            Ok(Err(error @ MuteFileError::Damaged { .. })) => self.complain("", error.to_string()),
            Ok(Err(error)) => self.complain(KNOWN_HOLD, error.to_string()),
            Err(error) => self.complain(KNOWN_HOLD, error.to_string()),
        }
    }

    fn complain(&mut self, until_then: &str, reason: String) {
        if self.trouble.as_ref() != Some(&reason) {
            tracing::error!(
                reason,
                "silences and acknowledgements cannot be read{until_then}"
            );
            self.trouble = Some(reason);
        }
    }
}

/// What the file says, where its stamp differs from the one seen. The stamp is taken first: a change in between is seen again.
fn read_if_changed(
    file: &MuteFile,
    seen: Option<&MuteFileStamp>,
) -> Result<Option<(MuteFileStamp, Mutes)>, MuteFileError> {
    let stamp = file.stamp()?;
    if seen == Some(&stamp) {
        return Ok(None);
    }
    let mutes = file.load(Timestamp::now())?;
    Ok(Some((stamp, mutes)))
}
