//! The flags that say how results of several runs look, and what they are held against.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use etcd_monitor_bench::{CompareOptions, MetricKind};

/// How a result looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResultFormat {
    /// For people
    Table,
    /// One document
    Json,
    /// One page with charts, which loads nothing from anywhere
    Html,
}

/// How a result looks, and where it goes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct ResultArgs {
    /// Form of the result
    #[arg(
        short = 'w',
        long = "write-out",
        value_name = "FORMAT",
        default_value = "table"
    )]
    pub format: ResultFormat,

    /// File to write it to, instead of stdout
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// A metric that can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MetricArg {
    /// Answers per second
    Throughput,
    /// Median of the responses
    P50,
    /// p95 of them
    P95,
    /// p99 of them
    P99,
    /// p99.9 of them
    #[value(name = "p99.9")]
    P999,
}

/// What counts as a difference.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Comparison")]
pub(crate) struct CriteriaArgs {
    /// Differences below this do not matter
    #[arg(long, value_name = "SHARE", default_value = "5%", value_parser = share_above_0)]
    pub threshold: f64,

    /// Metrics that are judged, all others left out [default: all]
    #[arg(long, value_name = "METRICS", value_delimiter = ',')]
    pub metrics: Vec<MetricArg>,

    /// Compares other loads and invalid results as well, and says so
    #[arg(long)]
    pub anyway: bool,
}

impl CriteriaArgs {
    /// How the sides are compared.
    pub(crate) fn options(&self) -> CompareOptions {
        let mut options = CompareOptions::default();
        options.threshold_share = self.threshold;
        options.anyway = self.anyway;
        options.metrics = self.metrics.iter().map(|metric| metric.kind()).collect();
        options
    }
}

impl MetricArg {
    fn kind(self) -> MetricKind {
        match self {
            Self::Throughput => MetricKind::Throughput,
            Self::P50 => MetricKind::P50,
            Self::P95 => MetricKind::P95,
            Self::P99 => MetricKind::P99,
            Self::P999 => MetricKind::P999,
        }
    }
}

/// A share above 0, as `5%` or `0.05`.
pub(super) fn share_above_0(text: &str) -> Result<f64, String> {
    let (number, of) = match text.strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    let share = number.trim().parse().ok().map(|share: f64| share / of);
    let share = share.filter(|share| (1e-6..=100.0).contains(share));
    share.ok_or_else(|| format!("'{text}' is no share above 0; write it as 5% or 0.05"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_per_cent_or_plain() {
        assert_eq!(share_above_0("5%"), Ok(0.05));
        assert_eq!(share_above_0("0.2"), Ok(0.2));
        for wrong in ["0", "-5%", "five", "%", "NaN", ""] {
            assert!(share_above_0(wrong).is_err(), "{wrong}");
        }
    }
}
