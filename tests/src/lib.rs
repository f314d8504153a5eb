//! What the end-to-end tests, the demo and the truth suite share: the daemon as a process, on real clusters.

pub mod dashboards;
pub mod demo;
pub mod fleet;
pub mod harness;
mod load;
pub mod measure_api;
pub mod truth;
