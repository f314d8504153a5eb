//! `/metrics`: the latest snapshots as Prometheus metrics.
//!
//! A collector over the snapshots, not families that are kept: members that left leave, and what is not known has no
//! sample.

mod alerts;
mod benchmarks;
mod black_box;
mod cluster;
mod collector;
mod format;
mod links;
mod members;
mod own;
mod probes;
mod process;
mod requests;
mod stats;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

pub(crate) use collector::member_labels;
pub(crate) use format::Format;

use crate::source::Source;

/// The page in a format.
pub(crate) fn render(source: &Source, format: Format) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(collector::Snapshots::of(source)));
    let mut page = String::new();
    if let Err(error) = encode(&mut page, &registry) {
        // Writing to a String fails only where a metric was described wrongly; what was written so far is whole lines.
        tracing::error!(%error, "The metrics could not be written in full");
    }
    format.of(page)
}

#[cfg(test)]
mod own_tests;
#[cfg(test)]
mod tests;
