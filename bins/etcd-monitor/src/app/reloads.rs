//! How the last reading of the configuration went, for `/metrics`.

use std::sync::{Arc, Mutex, PoisonError};

use etcd_monitor_model::{Stat, StatSource};
use jiff::Timestamp;

/// What is remembered of the readings; the start counts as one that succeeded.
#[derive(Debug)]
pub(super) struct Reloads(Mutex<Outcome>);

#[derive(Debug, Clone, Copy)]
struct Outcome {
    succeeded: bool,
    /// When one last succeeded.
    applied_at: Timestamp,
}

impl Reloads {
    pub(super) fn started() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Outcome {
            succeeded: true,
            applied_at: Timestamp::now(),
        })))
    }

    pub(super) fn note(&self, succeeded: bool) {
        let mut outcome = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.succeeded = succeeded;
        if succeeded {
            outcome.applied_at = Timestamp::now();
        }
    }
}

impl StatSource for Reloads {
    fn stats(&self) -> Vec<Stat> {
        let outcome = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        vec![
            Stat::gauge(
                "etcd_monitor_config_last_reload_successful",
                "1 when the configuration was applied when it was last read, else 0 and the one before goes on",
                f64::from(u8::from(outcome.succeeded)),
            ),
            Stat::gauge(
                "etcd_monitor_config_last_reload_success_timestamp_seconds",
                "When a configuration was last applied, in unix seconds",
                outcome.applied_at.as_duration().as_secs_f64(),
            ),
        ]
    }
}
