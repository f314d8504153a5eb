//! Remote write and reading back, against real `VictoriaMetrics` and Prometheus, and a fake for what these cannot be made to do.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says why it is skipped"
)]

mod fake;
mod outage;
mod reading;
mod receiver;
mod samples;
mod server;
