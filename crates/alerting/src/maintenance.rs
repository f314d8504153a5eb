//! Maintenance windows: times, coming again by a schedule, at which nothing new is told.

use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneNameIter};

use crate::alert::Alert;
use crate::matcher::{Matcher, all_match};
use crate::suggestion::nearest;

/// Shortest window: schedules are by the minute.
const DURATION_MIN: Duration = Duration::from_mins(1);

/// Longest window: what is never told belongs into a route without channels.
const DURATION_MAX: Duration = Duration::from_hours(31 * 24);

/// Windows in a row, each of which begins before the one before ends, that are taken for one when its end is asked for.
const CHAIN_MAX: usize = 100;

/// A time that comes again by a schedule, and what is muted while it is there.
///
/// The schedule is cron's, in the wall time of a time zone; the duration is elapsed time. Where the clock is set
/// forward over the begin, the window opens at the first instant after the gap; where it is set back over it, a window
/// at a fixed time opens at the first of the two. In both cases it is as long as ever: one from 01:30 for two hours
/// ends at 04:30 on the wall in the night that loses an hour, at 02:30 in the one that has it twice.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MaintenanceWindow {
    /// Its name, unique.
    pub name: String,
    /// Which alerts it mutes, wherever they go: those that fit all of these, with none every one. `None`: only what goes
    /// through a route that names the window.
    pub matchers: Option<Vec<Matcher>>,
    schedule: Cron,
    duration: Duration,
    time_zone: TimeZone,
}

/// Why a maintenance window cannot be used. A variant is what to correct.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MaintenanceError {
    /// The name is empty, too long, or cannot be shown.
    #[error(
        "name: {0:?} is no name of a window: it has 1 to 64 characters without control characters"
    )]
    Name(String),
    /// The schedule is none.
    #[error(
        "schedule: {schedule:?} is no schedule ({reason}); it has five fields: minute, hour, day of month, month, day of week; for example \"0 2 * * SUN\""
    )]
    Schedule {
        /// As written.
        schedule: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The schedule names a time that there is not, such as 30 February.
    #[error("schedule: {0:?} never comes; correct the day or the month")]
    Never(String),
    /// The duration is out of bounds.
    #[error("duration: a window is open for 1 minute to 31 days")]
    Duration,
    /// There is no such time zone.
    #[error("time_zone: {name:?} is no time zone{}", did_you_mean(nearest.as_deref()))]
    TimeZone {
        /// As written.
        name: String,
        /// What was most likely meant.
        nearest: Option<String>,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean {nearest}?"),
        None => "; for example UTC or Europe/Berlin".to_owned(),
    }
}

impl MaintenanceWindow {
    /// A window that opens by a schedule of five fields (minute, hour, day of month, month, day of week) in a time zone
    /// of the IANA database, and is open for 1 minute to 31 days.
    ///
    /// # Errors
    ///
    /// When the name, the schedule, the duration or the time zone is none, or the schedule never comes.
    pub fn new(
        name: &str,
        schedule: &str,
        duration: Duration,
        time_zone: &str,
        matchers: Option<Vec<Matcher>>,
    ) -> Result<Self, MaintenanceError> {
        let fits = (1..=64).contains(&name.chars().count());
        if !fits || name.chars().any(etcd_monitor_model::is_unprintable) {
            return Err(MaintenanceError::Name(name.to_owned()));
        }
        if !(DURATION_MIN..=DURATION_MAX).contains(&duration) {
            return Err(MaintenanceError::Duration);
        }
        Ok(Self {
            name: name.to_owned(),
            matchers,
            schedule: parsed_schedule(schedule)?,
            duration,
            time_zone: known_time_zone(time_zone)?,
        })
    }

    /// How long it is open.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Whether it is open at a time.
    pub fn is_open_at(&self, now: Timestamp) -> bool {
        self.open_until(now).is_some_and(|end| now < end)
    }

    /// Whether it mutes an alert at a time by its own matchers. What a route says by naming it comes on top.
    pub fn mutes(&self, alert: &Alert, now: Timestamp) -> bool {
        let named = self.matchers.as_deref();
        named.is_some_and(|matchers| all_match(matchers, alert)) && self.is_open_at(now)
    }

