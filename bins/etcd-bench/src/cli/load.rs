//! The flags that say how much is asked, by how many, how fast, and of which keys.

use std::time::Duration;

use clap::{Args, ValueEnum};
use etcd_monitor_bench::{KeyOrder, Load, Overload, Standard, StandardKind, Target};

use super::pace::{PaceArgs, SizeArgs};

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
    /// How much, by how many, how fast.
    #[command(flatten)]
    pub pace: PaceArgs,

    /// Which members the connections go to: of all of the cluster, also of those that --endpoints does not name
    #[arg(long, value_name = "MEMBERS", default_value = "all")]
    pub target: TargetArg,

    /// What becomes of requests of --rate that are due while every client waits: queue, drop, or cap=N: N wait at most
    #[arg(long, value_name = "HOW", default_value = "queue", value_parser = overload, requires = "rate")]
    pub overload: Overload,

    /// How keys and values look.
    #[command(flatten)]
    pub size: SizeArgs,

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
        let mut load = self.pace.load(TOTAL_DEFAULT);
        load.overload = self.overload;
        load
    }

    /// A usual load of these keys.
    pub(crate) fn standard(&self, kind: StandardKind) -> Standard {
        let mut standard = Standard::new(kind);
        standard.prefix.clone_from(&self.pace.prefix);
        standard.key_size = self.size.key_size;
        standard.value_size = self.size.value_size;
        standard.key_space = self.key_space;
        standard.key_order = match self.key_order {
            KeyOrderArg::Sequential => KeyOrder::Sequential,
            KeyOrderArg::Random => KeyOrder::Random,
            KeyOrderArg::Zipf => KeyOrder::Zipf {
                exponent: self.zipf_exponent,
            },
        };
        standard.seed = self.pace.seed;
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
    read.ok_or_else(|| {
        format!("'{text}' is no time; write it with its unit: 200us, 500ms, 30s, 5m, 1h")
    })
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
