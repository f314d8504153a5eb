//! What the channels write and send, against real receivers on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg_attr(
    not(all(feature = "http", feature = "smtp")),
    allow(
        dead_code,
        reason = "without one of the features a part of the fixture is not used"
    )
)]

#[cfg(feature = "http")]
mod alertmanager;
mod console;
#[cfg(feature = "smtp")]
mod email;
mod fixture;

#[cfg(feature = "http")]
mod http;
#[cfg(feature = "smtp")]
mod mail_server;
#[cfg(feature = "http")]
mod pagerduty;
#[cfg(any(feature = "http", feature = "smtp"))]
mod program;
#[cfg(feature = "http")]
mod recorder;
#[cfg(feature = "http")]
mod secrets;
#[cfg(feature = "http")]
mod slack;
#[cfg(feature = "http")]
mod webhook;
