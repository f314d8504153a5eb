//! The truth suite: faults injected into real clusters, and what the daemon then says.
//!
//! Each scenario runs the daemon as its users do, on a real cluster under light load, and asks: is the alert with the
//! right cause and subject told, how long does it take, does nothing else fire above information, and does it end when
//! the fault ends?

mod keep;
mod outcome;
mod pressure;
mod profile;
mod replay;
mod runner;
mod scenarios;
mod stage;

pub use keep::Fixture;
pub use outcome::{Outcome, Told, table};
pub use profile::Profile;
pub use runner::{Play, run};
pub use scenarios::{Scenario, all};
