//! Load generation for etcd: what to ask, how fast, and what came of it, honestly measured.

mod engine;
mod error;
mod histogram;
mod keys;
mod load;
mod recorder;
mod request;
mod schedule;
mod series;
mod turns;
mod workload;

pub use engine::tonic::TonicEngine;
pub use engine::{Assignment, Engine, Outcome};
pub use error::BenchError;
pub use histogram::Latencies;
pub use keys::{KeyOrder, KeyPicker, KeyShape, Values, ZIPF_EXPONENT_DEFAULT, end_of_prefix};
pub use load::{Arrivals, CLIENTS_MAX, CONNECTIONS_MAX, Load, Rate, Until};
pub use recorder::{Errors, Failure, Recorder, Recording, Tally, Times};
pub use request::{Answer, OperationKind, RangeShape, Request};
pub use schedule::Schedule;
pub use series::{OpenSecond, Progress, Second, SecondsBoard};
pub use turns::{Turn, Turns};
pub use workload::{
    Deletes, Mixed, Ranges, Reads, Requests, Transactions, TxnStyle, Workload, Writes,
};
