//! The highest rate at which the cluster keeps a promise about latency, verified.
//!
//! Open loop only. A ramp of short probes goes up by half until the target is missed, a bisection of whole ones narrows it down to
//! 2 %, and the winner has to hold three times more. A miss needs more than chance: two of three parts of a probe above the
//! target, a backlog that grows, or requests lost.

mod judge;
mod search;
mod table;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

pub use judge::{ProbeFigures, ProbeVerdict, WindowsOver};
pub use search::{Purpose, Search, SloLimit};

use crate::benchmark::{Benchmark, Watcher};
use crate::error::BenchError;
use crate::probe::{ProbePlan, probe};
use crate::statistics::median;

/// Probes of one search at most.
const PROBES_MAX: usize = 500;

/// The highest rate that is ever tried, where none is asked for.
const RATE_MOST: f64 = 1e7;

/// The percentile that a target is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Percentile {
    /// The median.
    P50,
    /// 95 % are not longer.
    P95,
    /// 99 % are not longer.
    P99,
    /// 99.9 % are not longer.
    #[serde(rename = "p99_9")]
    P999,
}

impl Percentile {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
        }
    }

    /// The share that is not longer, from 0 to 1.
    pub fn share(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P95 => 0.95,
            Self::P99 => 0.99,
            Self::P999 => 0.999,
        }
    }
}

/// A promise about latency: this percentile of the responses is not above that.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LatencyTarget {
    /// The percentile.
    pub percentile: Percentile,
    /// The most that it may be, in seconds.
    pub seconds: f64,
}

impl LatencyTarget {
    /// This percentile is to be so many seconds at most.
    pub fn new(percentile: Percentile, seconds: f64) -> Self {
        Self {
            percentile,
            seconds,
        }
    }
}

/// How a search goes about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SloOptions {
    /// What is to be kept.
    pub target: LatencyTarget,
    /// The rate that is tried first.
    pub first_per_second: f64,
    /// No higher rate is tried.
    pub most_per_second: Option<f64>,
    /// Each rate of the ramp is so many times the one before.
    pub ramp_factor: f64,
    /// How long a probe of the ramp measures, in seconds.
    pub ramp_seconds: f64,
    /// How long the others do at least, in seconds.
    pub probe_seconds: f64,
    /// How many requests they make at least.
    pub probe_samples: u64,
    /// Time at the beginning of each that is not measured, in seconds.
    pub settle_seconds: f64,
    /// How near the rate that holds and the one that does not come.
    pub precision_share: f64,
    /// How often the winner has to hold.
    pub verifications: u32,
    /// No probe begins that would end after so long, in seconds.
    pub most_seconds: f64,
}

impl SloOptions {
    /// From 100 requests a second, by half more each 5 s, then at least 10 s and 10,000 requests to 2 %, verified three times,
    /// within 15 minutes.
    pub fn new(target: LatencyTarget) -> Self {
        Self {
            target,
            first_per_second: 100.0,
            most_per_second: None,
            ramp_factor: 1.5,
            ramp_seconds: 5.0,
            probe_seconds: 10.0,
            probe_samples: 10_000,
            settle_seconds: 2.0,
            precision_share: 0.02,
            verifications: 3,
            most_seconds: 900.0,
        }
    }

    fn most(&self) -> f64 {
        self.most_per_second.unwrap_or(RATE_MOST)
    }

