//! Load generation for etcd: what to ask, how fast, and what came of it, honestly measured.
//!
//! A [`Benchmark`] is one whole run: it looks at the cluster, refuses a prefix under which others have keys, writes what is to be
//! read, measures, holds the acknowledged changes against the revisions of etcd, deletes its keys, and reports. Its parts can
//! be had alone: a [`Workload`] says what is asked ([`Standard`] has the usual six, or implement your own), a [`Load`] how
//! much, by how many and how fast, and an [`Engine`] sends and measures.
//!
//! Latency counts from when a request was *due* where the load is an open loop ([`Load::rate`]): a cluster that stands still
//! for a second shows in all requests that were due in it. What the generator itself added ([`Report::lateness`]) and took
//! ([`OwnCost`]) stands beside, with what makes the result doubtful.
//!
//! Several runs say more: [`Comparison`] holds those of two sides against each other with the statistics of [`statistics`], [`Ab`]
//! runs them in turns, [`search_slo`] finds the highest rate that keeps a promise about latency, [`capacity_curve`] what each rate
//! costs, and [`Merged`] puts together what several generators measured at once.
//!
//! ```no_run
//! use etcd_monitor_bench::{
//!     Benchmark, Load, Standard, StandardKind, Until, default_engine,
//! };
//! use etcd_monitor_client::{ClientOptions, Endpoint};
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let endpoints = vec![Endpoint::parse("127.0.0.1:2379", false)?];
//! let client = ClientOptions::new();
//! let standard = Standard::new(StandardKind::Mixed);
//! let benchmark = Benchmark {
//!     engine: default_engine(client.clone(), endpoints.clone()),
//!     client,
//!     endpoints,
//!     load: Load::new(Until::Operations(1_000)),
//!     workload: standard.workload()?,
//!     options: standard.options()?,
//! };
//! let report = benchmark.run(&(), &CancellationToken::new()).await?;
//! println!("{}", report.to_table());
//! # Ok(())
//! # }
//! ```

mod ab;
mod at_once;
mod benchmark;
mod bottleneck;
mod breakdown;
mod capacity;
mod check;
mod compare;
mod engine;
mod environment;
mod error;
mod failover;
mod fsync_probe;
mod hdr_log;
mod histogram;
mod html;
#[cfg(target_os = "linux")]
mod http2;
mod keys;
mod load;
mod merge;
#[cfg(target_os = "linux")]
mod null_server;
#[cfg(target_os = "linux")]
mod poller;
mod prefix;
mod preset;
mod probe;
mod pulse;
mod recorder;
mod report;
mod request;
mod scenario;
mod schedule;
mod self_load;
mod series;
mod server;
mod slo;
mod standard;
pub mod statistics;
mod streams;
mod surroundings;
mod target;
mod turns;
mod watch_stream;
mod watched;
mod workload;

pub use ab::{Ab, AbReport, ROUNDS_MAX, RoundRun, RoundWatcher, SideName};
pub use benchmark::{Benchmark, Options, Phase, Watcher};
pub use bottleneck::{Bottleneck, Limit};
pub use breakdown::Breakdown;
pub use capacity::{
    CURVE_RATES_MAX, CapacityPoint, CapacityReport, CurveWatcher, LatencyPoint, capacity_curve,
};
pub use check::{CHECK_PREFIX_DEFAULT, CHECK_SECONDS_DEFAULT, CheckLevel, CheckResult, CheckRule};
pub use compare::{
    CompareMethod, CompareOptions, CompareOutcome, Comparison, LEVEL, MetricComparison, MetricKind,
    MetricVerdict, NotComparable, RUNS_LEAST, RUNS_MAX, Side,
};
pub use engine::library::TonicEngine;
#[cfg(target_os = "linux")]
pub use engine::native::{NativeEngine, Pacing};
pub use engine::{Assignment, Engine, Outcome, default_engine};
pub use environment::{ClientMachine, ClusterNow, Environment, MemberNow};
pub use error::BenchError;
pub use failover::{Event, EventKind, Failover, Gap, Outage};
pub use fsync_probe::FsyncProbe;
pub use histogram::Latencies;
pub use keys::{KeyOrder, KeyPicker, KeyShape, Values, ZIPF_EXPONENT_DEFAULT, end_of_prefix};
pub use load::{Arrivals, CLIENTS_MAX, CONNECTIONS_MAX, Load, Overload, Rate, Until};
pub use merge::{
    MERGED_MAX, MergeError, MergeInput, Merged, MergedOperation, MergedReports, OVERLAP_LEAST,
};
#[cfg(target_os = "linux")]
pub use null_server::NullServer;
pub use preset::{Preset, PresetKind};
pub use probe::ProbePlan;
pub use recorder::{Errors, Failure, Recorder, Recording, Tally, Times};
pub use report::{
    Accounting, AccountingVerdict, Bucket, ContentionFigures, Details, LatencyFigures,
    LeaseFigures, OperationFigures, Plan, Report, WatchFigures,
};
pub use request::{Answer, OperationKind, RangeShape, Request};
pub use scenario::{PhaseReport, PhaseWork, Scenario, ScenarioPhase, ScenarioReport};
pub use schedule::Schedule;
pub use self_load::{OwnCost, Scheduling};
pub use series::{OpenSecond, Progress, Second, SecondsBoard};
pub use server::{Durations, MemberFigures, MemberSecond, PeerFigures, ServerMember};
pub use slo::{
    LatencyTarget, Percentile, Probe, ProbeFigures, ProbeVerdict, ProbeWatcher, Purpose, Search,
    SloLimit, SloOptions, SloReport, WindowsOver, search_slo,
};
pub use standard::{PREFIX_DEFAULT, Standard, StandardKind};
pub use streams::{
    ContentionLoad, ContentionStyle, LEASES_MAX, LeaseLoad, LeaseStyle, Stage, StreamBenchmark,
    StreamLoad, StreamOptions, WatchLoad,
};
pub use target::Target;
pub use turns::{Turn, Turns};
pub use watched::WatchedEngine;
pub use workload::{
    Deletes, Mixed, Mixture, Ranges, Reads, Requests, Transactions, TxnStyle, Workload, Writes,
};