    /// When it opens or closes next; `None` when it never does again.
    ///
    /// One that opens again before it closes stays open: the close is that of the last, and where there is no last, a
    /// time at which to ask again.
    pub fn next_change_after(&self, now: Timestamp) -> Option<Timestamp> {
        match self.open_until(now).filter(|end| now < *end) {
            Some(end) => Some(self.end_of_chain(now, end)),
            None => self.next_opening(now),
        }
    }

    /// When the latest window that began by `now` ends or ended.
    fn open_until(&self, now: Timestamp) -> Option<Timestamp> {
        let now = now.to_zoned(self.time_zone.clone());
        let begin = self.schedule.find_previous_occurrence(&now, true).ok()?;
        begin.timestamp().checked_add(self.duration).ok()
    }

    fn next_opening(&self, after: Timestamp) -> Option<Timestamp> {
        let after = after.to_zoned(self.time_zone.clone());
        let begin = self.schedule.find_next_occurrence(&after, false);
        Some(begin.ok()?.timestamp())
    }

    fn end_of_chain(&self, now: Timestamp, mut end: Timestamp) -> Timestamp {
        let mut begin = now;
        for _ in 0..CHAIN_MAX {
            match self.next_opening(begin) {
                Some(next) if next <= end => begin = next,
                _ => break,
            }
            end = begin.checked_add(self.duration).unwrap_or(end);
        }
        end
    }
}

fn parsed_schedule(text: &str) -> Result<Cron, MaintenanceError> {
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    let schedule = parser
        .parse(text)
        .map_err(|error| MaintenanceError::Schedule {
            schedule: text.to_owned(),
            reason: error.to_string(),
        })?;
    let comes = schedule.find_next_occurrence(&Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC), true);
    match comes {
        Ok(_) => Ok(schedule),
        Err(_) => Err(MaintenanceError::Never(text.to_owned())),
    }
}

fn known_time_zone(name: &str) -> Result<TimeZone, MaintenanceError> {
    TimeZone::get(name).map_err(|_| {
        let known: TimeZoneNameIter<'_> = jiff::tz::db().available();
        let names: Vec<String> = known.map(|name| name.to_string()).collect();
        MaintenanceError::TimeZone {
            name: name.to_owned(),
            nearest: nearest(name, names.iter().map(String::as_str)).map(str::to_owned),
        }
    })
}

#[cfg(test)]
mod tests {
    use etcd_monitor_model::Severity;

    use super::*;
    use crate::fixtures::{alert, matchers};

    fn window(schedule: &str, minutes: u64, zone: &str) -> MaintenanceWindow {
        let duration = Duration::from_mins(minutes);
        MaintenanceWindow::new("w", schedule, duration, zone, None).unwrap()
    }

