//! Samples beyond this machine: written to a Prometheus-compatible store by remote write, and read back from it.

mod door;
mod error;
mod names;
mod query;
mod queue;
mod record;
mod wire;
mod write;

pub use door::{HttpAuth, HttpOptions, Secret};
pub use error::RemoteError;
pub use names::SERIES_PREFIX;
pub use query::{PrometheusQuery, PrometheusQueryOptions, RemoteHistory};
pub use write::{RemoteWrite, RemoteWriteOptions};
