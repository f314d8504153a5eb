//! Trials of channels: one at a time for each.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The channels that are tried at this moment. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trials(Arc<Mutex<BTreeSet<String>>>);

/// The right to try a channel, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    trials: Trials,
    channel: String,
}

impl Trials {
    /// Begins; `None` where the channel is tried already.
    pub(crate) fn begin(&self, channel: &str) -> Option<Turn> {
        let is_first = self.locked().insert(channel.to_owned());
        is_first.then(|| Turn {
            trials: self.clone(),
            channel: channel.to_owned(),
        })
    }

    fn locked(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.trials.locked().remove(&self.channel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_is_tried_once_at_a_time() {
        let trials = Trials::default();
        let turn = trials.begin("hook");
        assert!(turn.is_some() && trials.begin("other").is_some());
        assert!(trials.begin("hook").is_none());
        drop(turn);
        assert!(trials.begin("hook").is_some());
    }
}
