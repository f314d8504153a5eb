//! The engine's state as rows of a store.
//!
//! A row is written when something changes that a restart must not lose, not when the evidence of an alert is renewed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::clock::ClockReading;
use super::group::{GroupKey, KeptGroup};
use super::incident::Kept;
use crate::alert::{AlertEvent, AlertState, Fingerprint};
use crate::silence::Mutes;

/// The version of what the rows say.
pub(super) const STATE_FORMAT: u32 = 1;

pub(super) const FORMAT_KEY: &str = "format";
pub(super) const CLOCK_KEY: &str = "clock";
pub(super) const MUTES_KEY: &str = "mutes";
const ALERT: &str = "alert/";
const GROUP: &str = "group/";
const EVENT: &str = "event/";

/// A part of the engine's state, to be kept under its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRow {
    /// What it is found by, unique.
    pub key: String,
    /// What is kept; `None`: nothing any more.
    pub value: Option<Vec<u8>>,
}

/// Why state that was kept cannot be taken over. Nothing is changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// A newer release wrote it.
    #[error(
        "the alerts were kept in format {found}, and this release knows formats up to {known}; use the newer release, or set the file aside"
    )]
    NewerFormat {
        /// The format's number.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// A row that no release of this format writes.
    #[error("the alerts were kept with a row {key:?}, which is not known in format {STATE_FORMAT}")]
    UnknownRow {
        /// Its key.
        key: String,
    },
    /// A row that must be there is not.
    #[error("the alerts were kept without the row {key:?}")]
    MissingRow {
        /// Its key.
        key: &'static str,
    },
    /// A row that does not say what it should.
    #[error("the row {key:?} of the kept alerts cannot be read: {reason}")]
    Unreadable {
        /// Its key.
        key: String,
        /// What is wrong.
        reason: String,
    },
}

/// Everything that was kept.
#[derive(Debug, Default)]
pub(super) struct KeptState {
    pub(super) clock: Option<ClockReading>,
    pub(super) mutes: Mutes,
    pub(super) alerts: BTreeMap<Fingerprint, Kept>,
    pub(super) groups: Vec<KeptGroup>,
    pub(super) events: BTreeMap<u64, AlertEvent>,
}

impl KeptState {
    /// Reads rows; `None` when there are none.
    pub(super) fn read(
        rows: impl IntoIterator<Item = StateRow>,
    ) -> Result<Option<Self>, RestoreError> {
        let there = rows
            .into_iter()
            .filter_map(|row| Some((row.key, row.value?)));
        let mut rows: BTreeMap<String, Vec<u8>> = there.collect();
        if rows.is_empty() {
            return Ok(None);
        }
        check_format(rows.remove(FORMAT_KEY).as_deref())?;
        let mut state = Self::default();
        for (key, value) in &rows {
            state.take(key, value)?;
        }
        match state.clock {
            Some(_) => Ok(Some(state)),
            None => Err(RestoreError::MissingRow { key: CLOCK_KEY }),
        }
    }

    fn take(&mut self, key: &str, value: &[u8]) -> Result<(), RestoreError> {
        if key == CLOCK_KEY {
            self.clock = Some(parsed(key, value)?);
        } else if key == MUTES_KEY {
            self.mutes = parsed(key, value)?;
        } else if key.starts_with(ALERT) {
            let kept: Kept = parsed(key, value)?;
            self.alerts.insert(kept.alert().id, kept);
        } else if key.starts_with(GROUP) {
            self.groups.push(parsed(key, value)?);
        } else if let Some(number) = key.strip_prefix(EVENT) {
            let number = number.parse().map_err(|error| unreadable(key, &error))?;
            self.events.insert(number, parsed(key, value)?);
        } else {
            return Err(RestoreError::UnknownRow {
                key: key.to_owned(),
            });
        }
        Ok(())
    }
}

/// The alerts that are pending or firing by what was kept. `None` where that makes no sense.
pub(crate) fn active_alerts(rows: BTreeMap<String, Vec<u8>>) -> Option<BTreeSet<Fingerprint>> {
    let rows = rows.into_iter().map(|(key, value)| StateRow {
        key,
        value: Some(value),
    });
    let state = KeptState::read(rows).ok()?.unwrap_or_default();
    let active = state.alerts.into_iter().filter(|(_, kept)| {
        let state = kept.alert().state;
        state != AlertState::Resolved
    });
    Some(active.map(|(id, _)| id).collect())
}

/// A row that says something. `None` where it cannot be written, which no type here can bring about.
pub(super) fn row(key: String, value: &impl Serialize) -> Option<StateRow> {
    let value = Some(serde_json::to_vec(value).ok()?);
    Some(StateRow { key, value })
}

/// A row that is not there any more.
pub(super) fn gone(key: String) -> StateRow {
    StateRow { key, value: None }
}

pub(super) fn alert_key(id: Fingerprint) -> String {
    format!("{ALERT}{id}")
}

pub(super) fn group_key(key: &GroupKey) -> String {
    format!("{GROUP}{}/{}", key.id, key.channel)
}

/// Padded, so that the keys are in the order of the events.
pub(super) fn event_key(number: u64) -> String {
    format!("{EVENT}{number:020}")
}

fn check_format(value: Option<&[u8]>) -> Result<(), RestoreError> {
    let value = value.ok_or(RestoreError::MissingRow { key: FORMAT_KEY })?;
    let found: u32 = parsed(FORMAT_KEY, value)?;
    if found > STATE_FORMAT {
        let known = STATE_FORMAT;
        return Err(RestoreError::NewerFormat { found, known });
    }
    Ok(())
}

fn parsed<T: DeserializeOwned>(key: &str, value: &[u8]) -> Result<T, RestoreError> {
    serde_json::from_slice(value).map_err(|error| unreadable(key, &error))
}

fn unreadable(key: &str, reason: &impl std::error::Error) -> RestoreError {
    RestoreError::Unreadable {
        key: key.to_owned(),
        reason: reason.to_string(),
    }
}
