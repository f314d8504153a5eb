//! Stores the samples of etcd-monitor.
//!
//! [`MemoryRing`] keeps the newest thousand samples of every series in memory.

#![cfg_attr(
    test,
    allow(clippy::float_cmp, reason = "what is stored comes back to the bit")
)]

mod answer;
mod bytes;
mod column;
mod ring;
mod rows;
mod thin;

pub use ring::{MemoryRing, RING_SAMPLES};
