//! What a benchmark found. The names of its JSON are promises: fields may be added, never renamed.

mod accounting;
mod course;
mod csv;
mod details;
mod hdr_log;
mod html;
mod judgement;
#[cfg(test)]
pub(crate) mod sample;
mod server;
pub(crate) mod table;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::bottleneck::Bottleneck;
use crate::breakdown::Breakdown;
use crate::engine::Outcome;
use crate::environment::Environment;
use crate::failover::Failover;
use crate::fsync_probe::FsyncProbe;
use crate::histogram::Latencies;
use crate::load::Load;
use crate::recorder::{Errors, Recording, Tally};
use crate::request::OperationKind;
use crate::self_load::OwnCost;
use crate::series::Second;
use crate::server::ServerMember;

pub use accounting::{Accounting, AccountingVerdict};
pub use details::{ContentionFigures, Details, LeaseFigures, WatchFigures};

/// Bounds of the histogram in milliseconds; the last bucket is open.
const BOUNDS_MILLISECONDS: [u64; 6] = [1, 5, 10, 50, 100, 500];

/// What was planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkPlan))]
#[non_exhaustive]
pub struct Plan {
    /// Name of the workload.
    pub workload: String,
    /// Name of the engine.
    pub engine: String,
    /// The endpoints that were asked.
    pub endpoints: Vec<String>,
    /// What all keys begin with.
    pub prefix: String,
    /// What else makes the load what it is, by name (sizes, shares); empty where that is not known.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// How much, by how many, how fast.
    pub load: Load,
    /// When it began.
    pub began_at: Timestamp,
}

/// A set of latencies in seconds; all are `None` where nothing was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct LatencyFigures {
    /// How many were measured.
    pub count: u64,
    /// The shortest.
    pub min_seconds: Option<f64>,
    /// The mean.
    pub mean_seconds: Option<f64>,
    /// The standard deviation.
    pub stdev_seconds: Option<f64>,
    /// The median.
    pub p50_seconds: Option<f64>,
    /// 95 % were not longer.
    pub p95_seconds: Option<f64>,
    /// 99 % were not longer.
    pub p99_seconds: Option<f64>,
    /// 99.9 % were not longer; `None` where fewer than 1,000 were measured.
    pub p99_9_seconds: Option<f64>,
    /// The longest.
    pub max_seconds: Option<f64>,
}

impl LatencyFigures {
    pub(crate) fn of(latencies: &Latencies) -> Self {
        let is_many = latencies.count() >= 1_000;
        Self {
            count: latencies.count(),
            min_seconds: latencies.min_seconds(),
            mean_seconds: latencies.mean_seconds(),
            stdev_seconds: latencies.stdev_seconds(),
            p50_seconds: latencies.quantile_seconds(0.5),
            p95_seconds: latencies.quantile_seconds(0.95),
            p99_seconds: latencies.quantile_seconds(0.99),
            p99_9_seconds: latencies.quantile_seconds(0.999).filter(|_| is_many),
            max_seconds: latencies.max_seconds(),
        }
    }
}

/// Requests whose response took from the bound before to this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = LatencyBucket))]
pub struct Bucket {
    /// Upper bound in seconds; `None` for what took longer than the last.
    pub below_seconds: Option<f64>,
    /// Requests.
    pub count: u64,
}

fn buckets(latencies: &Latencies) -> Vec<Bucket> {
    let lows = std::iter::once(0).chain(BOUNDS_MILLISECONDS);
    let highs = BOUNDS_MILLISECONDS.iter().copied().map(Some).chain([None]);
    let bucket = |(low, high): (u64, Option<u64>)| Bucket {
        below_seconds: high.map(|high| Duration::from_millis(high).as_secs_f64()),
        count: latencies.count_between(
            Duration::from_millis(low),
            high.map_or(Duration::MAX, Duration::from_millis),
        ),
    };
    lows.zip(highs).map(bucket).collect()
}

/// Requests of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct OperationFigures {
    /// What was asked.
    pub kind: OperationKind,
    /// Answered.
    pub succeeded: u64,
    /// Failed.
    pub failed: u64,
    /// Answers within the time of measurement, per second.
    pub per_second: Option<f64>,
    /// From when a request was due to its answer: what a user of this load waits.
    pub response: LatencyFigures,
    /// From when it was sent to its answer: what the cluster and the wire took.
    pub service: LatencyFigures,
    /// How long failed requests took.
    pub failures: LatencyFigures,
    /// Answers that made a revision: those of transactions that met no conflict, and of deletions that found a key.
    #[serde(default)]
    pub changed: u64,
    /// Keys that answers carried, or that were deleted.
    pub keys: u64,
    /// Responses by their latency.
    pub histogram: Vec<Bucket>,
}

impl OperationFigures {
    pub(crate) fn of(kind: OperationKind, tally: &Tally, window_seconds: f64) -> Self {
        let per_second = tally.in_window as f64 / window_seconds;
        Self {
            kind,
            succeeded: tally.succeeded,
            failed: tally.failed.count(),
            per_second: Some(per_second).filter(|rate| rate.is_finite()),
            response: LatencyFigures::of(&tally.response),
            service: LatencyFigures::of(&tally.service),
            failures: LatencyFigures::of(&tally.failed),
            changed: tally.changed,
            keys: tally.keys,
            histogram: buckets(&tally.response),
        }
    }
}

