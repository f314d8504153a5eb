//! The history: how long samples are kept in the file, and how much room they take.

use std::time::Duration;

use etcd_monitor_history::Retention;
use serde::Deserialize;

use super::duration;
use super::range::within;

/// Below a day nothing is gained over memory; ten years is a mistake.
const DAYS: std::ops::RangeInclusive<u64> = 1..=3_650;

/// Less does not hold a day of one cluster; more than 1 TiB is a mistake.
const BYTES: std::ops::RangeInclusive<u64> = (16 << 20)..=(1 << 40);

const DAY: Duration = Duration::from_hours(24);

/// The history as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HistoryFile {
    /// Whether the file is kept. The newest 1,000 samples of every series are in memory in any case.
    enabled: bool,
    /// Days for which samples are kept as they were measured, 1 to 3,650.
    days: Option<u64>,
    /// Days for which means, minima and maxima of a minute are kept.
    minute_days: Option<u64>,
    /// Days for which those of ten minutes are kept.
    ten_minute_days: Option<u64>,
    /// Size of the file above which the oldest go, 16 MiB to 1 TiB.
    bytes: Option<u64>,
    /// Time between two writes, 100ms to 1h: what a crash may lose.
    flush: Option<String>,
}

impl Default for HistoryFile {
    fn default() -> Self {
        Self {
            enabled: true,
            days: None,
            minute_days: None,
            ten_minute_days: None,
            bytes: None,
            flush: None,
        }
    }
}

/// What is kept beside the newest samples in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryConfig {
    /// The file; `None`: none is kept.
    pub file: Option<HistoryFileConfig>,
}

/// A checked file of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryFileConfig {
    /// How long and how much it keeps.
    pub retention: Retention,
    /// Time between two writes: what a crash may lose.
    pub flush_interval: Duration,
}

pub(super) fn check(file: &HistoryFile) -> Result<HistoryConfig, String> {
    let defaults = Retention::default();
    let bytes = file.bytes.unwrap_or(defaults.bytes);
    within("history.bytes", bytes, &BYTES)?;
    let retention = Retention {
        samples: age("history.days", file.days, defaults.samples)?,
        minutes: age("history.minute_days", file.minute_days, defaults.minutes)?,
        ten_minutes: age(
            "history.ten_minute_days",
            file.ten_minute_days,
            defaults.ten_minutes,
        )?,
        bytes,
    };
    let flush = file.flush.as_deref().map(duration::interval).transpose();
    let flush = flush.map_err(|error| format!("history.flush: {error}"))?;
    let config = HistoryFileConfig {
        retention,
        flush_interval: flush.unwrap_or(Duration::from_secs(30)),
    };
    Ok(HistoryConfig {
        file: file.enabled.then_some(config),
    })
}

fn age(key: &str, days: Option<u64>, default: Duration) -> Result<Duration, String> {
    let Some(days) = days else { return Ok(default) };
    within(key, days, &DAYS)?;
    Ok(DAY * u32::try_from(days).unwrap_or(u32::MAX))
}
