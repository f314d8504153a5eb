//! Stores the samples of etcd-monitor.
//!
//! [`MemoryRing`] keeps the newest thousand samples of every series in memory.

mod answer;
mod bytes;
mod column;
mod ring;
mod rows;
mod thin;

pub use ring::{MemoryRing, RING_SAMPLES};
