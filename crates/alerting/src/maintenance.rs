//! Maintenance windows: times at which nothing new is told.

/// A time that comes again by a schedule.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MaintenanceWindow {
    /// Its name.
    pub name: String,
}
