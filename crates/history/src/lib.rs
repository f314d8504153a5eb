//! Stores the samples of etcd-monitor.
//!
//! [`MemoryRing`] keeps the newest thousand samples of every series in memory.
//! [`RemoteWrite`] sends samples to a Prometheus-compatible store, [`PrometheusQuery`] reads them back.

#![cfg_attr(
    test,
    allow(clippy::float_cmp, reason = "what is stored comes back to the bit")
)]

mod answer;
mod bytes;
mod column;
mod remote;
mod ring;
mod rows;
mod thin;

pub use remote::{
    HttpAuth, HttpOptions, PrometheusQuery, PrometheusQueryOptions, RemoteError, RemoteHistory,
    RemoteWrite, RemoteWriteOptions, SERIES_PREFIX, Secret,
};
pub use ring::{MemoryRing, RING_SAMPLES};
