//! Maintenance windows: when nothing new is told, as written and checked.

use etcd_monitor_alerting::{MaintenanceError, MaintenanceWindow};
use serde::Deserialize;

use super::routes::matchers;
use crate::config::duration;
use crate::config::place::{At, Remark};

/// A window as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WindowFile {
    /// Its name.
    pub(super) name: At<String>,
    /// When it begins, as of cron: minute, hour, day of month, month, day of week.
    schedule: At<String>,
    /// How long it is.
    duration: At<String>,
    /// Time zone of the schedule, such as `Europe/Berlin` (default UTC).
    time_zone: Option<At<String>>,
    /// Which alerts it mutes (`[]`: all); left out: only where a route names it.
    matchers: Option<Vec<At<String>>>,
}

impl WindowFile {
    /// Whether it mutes alerts wherever they go.
    pub(super) fn mutes_by_itself(&self) -> bool {
        self.matchers.is_some()
    }

    /// Its matchers.
    pub(super) fn all_matchers(&self) -> impl Iterator<Item = &At<String>> {
        self.matchers.iter().flatten()
    }
}

/// The windows of these, with names that differ.
pub(super) fn check(files: &[WindowFile]) -> Result<Vec<MaintenanceWindow>, Remark> {
    let windows = files.iter().enumerate().map(|(index, file)| {
        let mut before = files.iter().take(index);
        if before.any(|other| other.name == file.name) {
            let wrong = format!("two maintenance windows are named {:?}", file.name.value);
            return Err(file.name.remark(wrong));
        }
        one(file)
    });
    windows.collect()
}

fn one(file: &WindowFile) -> Result<MaintenanceWindow, Remark> {
    let duration = file.duration.parsed_as("duration", duration::hold)?;
    let zone = file.time_zone.as_ref().map_or("UTC", |zone| zone.as_str());
    let matchers = file.matchers.as_deref().map(matchers).transpose()?;
    MaintenanceWindow::new(&file.name, &file.schedule, duration, zone, matchers)
        .map_err(|error| culprit(file, &error).remark(error))
}

/// What of a window an error is about.
fn culprit<'a>(file: &'a WindowFile, error: &MaintenanceError) -> &'a At<String> {
    match error {
        MaintenanceError::Schedule { .. } | MaintenanceError::Never(_) => &file.schedule,
        MaintenanceError::Duration => &file.duration,
        MaintenanceError::TimeZone { .. } => file.time_zone.as_ref().unwrap_or(&file.name),
        _ => &file.name,
    }
}
