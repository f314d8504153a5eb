//! Stores the samples of etcd-monitor.
//!
//! [`MemoryRing`] keeps the newest thousand samples of every series in memory, [`FileStore`] days of them in one file, and
//! [`History`] is one store over both.

#![cfg_attr(
    test,
    allow(clippy::float_cmp, reason = "what is stored comes back to the bit")
)]

mod answer;
mod bytes;
mod column;
mod file;
#[cfg(test)]
mod fixture;
mod history;
mod ring;
mod rows;
mod thin;
mod tier;

pub use file::{
    FileStore, FileStoreError, FileStoreOptions, FileStoreStatus, FileStoreWriter, Retention,
    SetAside,
};
pub use history::History;
pub use ring::{MemoryRing, RING_SAMPLES};
