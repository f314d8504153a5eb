//! A curve for people and for programs that draw.

use std::fmt::Write as _;

use super::{CapacityPoint, CapacityReport, LatencyPoint};

impl CapacityReport {
    /// The curve as a text: a line for each rate.
    pub fn to_table(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:<13}{}", "workload", self.workload);
        let _ = writeln!(text, "{:<13}{}", "endpoints", self.endpoints.join(", "));
        let _ = writeln!(
            text,
            "\n{:>11}{:>12}{:>26}{:>26}{:>26}",
            "RATE", "ANSWERS/S", "p50 (ms)", "p99 (ms)", "p99.9 (ms)"
        );
        for point in &self.points {
            point.row(&mut text, self.knee_per_second);
        }
        text.push('\n');
        for doubt in &self.doubts {
            let _ = writeln!(text, "{:<13}{doubt}", "note");
        }
        if let Some(why) = &self.ended_early {
            let _ = writeln!(text, "{:<13}{why}", "ended early");
        }
        let knee = match self.knee_per_second {
            Some(rate) => format!("{rate}/s: above it the p99 rises steeply"),
            None => "none stands out".to_owned(),
        };
        let _ = writeln!(text, "{:<13}{knee}", "knee");
        text
    }

    /// One line for each rate; an empty field is not known.
    pub fn to_csv(&self) -> String {
        let mut text = "rate_per_second,per_second,p50_seconds,p50_low_seconds,p50_high_seconds,p99_seconds,p99_low_seconds,p99_high_seconds,p99_9_seconds,p99_9_low_seconds,p99_9_high_seconds,is_saturated,is_generator_late\n".to_owned();
        for point in &self.points {
            let latencies = [point.p50, point.p99, point.p99_9];
            let fields = latencies
                .iter()
                .flat_map(|latency| [latency.seconds, latency.low_seconds, latency.high_seconds]);
            let fields = std::iter::once(point.figures.per_second).chain(fields);
            let fields: Vec<String> = fields
                .map(|field| field.map(|field| field.to_string()).unwrap_or_default())
                .collect();
            let _ = writeln!(
                text,
                "{},{},{},{}",
                point.rate_per_second,
                fields.join(","),
                point.is_saturated,
                point.figures.is_generator_late
            );
        }
        text
    }
}

impl CapacityPoint {
    /// Its fields as text.
    pub(super) fn cells(&self) -> Vec<String> {
        let answers = self.figures.per_second;
        vec![
            format!("{:.1}", self.rate_per_second),
            answers.map_or("-".to_owned(), |rate| format!("{rate:.1}")),
            self.p50.shown(),
            self.p99.shown(),
            self.p99_9.shown(),
            self.notes().join(", "),
        ]
    }

    fn notes(&self) -> Vec<&'static str> {
        let notes = [
            (self.is_saturated, "did not keep up"),
            (self.figures.is_generator_late, "generator limit"),
        ];
        let notes = notes.into_iter().filter(|(is_so, _)| *is_so);
        notes.map(|(_, note)| note).collect()
    }

    fn row(&self, text: &mut String, knee: Option<f64>) {
        let widths = [11, 12, 26, 26, 26];
        for (cell, width) in self.cells().iter().zip(widths) {
            let _ = write!(text, "{cell:>width$}");
        }
        let mut notes = self.notes();
        if Some(self.rate_per_second) == knee {
            notes.insert(0, "knee");
        }
        let notes = notes.join(", ");
        let gap = if notes.is_empty() { "" } else { "  " };
        let _ = writeln!(text, "{gap}{notes}");
    }
}

impl LatencyPoint {
    fn shown(self) -> String {
        let Some(seconds) = self.seconds else {
            return "-".to_owned();
        };
        match self.low_seconds.zip(self.high_seconds) {
            Some((low, high)) => format!(
                "{:.2} [{:.2} .. {:.2}]",
                1e3 * seconds,
                1e3 * low,
                1e3 * high
            ),
            None => format!("{:.2}", 1e3 * seconds),
        }
    }
}
