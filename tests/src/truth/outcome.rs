//! What came of one scenario, and the table of all.

use std::time::Duration;

use jiff::Timestamp;

/// What came of one scenario.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The scenario.
    pub name: &'static str,
    /// The version of etcd.
    pub version: String,
    /// What had to be told, as rule and subject; empty where nothing was to be.
    pub expected: Vec<String>,
    /// What of it was told.
    pub found: Vec<String>,
    /// From the fault to the last of the alerts.
    pub detected_after: Option<Duration>,
    /// When the last of them was told.
    pub told_at: Option<Timestamp>,
    /// Alerts above information that had no reason.
    pub false_alerts: Vec<String>,
    /// Why the scenario could not be played to its end, or what did not come true.
    pub failure: Option<String>,
    /// Why it was not played: something that this machine does not have.
    pub skipped: Option<String>,
}

impl Outcome {
    /// True when everything expected came true, and nothing else did.
    pub fn passed(&self) -> bool {
        self.failure.is_none() && self.false_alerts.is_empty() && self.found == self.expected
    }

    fn cells(&self) -> [String; 6] {
        let list = |texts: &[String]| match texts {
            [] => "-".to_owned(),
            texts => texts.join(", "),
        };
        let seconds = self.detected_after.map(|after| after.as_secs_f64());
        let verdict = match (&self.skipped, self.passed()) {
            (Some(_), _) => "skipped",
            (None, true) => "ok",
            (None, false) => "WRONG",
        };
        [
            format!("{} ({})", self.name, self.version),
            list(&self.expected),
            list(&self.found),
            seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.0}")),
            list(&self.false_alerts),
            verdict.to_owned(),
        ]
    }
}

/// The outcomes as a table, with the reason below each that is not ok.
pub fn table(outcomes: &[Outcome]) -> String {
    let heads = ["fault", "expected", "found", "seconds", "false alerts", ""];
    let mut rows = vec![heads.map(str::to_owned)];
    rows.extend(outcomes.iter().map(Outcome::cells));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    for outcome in outcomes {
        let reason = outcome.failure.as_ref().or(outcome.skipped.as_ref());
        if let Some(reason) = reason {
            text.push_str(&format_args!("\n{}: {reason}\n", outcome.name).to_string());
        }
    }
    text
}