    fn refused(schedule: &str, minutes: u64, zone: &str) -> String {
        let duration = Duration::from_mins(minutes);
        let made = MaintenanceWindow::new("w", schedule, duration, zone, None);
        made.unwrap_err().to_string()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The changes from a time on, as they are written in UTC.
    fn changes(window: &MaintenanceWindow, from: &str, count: usize) -> Vec<String> {
        let next = |at: &Timestamp| window.next_change_after(*at);
        let times = std::iter::successors(next(&at(from)), next);
        times.take(count).map(|at| at.to_string()).collect()
    }

    #[test]
    fn a_window_is_open_from_its_begin_up_to_its_end() {
        let window = window("30 2 * * SUN", 90, "UTC");
        // 2026-03-01 is a Sunday.
        let open = |time| window.is_open_at(at(time));
        assert!(!open("2026-03-01T02:29:59.999Z") && open("2026-03-01T02:30:00Z"));
        assert!(open("2026-03-01T03:59:59.999Z") && !open("2026-03-01T04:00:00Z"));
        assert!(!open("2026-03-02T03:00:00Z"));
        assert_eq!(
            changes(&window, "2026-02-28T00:00:00Z", 3),
            [
                "2026-03-01T02:30:00Z",
                "2026-03-01T04:00:00Z",
                "2026-03-08T02:30:00Z"
            ]
        );
    }

    #[test]
    fn the_schedule_is_wall_time_of_its_zone() {
        let window = window("0 2 * * *", 60, "Europe/Berlin");
        assert_eq!(
            changes(&window, "2026-01-10T12:00:00Z", 2),
            ["2026-01-11T01:00:00Z", "2026-01-11T02:00:00Z"]
        );
        assert_eq!(
            changes(&window, "2026-07-10T12:00:00Z", 2),
            ["2026-07-11T00:00:00Z", "2026-07-11T01:00:00Z"]
        );
    }

    #[test]
    fn where_the_clock_goes_forward_over_the_begin_the_window_opens_after_the_gap() {
        // Berlin, 2026-03-29: 02:00 is followed by 03:00, which is 01:00 UTC.
        let window = window("30 2 * * *", 60, "Europe/Berlin");
        assert_eq!(
            changes(&window, "2026-03-28T12:00:00Z", 3),
            [
                "2026-03-29T01:00:00Z",
                "2026-03-29T02:00:00Z",
                "2026-03-30T00:30:00Z"
            ]
        );
        assert!(!window.is_open_at(at("2026-03-29T00:59:59Z")));
        assert!(window.is_open_at(at("2026-03-29T01:59:59Z")));
    }

    #[test]
    fn where_the_clock_goes_back_over_the_begin_the_window_opens_once_and_is_as_long_as_ever() {
        // Berlin, 2026-10-25: 03:00 is followed by 02:00; 02:30 is 00:30 UTC and 01:30 UTC.
        let window = window("30 2 * * *", 45, "Europe/Berlin");
        assert_eq!(
            changes(&window, "2026-10-24T12:00:00Z", 3),
            [
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:15:00Z",
                "2026-10-26T01:30:00Z"
            ]
        );
        assert!(!window.is_open_at(at("2026-10-25T01:30:00Z")));
    }

    #[test]
    fn a_window_over_a_change_of_the_clock_is_elapsed_time() {
        let window = window("30 1 * * *", 120, "Europe/Berlin");
        assert_eq!(
            changes(&window, "2026-03-28T12:00:00Z", 2),
            ["2026-03-29T00:30:00Z", "2026-03-29T02:30:00Z"]
        );
        assert_eq!(
            changes(&window, "2026-10-24T12:00:00Z", 2),
            ["2026-10-24T23:30:00Z", "2026-10-25T01:30:00Z"]
        );
    }

    #[test]
    fn windows_that_overlap_are_one_and_one_that_never_closes_is_asked_again() {
        let two = window("0 1,2 * * *", 90, "UTC");
        assert_eq!(
            changes(&two, "2026-01-01T00:00:00Z", 3),
            [
                "2026-01-01T01:00:00Z",
                "2026-01-01T03:30:00Z",
                "2026-01-02T01:00:00Z"
            ]
        );
        let always = window("* * * * *", 5, "UTC");
        let now = at("2026-01-01T00:00:30Z");
        let next = always.next_change_after(now).unwrap();
        assert!(always.is_open_at(now) && always.is_open_at(next) && next > now);
    }

    #[test]
    fn without_matchers_a_window_mutes_only_by_routes_and_with_none_of_them_everything() {
        let (open, closed) = (at("2026-03-01T02:30:00Z"), at("2026-03-01T04:30:00Z"));
        let alert = alert("a", "MemberDown", Severity::Warning);
        let mut window = window("0 2 * * *", 60, "UTC");
        assert!(!window.mutes(&alert, open));
        window.matchers = Some(Vec::new());
        assert!(window.mutes(&alert, open) && !window.mutes(&alert, closed));
        window.matchers = Some(matchers(&["cluster=b"]));
        assert!(!window.mutes(&alert, open));
    }

    #[test]
    fn what_cannot_be_a_window_is_refused_with_what_to_do() {
        assert!(refused("0 2 * *", 60, "UTC").contains("five fields"));
        assert!(refused("0 0 2 * * *", 60, "UTC").contains("five fields"));
        assert!(refused("0 25 * * *", 60, "UTC").contains("five fields"));
        assert!(refused("0 2 30 2 *", 60, "UTC").contains("never comes"));
        assert!(refused("0 2 * * *", 0, "UTC").contains("1 minute"));
        let error = refused("0 2 * * *", 60, "Europe/Berlim");
        assert!(error.ends_with("did you mean Europe/Berlin?"), "{error}");
        assert!(refused("0 2 * * *", 60, "xyzzy").contains("for example UTC"));
        let unnamed = MaintenanceWindow::new("", "0 2 * * *", DURATION_MIN, "UTC", None);
        assert!(unnamed.is_err());
    }
}
