//! Several benchmarks in turn, with a report of each and of the whole.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::benchmark::{Benchmark, Watcher};
use crate::error::BenchError;
use crate::load::Load;
use crate::recorder::{Errors, Recording};
use crate::report::{OperationFigures, Report};
use crate::streams::StreamBenchmark;

/// What one phase runs.
pub enum PhaseWork {
    /// A load of single calls.
    Calls(Box<Benchmark>),
    /// A load on streams.
    Streams(Box<StreamBenchmark>),
}

/// One phase of a scenario.
pub struct ScenarioPhase {
    /// Its name.
    pub name: String,
    /// What it runs.
    pub work: PhaseWork,
}

impl ScenarioPhase {
    /// Its load.
    pub fn load(&self) -> &Load {
        match &self.work {
            PhaseWork::Calls(benchmark) => &benchmark.load,
            PhaseWork::Streams(benchmark) => &benchmark.load,
        }
    }

    async fn run(
        &self,
        watcher: &dyn Watcher,
        stop: &CancellationToken,
    ) -> Result<Report, BenchError> {
        match &self.work {
            PhaseWork::Calls(benchmark) => benchmark.run(watcher, stop).await,
            PhaseWork::Streams(benchmark) => benchmark.run(watcher, stop).await,
        }
    }
}

/// Phases that run one after the other.
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// The phases.
    pub phases: Vec<ScenarioPhase>,
}

/// What one phase found.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PhaseReport {
    /// Name of the phase.
    pub name: String,
    /// What it found.
    pub report: Report,
}

/// What a scenario found. The names of its JSON are promises, as those of [`Report`] are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScenarioReport {
    /// Version of this document.
    pub format: u32,
    /// Name of the scenario.
    pub name: String,
    /// The phases that ran, in their order.
    pub phases: Vec<PhaseReport>,
    /// Time that was measured, in seconds, over all phases.
    pub window_seconds: f64,
    /// Requests that were answered, in all phases.
    pub succeeded: u64,
    /// Requests that failed, in all phases.
    pub failed: u64,
    /// By kind of request, over all phases.
    pub operations: Vec<OperationFigures>,
    /// Errors by kind, over all phases.
    pub errors: BTreeMap<String, Errors>,
    /// True where each phase says something about the cluster.
    pub valid: bool,
    /// Why not all phases ran, and which was the last; `None` where all did.
    pub ended_early: Option<String>,
}

/// The version of the document.
const FORMAT: u32 = 1;

impl Scenario {
    /// Runs all phases. `begins` hears of each before it begins, and gives who watches it. A phase that cannot begin ends the
    /// scenario, as `stop` does; what ran before is reported all the same.
    pub async fn run<W: Watcher>(
        &self,
        begins: impl Fn(&ScenarioPhase) -> W,
        stop: &CancellationToken,
    ) -> ScenarioReport {
        let mut phases = Vec::new();
        let mut ended_early = None;
        for phase in &self.phases {
            if stop.is_cancelled() {
                ended_early = Some(format!("stopped before phase {}", phase.name));
                break;
            }
            let watcher = begins(phase);
            match phase.run(&watcher, stop).await {
                Ok(report) => phases.push(PhaseReport {
                    name: phase.name.clone(),
                    report,
                }),
                Err(error) => {
                    ended_early = Some(format!("phase {}: {error}", phase.name));
                    break;
                }
            }
        }
        ScenarioReport::of(self.name.clone(), phases, ended_early)
    }
}

impl ScenarioReport {
    fn of(name: String, phases: Vec<PhaseReport>, ended_early: Option<String>) -> Self {
        let mut all = Recording::default();
        let mut window_seconds = 0.0;
        for phase in &phases {
            all.add(&phase.report.recording);
            window_seconds += phase.report.window_seconds;
        }
        let of_kinds = all.tallies.iter();
        let operations =
            of_kinds.map(|(kind, tally)| OperationFigures::of(*kind, tally, window_seconds));
        Self {
            format: FORMAT,
            name,
            window_seconds,
            succeeded: all.succeeded(),
            failed: all.failed(),
            operations: operations.collect(),
            errors: all.errors,
            valid: phases.iter().all(|phase| phase.report.valid),
            phases,
            ended_early,
        }
    }

    /// True where all phases ran and did what was asked of them; one that was stopped did.
    pub fn is_success(&self) -> bool {
        let is_stopped = self
            .ended_early
            .as_deref()
            .is_none_or(|why| why.starts_with("stopped"));
        let mut phases = self.phases.iter();
        is_stopped && !self.phases.is_empty() && phases.all(|phase| phase.report.is_success())
    }

    /// The document.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// The reports of all phases for people, and a line of each in the end.
    pub fn to_table(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        for phase in &self.phases {
            let _ = writeln!(
                text,
                "=== phase {}\n{}",
                phase.name,
                phase.report.to_table()
            );
        }
        let _ = writeln!(
            text,
            "=== scenario {}\n{:<28}{:<18}{:>10}{:>12}{:>10}{:>10}{:>10}  RESULT",
            self.name, "PHASE", "WORKLOAD", "RATE/S", "ANSWERS/S", "P50 ms", "P99 ms", "FAILED"
        );
        for phase in &self.phases {
            row(&mut text, phase);
        }
        let _ = writeln!(
            text,
            "{} requests succeeded and {} failed in {:.1} s",
            self.succeeded, self.failed, self.window_seconds
        );
        if let Some(why) = &self.ended_early {
            let _ = writeln!(text, "ended early: {why}");
        }
        text
    }

    /// The seconds of all phases, as [`Report::to_csv`], with the name of the phase before.
    pub fn to_csv(&self) -> String {
        let mut text = String::new();
        for phase in &self.phases {
            let csv = phase.report.to_csv();
            let mut lines = csv.lines();
            let heading = lines.next().unwrap_or_default();
            if text.is_empty() {
                let _ = writeln!(text, "phase,{heading}");
            }
            // A quote within a quoted field is written twice (RFC 4180).
            let name = phase.name.replace('"', "\"\"");
            for line in lines {
                let _ = writeln!(text, "\"{name}\",{line}");
            }
        }
        text
    }
}

fn row(text: &mut String, phase: &PhaseReport) {
    let report = &phase.report;
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
    let requests = report.operations.iter().filter(|of| of.kind.is_request());
    let slowest = |of: fn(&OperationFigures) -> Option<f64>| {
        let all = requests.clone().filter_map(of);
        all.reduce(f64::max).map(|seconds| 1e3 * seconds)
    };
    let rate = report.plan.load.rate.map(|rate| rate.per_second);
    let result = match (report.is_success(), report.valid) {
        (false, _) => "FAILED",
        (true, false) => "invalid",
        (true, true) => "ok",
    };
    let _ = writeln!(
        text,
        "{:<28}{:<18}{:>10}{:>12}{:>10}{:>10}{:>10}  {result}",
        phase.name,
        report.plan.workload,
        number(rate),
        number(report.per_second),
        number(slowest(|of| of.response.p50_seconds)),
        number(slowest(|of| of.response.p99_seconds)),
        report.failed
    );
}
