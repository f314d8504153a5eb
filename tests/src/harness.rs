//! The daemon as a child process, and what a test needs around it.

mod alertmanager;
mod binary;
mod daemon;
mod events;
mod http;
mod log;
mod program;
mod prometheus;
mod proxy;
mod receiver;
mod wait;

pub use alertmanager::Alertmanager;
pub use binary::{bench_binary, daemon_binary, example_binary};
pub use daemon::{Daemon, Ended, run_program_to_end, run_to_end};
pub use events::{Event, Events};
pub use http::{Reply, client_builder, http_client};
pub use log::Log;
pub use program::find_program;
pub use prometheus::Prometheus;
pub use proxy::CountingProxy;
pub use receiver::{Received, WebhookReceiver};
pub use wait::until;
