//! What the members said of themselves while they were measured: their `/metrics` each second, and who led.
//!
//! It never disturbs the load: connections of its own, one page per member and second at most, and a deadline on each.

mod change;
mod figures;
mod observer;
mod page;
mod status;

pub(crate) use figures::Watched;
pub use figures::{Durations, MemberFigures, MemberSecond, PeerFigures, ServerMember};
pub(crate) use observer::Observer;
pub(crate) use status::Seen;
#[cfg(test)]
pub(crate) use status::SeenAt;
