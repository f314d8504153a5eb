//! Two sides in turns: A B, B A, A B, … so that what changes slowly (the size of the database, a machine that warms up) meets
//! both alike.

use std::fmt::Write as _;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::benchmark::{Benchmark, Phase, Watcher};
use crate::compare::{CompareOptions, Comparison};
use crate::error::BenchError;
use crate::html::Page;
use crate::report::Report;
use crate::series::SecondsBoard;

/// Rounds of one comparison at most.
pub const ROUNDS_MAX: u32 = 100;

/// One of the sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SideName {
    /// What B is held against.
    A,
    /// What is judged.
    B,
}

impl SideName {
    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
        }
    }
}

/// Hears how far the rounds are; each run is told as any other benchmark.
pub trait RoundWatcher: Watcher {
    /// A run begins; rounds count from 1.
    fn run_begins(&self, round: u32, side: SideName);

    /// A run has ended.
    fn run_ended(&self, round: u32, side: SideName, report: &Report);
}

/// Nobody watches.
impl RoundWatcher for () {
    fn run_begins(&self, _round: u32, _side: SideName) {}

    fn run_ended(&self, _round: u32, _side: SideName, _report: &Report) {}
}

/// One run of one side.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RoundRun {
    /// Its round, from 1.
    pub round: u32,
    /// Its side.
    pub side: SideName,
    /// What it found.
    pub report: Report,
}

/// All runs, and what they come to. The names of its JSON are promises: fields may be added, never renamed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AbReport {
    /// Version of this document.
    pub format: u32,
    /// Rounds that were planned.
    pub rounds: u32,
    /// The runs, in their order.
    pub runs: Vec<RoundRun>,
    /// Why it ended early; `None` where all rounds ran.
    pub ended_early: Option<String>,
    /// What the runs come to; `None` where they cannot be compared.
    pub comparison: Option<Comparison>,
    /// Why they cannot.
    pub not_comparable: Vec<String>,
}

/// The version of the document.
const FORMAT: u32 = 1;

/// Two sides and how often each runs.
pub struct Ab {
    /// What B is held against.
    pub a: Benchmark,
    /// What is judged.
    pub b: Benchmark,
    /// Runs of each side.
    pub rounds: u32,
    /// How they are compared.
    pub options: CompareOptions,
}

impl Ab {
    /// Runs all rounds, and compares. A stop or a run that fails ends it, and what ran until then is compared.
    ///
    /// Fails where the plan cannot be, or the first run does not begin.
    pub async fn run(
        &self,
        watcher: &dyn RoundWatcher,
        stop: &CancellationToken,
    ) -> Result<AbReport, BenchError> {
        if !(1..=ROUNDS_MAX).contains(&self.rounds) {
            return Err(BenchError::BadPlan {
                name: "rounds",
                reason: format!("{} is not between 1 and {ROUNDS_MAX}", self.rounds),
            });
        }
        let mut runs: Vec<RoundRun> = Vec::new();
        let mut ended_early = None;
        for (round, side) in turns(self.rounds) {
            if stop.is_cancelled() {
                ended_early = Some("stopped".to_owned());
                break;
            }
            watcher.run_begins(round, side);
            let benchmark = match side {
                SideName::A => &self.a,
                SideName::B => &self.b,
            };
            match benchmark.run(&Told(watcher), stop).await {
                Ok(report) => {
                    watcher.run_ended(round, side, &report);
                    runs.push(RoundRun {
                        round,
                        side,
                        report,
                    });
                }
                Err(error) if runs.is_empty() => return Err(error),
                Err(error) => {
                    let name = side.as_str();
                    ended_early = Some(format!("round {round} of {name}: {error}"));
                    break;
                }
            }
        }
        Ok(self.compared(runs, ended_early))
    }

    fn compared(&self, runs: Vec<RoundRun>, ended_early: Option<String>) -> AbReport {
        // A run that was stopped is kept, but is no result.
        let of = |side: SideName| -> Vec<Report> {
            let whole = runs
                .iter()
                .filter(|run| run.side == side && run.report.ended_early.is_none());
            whole.map(|run| run.report.clone()).collect()
        };
        let compared = Comparison::of(&of(SideName::A), &of(SideName::B), &self.options);
        let (comparison, not_comparable) = match compared {
            Ok(comparison) => (Some(comparison), Vec::new()),
            Err(error) => (None, error.reasons),
        };
        AbReport {
            format: FORMAT,
            rounds: self.rounds,
            runs,
            ended_early,
            comparison,
            not_comparable,
        }
    }
}

/// The order of the runs: A B, B A, A B, …
fn turns(rounds: u32) -> impl Iterator<Item = (u32, SideName)> {
    (1..=rounds).flat_map(|round| {
        let sides = if round % 2 == 1 {
            [SideName::A, SideName::B]
        } else {
            [SideName::B, SideName::A]
        };
        sides.map(|side| (round, side))
    })
}

/// A watcher of rounds, as one of a benchmark.
struct Told<'a>(&'a dyn RoundWatcher);

impl Watcher for Told<'_> {
    fn begins(&self, phase: Phase, board: &Arc<SecondsBoard>) {
        self.0.begins(phase, board);
    }
}

impl AbReport {
    /// The document, with all runs.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// The comparison as one HTML file, which loads nothing from anywhere, or why there is none.
    pub fn to_html(&self) -> String {
        if let Some(comparison) = &self.comparison {
            return comparison.to_html();
        }
        let mut page = Page::new("B against A");
        page.notice(&self.to_table(), true);
        page.end()
    }

    /// The comparison for people, or why there is none.
    pub fn to_table(&self) -> String {
        let mut text = match &self.comparison {
            Some(comparison) => comparison.to_table(),
            None => format!("not compared: {}\n", self.not_comparable.join("; ")),
        };
        if let Some(why) = &self.ended_early {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "ended early after {} runs: {why}", self.runs.len());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_take_turns_and_neither_is_always_first() {
        let order: String = turns(4).map(|(_, side)| side.as_str()).collect();
        assert_eq!(order, "ABBAABBA");
        assert_eq!(turns(1).count(), 2);
    }
}
