//! The flags that all loads have: how much is asked, by how many, how fast, below which prefix, and of which size.

use std::time::Duration;

use clap::{Args, ValueEnum};
use etcd_monitor_bench::{Arrivals, Load, PREFIX_DEFAULT, Rate, Until};

use super::load::duration;

/// How requests of an open loop are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ArrivalsArg {
    /// Each so long after the one before
    Uniform,
    /// As if by many that know nothing of each other
    Poisson,
    /// Some at once, and a pause
    Burst,
}

impl ArrivalsArg {
    /// With so many at once, for those that come in bursts.
    pub(super) fn of(self, burst_size: u32) -> Arrivals {
        match self {
            Self::Uniform => Arrivals::Uniform,
            Self::Poisson => Arrivals::Poisson,
            Self::Burst => Arrivals::Burst(burst_size),
        }
    }
}

/// How much is asked, by how many, how fast.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Load")]
pub(crate) struct PaceArgs {
    /// Connections, spread over the endpoints
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub connections: u32,

    /// Clients that ask, each for one thing at a time: so many requests are in flight at most, over all connections
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub clients: u32,

    /// Requests to make, those of the warm-up not counted [default without --duration: 10000, or 1000 on streams]
    #[arg(long, value_name = "N", conflicts_with = "duration")]
    pub total: Option<u64>,

    /// How long to measure, instead of --total: 30s, 5m
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub duration: Option<Duration>,

    /// Requests per second that are due, whatever the answers do [default: each client asks when it was answered]
    #[arg(long, value_name = "N")]
    pub rate: Option<f64>,

    /// How requests of --rate are spread
    #[arg(long, value_name = "HOW", default_value = "uniform", requires = "rate")]
    pub arrivals: ArrivalsArg,

    /// Requests that come at once, with --arrivals burst
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub burst_size: u32,

    /// Time at the beginning that is not measured
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub warmup: Duration,

    /// What random choices follow from
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// What all keys begin with; no other keys may be there
    #[arg(
        long,
        value_name = "TEXT",
        default_value = PREFIX_DEFAULT,
        help_heading = "Keys"
    )]
    pub prefix: String,

    /// Begins though there are keys below the prefix: they are overwritten and deleted
    #[arg(long, help_heading = "Keys")]
    pub use_existing_prefix: bool,

    /// Leaves the keys there in the end, but for those of leases
    #[arg(long, help_heading = "Keys")]
    pub keep_keys: bool,
}

impl PaceArgs {
    /// The load; of so many requests where neither a number nor a time is given.
    pub(crate) fn load(&self, total_default: u64) -> Load {
        let mut load = Load::new(match self.duration {
            Some(span) => Until::Seconds(span.as_secs_f64()),
            None => Until::Operations(self.total.unwrap_or(total_default)),
        });
        load.connections = self.connections;
        load.clients = self.clients;
        load.rate = self.rate.map(|per_second| Rate {
            per_second,
            arrivals: self.arrivals.of(self.burst_size),
        });
        load.warmup_seconds = self.warmup.as_secs_f64();
        load.seed = self.seed;
        load
    }
}

/// How keys and values look.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Keys")]
pub(crate) struct SizeArgs {
    /// Bytes of a key, the prefix included
    #[arg(long, value_name = "BYTES", default_value_t = 32)]
    pub key_size: usize,

    /// Bytes of a value
    #[arg(long, value_name = "BYTES", default_value_t = 256)]
    pub value_size: usize,
}
