//! The black box: whether it records, how far back, and how much.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Deserialize;

use super::range::within;

/// Less is over before somebody looks; more is what the history is for.
const MINUTES: RangeInclusive<u64> = 1..=1_440;

/// Less does not hold one cluster's minutes; more than 64 GiB is a mistake.
const BYTES: RangeInclusive<u64> = (1 << 20)..=(64 << 30);

/// The black box as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct BlackBoxFile {
    /// Whether it records.
    enabled: bool,
    /// How far back it reaches, 1 to 1,440.
    minutes: u64,
    /// Bytes of all its files, 1 MiB to 64 GiB: two fifths for the last minutes of all clusters, three for kept recordings.
    bytes: u64,
}

impl Default for BlackBoxFile {
    fn default() -> Self {
        Self {
            enabled: true,
            minutes: 15,
            bytes: 256 << 20,
        }
    }
}

/// A checked black box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlackBoxConfig {
    /// How far back it reaches.
    pub window: Duration,
    /// Bytes of all its files.
    pub bytes: u64,
}

/// `None` where it is off.
pub(super) fn check(file: &BlackBoxFile) -> Result<Option<BlackBoxConfig>, String> {
    within("black_box.minutes", file.minutes, &MINUTES)?;
    within("black_box.bytes", file.bytes, &BYTES)?;
    let config = BlackBoxConfig {
        window: Duration::from_mins(file.minutes),
        bytes: file.bytes,
    };
    Ok(file.enabled.then_some(config))
}