/// What a benchmark found.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BenchmarkReport))]
#[non_exhaustive]
pub struct Report {
    /// Version of this document.
    pub format: u32,
    /// What was planned.
    pub plan: Plan,
    /// How long was measured, in seconds.
    pub window_seconds: f64,
    /// Requests that were answered.
    pub succeeded: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Answers within the time of measurement, per second, of all kinds.
    pub per_second: Option<f64>,
    /// How much the answers of a second vary over the whole seconds of the measurement: their standard deviation as a share of
    /// their mean. `None` for less than five seconds.
    #[serde(default)]
    pub throughput_variation: Option<f64>,
    /// From the end of the measured time to the last answer of what was sent within it; `None` where all was answered before. No
    /// request is awaited for longer than its deadline.
    #[serde(default)]
    pub drain_seconds: Option<f64>,
    /// By kind of request.
    pub operations: Vec<OperationFigures>,
    /// Errors by kind.
    pub errors: BTreeMap<String, Errors>,
    /// How late requests were sent after they were due: what the generator itself added.
    pub lateness: LatencyFigures,
    /// Requests of an open loop that were due and never sent.
    pub unsent: u64,
    /// Requests of an open loop that were due and were dropped, since every client was busy.
    #[serde(default)]
    pub dropped: u64,
    /// Why it ended early; `None` where it ran as planned.
    pub ended_early: Option<String>,
    /// What makes the result doubtful.
    pub doubts: Vec<String>,
    /// False where the result says nothing about the cluster.
    pub valid: bool,
    /// Whether all that was acknowledged is there.
    pub accounting: Accounting,
    /// What the generator itself took.
    pub own: OwnCost,
    /// Where it ran.
    pub environment: Environment,
    /// What the members said of themselves meanwhile.
    #[serde(default)]
    pub server: Vec<ServerMember>,
    /// Where the time of a request went.
    #[serde(default)]
    pub breakdown: Breakdown,
    /// What limited it.
    #[serde(default)]
    pub bottleneck: Bottleneck,
    /// What happened to the service.
    #[serde(default)]
    pub failover: Failover,
    /// What the probe of a disk found; `None` without one.
    #[serde(default)]
    pub fsync_probe: Option<FsyncProbe>,
    /// Second by second.
    pub seconds: Vec<Second>,
    /// Why keys are left; `None` where all were deleted, or were to be kept.
    pub keys_left: Option<String>,
    /// What only this kind of load finds; `None` for loads of single calls.
    #[serde(default)]
    pub details: Option<Details>,
    /// The histograms themselves, for a log of them; not a part of the document.
    #[serde(skip)]
    pub recording: Recording,
}

/// The version of the document.
const FORMAT: u32 = 1;

/// What a report is made of.
pub(crate) struct Parts {
    pub(crate) plan: Plan,
    pub(crate) outcome: Outcome,
    pub(crate) seconds: Vec<Second>,
    pub(crate) accounting: Accounting,
    pub(crate) own: OwnCost,
    pub(crate) environment: Environment,
    pub(crate) server: Vec<ServerMember>,
    pub(crate) failover: Failover,
    pub(crate) fsync_probe: Option<FsyncProbe>,
}

impl Report {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            plan,
            outcome,
            seconds,
            accounting,
            own,
            environment,
            server,
            failover,
            fsync_probe,
        } = parts;
        let recording = outcome.recording;
        let of_kinds = recording.tallies.iter();
        let of_kinds = of_kinds
            .map(|(kind, tally)| OperationFigures::of(*kind, tally, outcome.window_seconds));
        let operations: Vec<OperationFigures> = of_kinds.collect();
        let rates = operations
            .iter()
            .filter(|operation| operation.kind.is_request())
            .filter_map(|operation| operation.per_second);
        let mut report = Self {
            format: FORMAT,
            plan,
            window_seconds: outcome.window_seconds,
            succeeded: recording.succeeded(),
            failed: recording.failed(),
            per_second: rates.reduce(|sum, rate| sum + rate),
            throughput_variation: None,
            drain_seconds: recording.drain.map(|drain| drain.as_secs_f64()),
            errors: recording.errors.clone(),
            lateness: LatencyFigures::of(&recording.lateness),
            unsent: outcome.unsent,
            dropped: outcome.dropped,
            ended_early: outcome.ended_early,
            doubts: own.doubts(),
            valid: true,
            accounting,
            own,
            environment,
            server,
            breakdown: Breakdown::default(),
            bottleneck: Bottleneck::default(),
            failover,
            fsync_probe,
            seconds,
            keys_left: None,
            details: outcome.details,
            operations,
            recording,
        };
        report.mark_events();
        report.throughput_variation = report.variation();
        report.judge();
        report.breakdown = Breakdown::of(&report);
        report.bottleneck = Bottleneck::of(&report);
        report
    }

    /// True where the run did what was asked of it: it was not ended by an error, something was answered, and nothing that
    /// was acknowledged is lost or otherwise broken.
    pub fn is_success(&self) -> bool {
        let is_stopped = self
            .ended_early
            .as_deref()
            .is_none_or(|why| why == "stopped");
        let is_kept = self
            .details
            .as_ref()
            .is_none_or(|details| details.faults().is_empty());
        let is_there = self.accounting.verdict != AccountingVerdict::Lost;
        self.succeeded > 0 && is_stopped && is_there && is_kept
    }

    /// The document.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_response_is_in_one_bucket() {
        let mut latencies = Latencies::default();
        for micros in [
            500, 900, 1_500, 7_000, 20_000, 70_000, 300_000, 900_000, 70_000_000,
        ] {
            latencies.record(Duration::from_micros(micros));
        }
        let buckets = buckets(&latencies);
        let counts: Vec<u64> = buckets.iter().map(|bucket| bucket.count).collect();
        assert_eq!(counts, [2, 1, 1, 1, 1, 1, 2]);
        assert_eq!(buckets[0].below_seconds, Some(1e-3));
        assert_eq!(buckets[6].below_seconds, None);
    }
}
