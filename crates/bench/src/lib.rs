//! Load generation for etcd: what to ask, how fast, and what came of it, honestly measured.

mod benchmark;
mod engine;
mod environment;
mod error;
mod histogram;
mod keys;
mod load;
mod prefix;
mod recorder;
mod report;
mod request;
mod schedule;
mod self_load;
mod series;
mod standard;
mod turns;
mod workload;

pub use benchmark::{Benchmark, Options, Phase, Watcher};
pub use engine::library::TonicEngine;
pub use engine::{Assignment, Engine, Outcome};
pub use environment::{ClientMachine, ClusterNow, Environment, MemberNow};
pub use error::BenchError;
pub use histogram::Latencies;
pub use keys::{KeyOrder, KeyPicker, KeyShape, Values, ZIPF_EXPONENT_DEFAULT, end_of_prefix};
pub use load::{Arrivals, CLIENTS_MAX, CONNECTIONS_MAX, Load, Rate, Until};
pub use recorder::{Errors, Failure, Recorder, Recording, Tally, Times};
pub use report::{
    Accounting, AccountingVerdict, Bucket, ErrorFigures, LatencyFigures, OperationFigures, Plan,
    Report,
};
pub use request::{Answer, OperationKind, RangeShape, Request};
pub use schedule::Schedule;
pub use self_load::OwnCost;
pub use series::{OpenSecond, Progress, Second, SecondsBoard};
pub use standard::{PREFIX_DEFAULT, Standard, StandardKind};
pub use turns::{Turn, Turns};
pub use workload::{
    Deletes, Mixed, Ranges, Reads, Requests, Transactions, TxnStyle, Workload, Writes,
};
