//! The flags of what tries several rates.

use std::time::Duration;

use clap::{ArgGroup, Args};
use etcd_monitor_bench::{LatencyTarget, Percentile, SloOptions};

use super::Command;
use super::load::duration;
use super::result::share_above_0;

/// Looks for the highest rate at which a latency is kept, and verifies it
///
/// Open loop: a ramp of short probes goes up by half until the target is missed, a bisection narrows it down, and the rate that was
/// found has to hold three times more. --rate, --total, --duration and --warmup of the load do not count; --clients is raised where
/// it would limit a probe. A probe whose generator was late says nothing of the cluster, and is told apart.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("target").required(true).args(["p50", "p95", "p99", "p999"]))]
#[command(after_help = "Examples:
  etcd-bench slo --p99 10ms write --endpoints 10.0.0.1:2379
  etcd-bench slo --p99.9 50ms --from 2000 --max-time 5m mixed --read-share 0.9 -w json -o slo.json
  etcd-bench slo --p95 5ms --probe 3s --samples 0 --verify 2 read --serializable

Exit codes: 0 a rate is verified, 1 none is, or it failed, 2 wrong usage.")]
pub(crate) struct SloArgs {
    /// The median may take this at most
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub p50: Option<Duration>,

    /// The p95 may take this at most
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub p95: Option<Duration>,

    /// The p99 may take this at most
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub p99: Option<Duration>,

    /// The p99.9 may take this at most
    #[arg(long = "p99.9", value_name = "TIME", value_parser = duration)]
    pub p999: Option<Duration>,

    /// Requests per second that are tried first
    #[arg(long, value_name = "N", default_value_t = 100.0)]
    pub from: f64,

    /// Requests per second above which nothing is tried
    #[arg(long, value_name = "N")]
    pub most: Option<f64>,

    /// How long a probe measures at least; those of the ramp 5 s at most
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub probe: Duration,

    /// Requests of a probe at least, those of the ramp apart
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub samples: u64,

    /// Time at the beginning of a probe that is not measured
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    pub settle: Duration,

    /// How near the rate that holds and the one that does not come
    #[arg(long, value_name = "SHARE", default_value = "2%", value_parser = share_above_0)]
    pub precision: f64,

    /// How often the rate that was found has to hold
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub verify: u32,

    /// No probe begins that would end later
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = duration)]
    pub max_time: Duration,

    /// Compacts after each rate, so that each meets as many revisions. For the whole cluster: watches of others that are
    /// behind are cancelled
    #[arg(long)]
    pub compact: bool,

    /// What is asked.
    #[command(subcommand)]
    pub load: Command,
}

impl SloArgs {
    /// How it is looked for.
    pub(crate) fn options(&self) -> SloOptions {
        let targets = [
            (Percentile::P50, self.p50),
            (Percentile::P95, self.p95),
            (Percentile::P99, self.p99),
            (Percentile::P999, self.p999),
        ];
        let given = targets
            .into_iter()
            .find_map(|(percentile, most)| Some((percentile, most?)));
        // The group has one; without it the check of the options refuses.
        let (percentile, most) = given.unwrap_or((Percentile::P99, Duration::ZERO));
        let mut options = SloOptions::new(LatencyTarget::new(percentile, most.as_secs_f64()));
        options.first_per_second = self.from;
        options.most_per_second = self.most;
        options.probe_seconds = self.probe.as_secs_f64();
        options.ramp_seconds = options.ramp_seconds.min(options.probe_seconds);
        options.probe_samples = self.samples;
        options.settle_seconds = self.settle.as_secs_f64();
        options.precision_share = self.precision;
        options.verifications = self.verify;
        options.most_seconds = self.max_time.as_secs_f64();
        options
    }
}

/// Measures latency against rate, and where it rises steeply
///
/// Each rate is an open loop of its own, with 95 % intervals from ten seconds on; the knee is found by Kneedle. It ends after two
/// rates in a row that the cluster does not keep up with. --rate, --total, --duration and --warmup of the load do not count.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  etcd-bench capacity --rates 500,1000,2000,4000 write --endpoints 10.0.0.1:2379
  etcd-bench capacity --from 500 --to 8000 --steps 16 --probe 20s mixed -w csv -o curve.csv

Exit codes: 0 measured, 1 failed, 2 wrong usage.")]
pub(crate) struct CapacityArgs {
    /// Requests per second that are tried
    #[arg(long, value_name = "RATES", value_delimiter = ',', required_unless_present = "from", conflicts_with_all = ["from", "to", "steps"])]
    pub rates: Vec<f64>,

    /// The lowest rate, instead of --rates
    #[arg(long, value_name = "N", requires = "to")]
    pub from: Option<f64>,

    /// The highest rate
    #[arg(long, value_name = "N", requires = "from")]
    pub to: Option<f64>,

    /// How many rates, evenly spread
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=200))]
    pub steps: u32,

    /// How long each rate is measured
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub probe: Duration,

    /// Time at the beginning of each that is not measured
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    pub settle: Duration,

    /// Compacts after each rate, so that each meets as many revisions. For the whole cluster: watches of others that are
    /// behind are cancelled
    #[arg(long)]
    pub compact: bool,

    /// What is asked.
    #[command(subcommand)]
    pub load: Command,
}

impl CapacityArgs {
    /// The rates.
    pub(crate) fn rates(&self) -> Vec<f64> {
        let (Some(from), Some(to)) = (self.from, self.to) else {
            return self.rates.clone();
        };
        let gap = (to - from) / f64::from(self.steps.max(2) - 1);
        (0..self.steps)
            .map(|step| from + gap * f64::from(step))
            .collect()
    }
}
