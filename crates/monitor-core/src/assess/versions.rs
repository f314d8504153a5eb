//! Versions of the members: how they compare, and which have known defects.

mod known;
mod semver;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::state::AssessState;
use super::view::View;
pub(super) use known::Defect;
pub use known::{KnownVersions, KnownVersionsError};
pub(super) use semver::Version;

/// What is remembered of versions. Kept over a restart, since an upgrade outlasts one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct VersionMemory {
    /// Since when members have been seen to run different versions.
    pub(super) mixed_since: Option<Timestamp>,
}

/// Dates the begin of different versions. What was mixed stays so while a member does not answer: it may come back as
/// it was.
pub(super) fn update(state: &mut AssessState, view: &View<'_>) {
    let mut versions: Vec<&str> = view
        .statuses()
        .map(|status| status.version.as_str())
        .collect();
    let answering = versions.len();
    versions.sort_unstable();
    versions.dedup();
    let complete = state
        .members()
        .is_some_and(|listed| answering >= listed.len());
    if versions.len() > 1 {
        let since = state.versions.mixed_since.get_or_insert(view.ended_at);
        // A clock that went back must not put the beginning into the future.
        *since = (*since).min(view.ended_at);
    } else if complete {
        state.versions.mixed_since = None;
    }
}