    fn check(&self) -> Result<(), BenchError> {
        let is_time = |seconds: f64| (0.5..=86_400.0).contains(&seconds);
        let wrong = |name: &'static str, reason: &str| {
            Err(BenchError::BadPlan {
                name,
                reason: reason.to_owned(),
            })
        };
        if !(1e-6..=60.0).contains(&self.target.seconds) {
            return wrong("target", "it must be between a microsecond and a minute");
        }
        if !(1.0..=RATE_MOST).contains(&self.first_per_second) {
            return wrong("first rate", "it must be between 1 and 10,000,000");
        }
        if !(1.0..=RATE_MOST).contains(&self.most()) {
            return wrong("highest rate", "it must be between 1 and 10,000,000");
        }
        if !is_time(self.ramp_seconds) || !is_time(self.probe_seconds) {
            return wrong("probe", "it must be between half a second and a day");
        }
        if !(0.0..=86_400.0).contains(&self.settle_seconds) {
            return wrong("settle", "it must be a day at most");
        }
        if !(1.0..=10.0).contains(&self.ramp_factor) || self.ramp_factor < 1.01 {
            return wrong("ramp factor", "it must be between 1.01 and 10");
        }
        if !(0.001..=1.0).contains(&self.precision_share) {
            return wrong("precision", "it must be between 0.1 % and 100 %");
        }
        if !(1..=100).contains(&self.verifications) {
            return wrong("verifications", "there must be 1 to 100");
        }
        Ok(())
    }
}

/// One probe, as it was and as it was judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Probe {
    /// What it was for.
    pub purpose: Purpose,
    /// Requests in a second that were due.
    pub rate_per_second: f64,
    /// How long was measured, in seconds.
    pub seconds: f64,
    /// What it found.
    pub figures: ProbeFigures,
    /// In how many parts the target was missed.
    pub windows: WindowsOver,
    /// What it says.
    pub verdict: ProbeVerdict,
    /// Why it does not hold.
    pub why: Option<String>,
}

/// What a search found. The names of its JSON are promises: fields may be added, never renamed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SloReport {
    /// Version of this document.
    pub format: u32,
    /// The workload.
    pub workload: String,
    /// The endpoints that were asked.
    pub endpoints: Vec<String>,
    /// How it was looked for.
    pub options: SloOptions,
    /// The highest rate that held, in requests per second; `None` where none did.
    pub rate_per_second: Option<f64>,
    /// True where it held in every verifying probe.
    pub is_verified: bool,
    /// The median of the target's percentile in the probes at that rate that verify it, in seconds.
    pub median_seconds: Option<f64>,
    /// The lowest rate above it that did not hold.
    pub ceiling_per_second: Option<f64>,
    /// What limits it.
    pub limit: SloLimit,
    /// The probes, in their order.
    pub probes: Vec<Probe>,
    /// Why it ended early; `None` where it came to its end.
    pub ended_early: Option<String>,
    /// What makes the result doubtful.
    pub doubts: Vec<String>,
}

/// The version of the document.
const FORMAT: u32 = 1;

/// Hears how far a search is; each probe is told as any other benchmark.
pub trait ProbeWatcher: Watcher {
    /// A probe has ended.
    fn probed(&self, probe: &Probe);
}

/// Nobody watches.
impl ProbeWatcher for () {
    fn probed(&self, _probe: &Probe) {}
}

