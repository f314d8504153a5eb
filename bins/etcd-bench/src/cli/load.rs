//! The flags that say how much is asked, by how many, how fast, and of which keys.

use std::time::Duration;

use clap::{Args, ValueEnum};
use etcd_monitor_bench::{
    Arrivals, KeyOrder, Load, Overload, PREFIX_DEFAULT, Rate, Standard, StandardKind, Target, Until,
};

/// Requests where neither a number nor a time is given.
const TOTAL_DEFAULT: u64 = 10_000;

/// In which order keys are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyOrderArg {
    /// One after the other
    Sequential,
    /// Each as likely as any other
    Random,
    /// Few keys are taken often
    Zipf,
}

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

/// Which members the load goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetArg {
    /// Those of --endpoints
    All,
    /// The leader alone, wherever it is
    Leader,
    /// The followers alone
    Follower,
    /// All members, one after the other: a report for each
    Each,
}

impl From<TargetArg> for Target {
    fn from(target: TargetArg) -> Self {
        match target {
            TargetArg::All => Self::All,
            TargetArg::Leader => Self::Leader,
            TargetArg::Follower => Self::Followers,
            TargetArg::Each => Self::Each,
        }
    }
}

/// How much is asked, by how many, how fast, and of which keys.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Load")]
pub(crate) struct LoadArgs {
    /// Connections, spread over the endpoints
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub connections: u32,

    /// Which members they go to: of all of the cluster, also of those that --endpoints does not name
    #[arg(long, value_name = "MEMBERS", default_value = "all")]
    pub target: TargetArg,

    /// Requests in flight at most, over all connections
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub clients: u32,

    /// Requests to make, those of the warm-up not counted [default: 10000, without --duration]
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

    /// What becomes of requests of --rate that are due while every client waits: queue, drop, or cap=N: N wait at most
    #[arg(long, value_name = "HOW", default_value = "queue", value_parser = overload, requires = "rate")]
    pub overload: Overload,

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
    pub(crate) use_existing_prefix: bool,

    /// Leaves the keys there in the end
    #[arg(long, help_heading = "Keys")]
    pub keep_keys: bool,

    /// Bytes of a key, the prefix included
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 32,
        help_heading = "Keys"
    )]
    pub key_size: usize,

    /// Bytes of a value
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 256,
        help_heading = "Keys"
    )]
    pub value_size: usize,

    /// Different keys
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10_000,
        help_heading = "Keys"
    )]
    pub key_space: u64,

    /// In which order keys are taken
    #[arg(
        long,
        value_name = "HOW",
        default_value = "random",
        help_heading = "Keys"
    )]
    pub key_order: KeyOrderArg,

    /// How steep the popularity falls, with --key-order zipf
    #[arg(long, value_name = "X", default_value_t = etcd_monitor_bench::ZIPF_EXPONENT_DEFAULT, help_heading = "Keys")]
    pub zipf_exponent: f64,
}

impl LoadArgs {
    /// The load.
    pub(crate) fn load(&self) -> Load {
        let until = match self.duration {
            Some(span) => Until::Seconds(span.as_secs_f64()),
            None => Until::Operations(self.total.unwrap_or(TOTAL_DEFAULT)),
        };
        let arrivals = self.arrivals.of(self.burst_size);
        let mut load = Load::new(until);
        load.connections = self.connections;
        load.clients = self.clients;
        load.rate = self.rate.map(|per_second| Rate {
            per_second,
            arrivals,
        });
        load.overload = self.overload;
        load.warmup_seconds = self.warmup.as_secs_f64();
        load.seed = self.seed;
        load
    }

    /// A usual load of these keys.
    pub(crate) fn standard(&self, kind: StandardKind) -> Standard {
        let mut standard = Standard::new(kind);
        standard.prefix.clone_from(&self.prefix);
        standard.key_size = self.key_size;
        standard.value_size = self.value_size;
        standard.key_space = self.key_space;
        standard.key_order = match self.key_order {
            KeyOrderArg::Sequential => KeyOrder::Sequential,
            KeyOrderArg::Random => KeyOrder::Random,
            KeyOrderArg::Zipf => KeyOrder::Zipf {
                exponent: self.zipf_exponent,
            },
        };
        standard.seed = self.seed;
        standard
    }
}

fn overload(text: &str) -> Result<Overload, String> {
    match (text, text.strip_prefix("cap=").map(str::parse)) {
        ("queue", _) => Ok(Overload::Queue),
        ("drop", _) => Ok(Overload::Drop),
        (_, Some(Ok(most))) => Ok(Overload::Cap(most)),
        _ => Err(format!(
            "'{text}' is none of queue, drop and cap=N, such as cap=100"
        )),
    }
}

/// A time with its unit: `500ms`, `30s`, `5m`, `1h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let units = [
        ("us", 1e-6),
        ("ms", 1e-3),
        ("s", 1.0),
        ("m", 60.0),
        ("h", 3_600.0),
    ];
    let read = units.iter().find_map(|(unit, seconds)| {
        let number: f64 = text.strip_suffix(unit)?.parse().ok()?;
        Duration::try_from_secs_f64(number * seconds).ok()
    });
    read.ok_or_else(|| format!("'{text}' is no time; write it with its unit: 500ms, 30s, 5m, 1h"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        assert_eq!(duration("200us"), Ok(Duration::from_micros(200)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        for wrong in ["5", "", "s", "-1s", "1d", "NaNs", "1e300h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn overload_has_three_ways() {
        assert_eq!(overload("drop"), Ok(Overload::Drop));
        assert_eq!(overload("cap=12"), Ok(Overload::Cap(12)));
        for wrong in ["", "cap", "cap=", "cap=-1", "Drop"] {
            assert!(overload(wrong).is_err(), "{wrong}");
        }
    }
}
