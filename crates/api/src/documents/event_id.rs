//! The ids of alert events: where in the history of alerts somebody is.
//!
//! An id is the event's number and its time. A history that was lost begins to count anew, and the time tells its
//! events from those before, so that an id of the old one is unknown and not taken for another event.

use std::fmt;
use std::str::FromStr;

use etcd_monitor_alerting::{AlertEvent, AlertsView};
use serde::{Serialize, Serializer};

/// Right after an event; number 0 is before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventId {
    number: u64,
    at_milliseconds: i64,
}

impl EventId {
    const START: Self = Self {
        number: 0,
        at_milliseconds: 0,
    };

    fn of(number: u64, event: &AlertEvent) -> Self {
        Self {
            number,
            at_milliseconds: event.at.as_millisecond(),
        }
    }

    /// Whether it happened earlier.
    pub(crate) fn is_before(self, other: Self) -> bool {
        self.number < other.number
    }

    /// After everything that has happened.
    pub(crate) fn newest(view: &AlertsView) -> Self {
        let newest = view.history.last();
        newest.map_or(Self::START, |event| Self::of(view.events_recorded, event))
    }
}

/// The events of a view with their ids, newest last.
pub(crate) fn numbered(
    view: &AlertsView,
) -> impl DoubleEndedIterator<Item = (EventId, &AlertEvent)> {
    let first = first_number(view);
    let events = view.history.iter().enumerate();
    events.map(move |(index, event)| (EventId::of(first + index as u64, event), event))
}

/// How many of the events in a view come before or at an id; `None` where the history does not know it any more.
pub(crate) fn position(view: &AlertsView, id: EventId) -> Option<usize> {
    if id == EventId::START && first_number(view) == 1 {
        return Some(0);
    }
    numbered(view)
        .position(|(known, _)| known == id)
        .map(|index| index + 1)
}

fn first_number(view: &AlertsView) -> u64 {
    let kept = view.history.len() as u64;
    view.events_recorded.saturating_sub(kept) + 1
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:x}", self.number, self.at_milliseconds)
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that is no id of an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoEventId;

impl FromStr for EventId {
    type Err = NoEventId;

    fn from_str(text: &str) -> Result<Self, NoEventId> {
        let (number, at) = text.split_once('-').ok_or(NoEventId)?;
        let number = number.parse().map_err(|_| NoEventId)?;
        let at_milliseconds = i64::from_str_radix(at, 16).map_err(|_| NoEventId)?;
        Ok(Self {
            number,
            at_milliseconds,
        })
    }
}
