//! The one place that prints: test output of the testkit.

use std::fmt;

/// Prints one message to the output of the running test.
///
/// `eprintln!` and not a write to stderr, because the test harness captures only the former and
/// shows it with the test that failed.
#[allow(clippy::print_stderr, reason = "the one place for test output")]
pub(crate) fn say(message: impl fmt::Display) {
    eprintln!("testkit: {message}");
}
