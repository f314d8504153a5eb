//! Attacks on a server that listens, by raw TCP: each line names one, and what must come of it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "serving/mod.rs"]
mod serving;

#[path = "attacks/frames.rs"]
mod frames;
#[path = "attacks/http2.rs"]
mod http2;
#[path = "attacks/listening.rs"]
mod listening;
#[path = "attacks/requests.rs"]
mod requests;
#[path = "attacks/resources.rs"]
mod resources;
#[path = "attacks/wire.rs"]
mod wire;
