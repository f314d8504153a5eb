//! What the end-to-end tests and the demo share: the daemon as a process, on real clusters.

pub mod demo;
pub mod harness;