/// Looks for the highest rate at which the load of `benchmark` keeps the target; its own rate and time do not count. What is known
/// by then is told where `stop` is cancelled or the time is over.
///
/// Fails where the options cannot be, or the first probe does not begin.
pub async fn search_slo(
    benchmark: &mut Benchmark,
    options: &SloOptions,
    watcher: &dyn ProbeWatcher,
    stop: &CancellationToken,
) -> Result<SloReport, BenchError> {
    options.check()?;
    let mut search = Search::new(options.clone());
    let mut probes: Vec<Probe> = Vec::new();
    let mut doubts = Vec::new();
    let told = Told(watcher);
    let began = Instant::now();
    let ended_early = loop {
        let Some((purpose, plan)) = search.next() else {
            break None;
        };
        if stop.is_cancelled() && !probes.is_empty() {
            break Some("stopped".to_owned());
        }
        if let Some(why) = ended(&plan, began.elapsed(), options, probes.len()) {
            break Some(why);
        }
        let tried = probe(benchmark, &plan, options.target.seconds, &told, stop);
        let tried = match tried.await {
            Ok(tried) => tried,
            Err(error) if probes.is_empty() => return Err(error),
            Err(error) => break Some(error.to_string()),
        };
        if let Some(why) = &tried.report.ended_early {
            break Some(why.clone());
        }
        let figures = ProbeFigures::of(&tried, plan.rate_per_second);
        let windows = WindowsOver::of_probe(&tried, &options.target);
        let rate = plan.rate_per_second;
        let is_strict = purpose == Purpose::Verify;
        let windows = windows.or_whole(&figures, &options.target, is_strict);
        let (verdict, why) = judge::judge(&figures, windows, &options.target, rate, plan.seconds);
        doubts.extend(of_environment(&tried.report, purpose));
        let probe = Probe {
            purpose,
            rate_per_second: rate,
            seconds: plan.seconds,
            figures,
            windows,
            verdict,
            why,
        };
        watcher.probed(&probe);
        probes.push(probe);
        search.hear(verdict);
    };
    doubts.sort_unstable();
    doubts.dedup();
    Ok(SloReport::of(
        benchmark,
        options,
        &search,
        probes,
        ended_early,
        doubts,
    ))
}

fn ended(
    plan: &ProbePlan,
    elapsed: Duration,
    options: &SloOptions,
    probes: usize,
) -> Option<String> {
    let most = options.most_seconds;
    if probes > 0 && elapsed.as_secs_f64() + plan.whole_seconds() > most {
        return Some(format!(
            "the next probe would end after the {most} s that it may take"
        ));
    }
    (probes >= PROBES_MAX).then(|| format!("{PROBES_MAX} probes were made"))
}

/// What makes the answer doubtful: a busy generator only where the answer comes from.
fn of_environment(report: &crate::report::Report, purpose: Purpose) -> Vec<String> {
    let mut doubts = match purpose {
        Purpose::Verify => report.own.doubts(),
        _ => Vec::new(),
    };
    if report.environment.leader_changed == Some(true) {
        doubts.push("the leader changed meanwhile".to_owned());
    }
    doubts
}

impl SloReport {
    fn of(
        benchmark: &Benchmark,
        options: &SloOptions,
        search: &Search,
        probes: Vec<Probe>,
        ended_early: Option<String>,
        doubts: Vec<String>,
    ) -> Self {
        let verified = search.verified_per_second();
        let verifying = probes.iter().filter(|probe| {
            probe.purpose == Purpose::Verify && Some(probe.rate_per_second) == verified
        });
        let found: Vec<f64> = verifying
            .filter_map(|probe| probe.figures.at(options.target.percentile))
            .collect();
        Self {
            format: FORMAT,
            workload: benchmark.workload.name().to_owned(),
            endpoints: benchmark
                .endpoints
                .iter()
                .map(ToString::to_string)
                .collect(),
            options: options.clone(),
            rate_per_second: search.held_per_second(),
            is_verified: verified.is_some(),
            median_seconds: median(&found),
            ceiling_per_second: search.ceiling_per_second(),
            limit: search.limit_by(),
            probes,
            ended_early,
            doubts,
        }
    }

    /// The document.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }
}

impl ProbeFigures {
    /// This percentile of the responses, in seconds.
    pub fn at(&self, percentile: Percentile) -> Option<f64> {
        match percentile {
            Percentile::P50 => self.p50_seconds,
            Percentile::P95 => self.p95_seconds,
            Percentile::P99 => self.p99_seconds,
            Percentile::P999 => self.p99_9_seconds,
        }
    }
}

/// A watcher of probes, as one of a benchmark.
struct Told<'a>(&'a dyn ProbeWatcher);

impl Watcher for Told<'_> {
    fn begins(
        &self,
        phase: crate::benchmark::Phase,
        board: &std::sync::Arc<crate::series::SecondsBoard>,
    ) {
        self.0.begins(phase, board);
    }
}
