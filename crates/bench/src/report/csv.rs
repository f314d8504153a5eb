//! The seconds of a run as comma-separated values.

use std::fmt::Write as _;

use super::Report;

impl Report {
    /// One line for each second: `second,succeeded,failed,p50_seconds,p99_seconds,max_seconds`; an empty field is not measured.
    pub fn to_csv(&self) -> String {
        let mut text = "second,succeeded,failed,p50_seconds,p99_seconds,max_seconds\n".to_owned();
        for second in &self.seconds {
            let [p50, p99, max] = [second.p50_seconds, second.p99_seconds, second.max_seconds]
                .map(|value| value.map(|value| value.to_string()).unwrap_or_default());
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{},{},{},{p50},{p99},{max}",
                second.second, second.succeeded, second.failed
            );
        }
        text
    }
}
