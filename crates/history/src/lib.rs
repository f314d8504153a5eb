//! Stores the samples of etcd-monitor.
//!
//! [`MemoryRing`] keeps the newest thousand samples of every series in memory, [`FileStore`] days of them in one file, and
//! [`History`] is one store over both. [`RemoteWrite`] sends them to a Prometheus-compatible store, [`PrometheusQuery`] reads
//! them back from it.

#![cfg_attr(
    test,
    allow(clippy::float_cmp, reason = "what is stored comes back to the bit")
)]

mod answer;
mod bytes;
mod clock;
mod column;
mod file;
#[cfg(test)]
mod fixture;
mod history;
mod remote;
mod ring;
mod rows;
mod thin;
mod tier;

pub use file::{
    FileStore, FileStoreError, FileStoreOptions, FileStoreStatus, FileStoreWriter, Retention,
    SetAside,
};
pub use history::History;
pub use remote::{
    HttpAuth, HttpOptions, PrometheusQuery, PrometheusQueryOptions, RemoteError, RemoteHistory,
    RemoteWrite, RemoteWriteOptions, SERIES_PREFIX, Secret,
};
pub use ring::{MemoryRing, RING_SAMPLES};
