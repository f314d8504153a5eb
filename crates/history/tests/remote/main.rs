//! Remote write and reading back, against real `VictoriaMetrics` and Prometheus, and a fake for what these cannot be made to do.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and one prints to another process"
)]

mod fake;
mod outage;
mod reading;
mod receiver;
mod samples;
mod server;
