//! The seconds of a run as comma-separated values.

use std::fmt::Write as _;

use super::Report;
use crate::failover::EventKind;
use crate::series::Second;

const HEADER: &str = "second,succeeded,failed,p50_seconds,p99_seconds,max_seconds,events,doubts\n";

impl Report {
    /// One line for each second: `second,succeeded,failed,p50_seconds,p99_seconds,max_seconds,events,doubts`; an empty field is
    /// not measured. `events` has what happened to the cluster in it, separated by blanks; `doubts` has, in the first line, what
    /// makes the whole result doubtful.
    pub fn to_csv(&self) -> String {
        let mut text = HEADER.to_owned();
        let mut doubts = self.doubts.join("; ");
        let none = [Second::default()];
        let seconds = match self.seconds.as_slice() {
            [] if !doubts.is_empty() => &none,
            seconds => seconds,
        };
        for second in seconds {
            let [p50, p99, max] = [second.p50_seconds, second.p99_seconds, second.max_seconds]
                .map(|value| value.map(|value| value.to_string()).unwrap_or_default());
            let events: Vec<&str> = second
                .events
                .iter()
                .map(|kind| EventKind::as_str(*kind))
                .collect();
            let doubts = quoted(&std::mem::take(&mut doubts));
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{},{},{},{p50},{p99},{max},{},{doubts}",
                second.second,
                second.succeeded,
                second.failed,
                events.join(" ")
            );
        }
        text
    }
}

/// A field as RFC 4180 wants it.
fn quoted(field: &str) -> String {
    if field.is_empty() {
        return String::new();
    }
    format!("\"{}\"", field.replace('"', "\"\""))
}
