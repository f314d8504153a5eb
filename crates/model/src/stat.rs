//! What a part of etcd-monitor tells about itself: numbers, and that it fails.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A part that counts what it does: queue depths, drops, sizes. The binary hands all of them to the exporter.
pub trait StatSource: Send + Sync {
    /// The numbers as they are now. Cheap: it is called at every scrape, and neither waits nor does I/O.
    fn stats(&self) -> Vec<Stat>;
}

/// One number.
#[derive(Debug, Clone, PartialEq)]
pub struct Stat {
    /// Its whole name on `/metrics`, with the unit as the last word before `_total`:
    /// `etcd_monitor_history_dropped_samples_total`.
    pub name: &'static str,
    /// What it counts, in one sentence without a full stop.
    pub help: &'static str,
    /// Counter or gauge.
    pub kind: StatKind,
    /// Labels, each name once.
    pub labels: Vec<(&'static str, String)>,
    /// The value: finite.
    pub value: f64,
}

/// How a number moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatKind {
    /// Only grows, from 0 at the start of the process. Its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
}

impl Stat {
    /// A counter without labels.
    pub fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        Self::new(name, help, StatKind::Counter, value as f64)
    }

    /// A gauge without labels.
    pub fn gauge(name: &'static str, help: &'static str, value: f64) -> Self {
        Self::new(name, help, StatKind::Gauge, value)
    }

    /// The same number with one more label.
    #[must_use]
    pub fn label(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.labels.push((name, value.into()));
        self
    }

    fn new(name: &'static str, help: &'static str, kind: StatKind, value: f64) -> Self {
        Self {
            name,
            help,
            kind,
            labels: Vec::new(),
            value,
        }
    }
}

/// Since when a part does not do what it is there for, and why: a store that keeps nothing, a channel that does not deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartFailure {
    /// When it first failed.
    pub since: Timestamp,
    /// What was tried, on what, and what came back.
    pub reason: String,
}
