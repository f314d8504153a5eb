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
    /// What of it is a finding of which no alert is told before hours.
    pub only_found: Vec<String>,
    /// What of it was told.
    pub found: Vec<Told>,
    /// From the fault to the last of the alerts.
    pub detected_after: Option<Duration>,
    /// When the last of them was told.
    pub told_at: Option<Timestamp>,
    /// Alerts above information that had no reason.
    pub false_alerts: Vec<Told>,
    /// Every alert that fired or ended, in the order of time: what is shown of a scenario that went wrong.
    pub history: Vec<String>,
    /// Why the scenario could not be played to its end, or what did not come true.
    pub failure: Option<String>,
    /// Why it was not played: something that this machine does not have.
    pub skipped: Option<String>,
}

/// One alert, or a finding of which no alert is told before hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Rule and subject.
    pub name: String,
    /// The cause in one sentence.
    pub cause: String,
}

impl Outcome {
    /// True when everything expected came true, and nothing else did.
    pub fn passed(&self) -> bool {
        let found = self.found.iter().map(|told| &told.name);
        self.failure.is_none() && self.false_alerts.is_empty() && found.eq(&self.expected)
    }

    fn cells(&self) -> [String; 7] {
        let seconds = self.detected_after.map(|after| after.as_secs_f64());
        let verdict = match (&self.skipped, self.passed()) {
            (Some(_), _) => "skipped",
            (None, true) => "ok",
            (None, false) => "WRONG",
        };
        [
            verdict.to_owned(),
            format!("{} ({})", self.name, self.version),
            listed(self.expected.iter().map(String::as_str)),
            listed(self.found.iter().map(|told| told.name.as_str())),
            seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.0}")),
            listed(self.false_alerts.iter().map(|told| told.name.as_str())),
            self.found
                .first()
                .map_or_else(|| "-".to_owned(), |told| told.cause.clone()),
        ]
    }

    /// Why it is not ok, and what was told meanwhile; `None` when it is.
    pub fn complaint(&self) -> Option<String> {
        if self.skipped.is_none() && self.passed() {
            return None;
        }
        let mut lines = Vec::new();
        lines.extend(self.skipped.clone());
        lines.extend(self.failure.clone());
        let unasked = self.false_alerts.iter();
        lines.extend(unasked.map(|told| format!("{} had no reason: {}", told.name, told.cause)));
        lines.extend(self.history.iter().map(|event| format!("told: {event}")));
        let name = format!("{} ({})", self.name, self.version);
        Some(format!("{name}: {}", lines.join("\n  ")))
    }
}

fn listed<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let texts: Vec<&str> = texts.collect();
    match texts[..] {
        [] => "-".to_owned(),
        _ => texts.join(", "),
    }
}

/// The outcomes as a table, with the reason below each that is not ok.
pub fn table(outcomes: &[Outcome]) -> String {
    let heads = [
        "",
        "fault",
        "expected",
        "found",
        "seconds",
        "false alerts",
        "found cause",
    ];
    let mut rows = vec![heads.map(str::to_owned)];
    rows.extend(outcomes.iter().map(Outcome::cells));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    for complaint in outcomes.iter().filter_map(Outcome::complaint) {
        text.extend(["\n", &complaint, "\n"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str) -> Told {
        Told {
            name: name.to_owned(),
            cause: format!("the cause of {name}"),
        }
    }

    #[test]
    fn a_scenario_is_right_when_all_that_was_expected_was_told_and_nothing_else() {
        let mut outcome = Outcome {
            name: "follower killed",
            expected: vec!["MemberDown m1".to_owned()],
            ..Outcome::default()
        };
        assert!(!outcome.passed(), "nothing was told");
        outcome.found = vec![told("MemberDown m1")];
        assert!(outcome.passed());
        assert_eq!(outcome.complaint(), None);
        outcome.false_alerts = vec![told("NoLeader default")];
        assert!(!outcome.passed(), "more was told");
        let text = table(&[outcome]);
        assert!(text.contains("WRONG  follower killed ()"), "{text}");
        let reason = "NoLeader default had no reason: the cause of NoLeader default";
        assert!(text.contains(reason), "{text}");
    }

    #[test]
    fn what_was_not_played_is_not_wrong_and_says_why() {
        let outcome = Outcome {
            name: "slow disk",
            skipped: Some("no strace".to_owned()),
            ..Outcome::default()
        };
        let text = table(&[outcome]);
        assert!(text.contains("skipped  slow disk"), "{text}");
        assert!(text.contains("slow disk (): no strace"), "{text}");
    }
}
