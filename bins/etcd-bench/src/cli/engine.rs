//! The flags that say what sends the requests.

use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use etcd_monitor_bench::{Engine, TonicEngine};
#[cfg(target_os = "linux")]
use etcd_monitor_bench::{NativeEngine, Pacing};
use etcd_monitor_client::{ClientOptions, Endpoint};

use super::load::duration;

/// What sends the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineArg {
    /// HTTP/2 of its own: a tenth of the cost, so that the cluster is what is measured
    #[cfg(target_os = "linux")]
    Native,
    /// On etcd-client and tonic: what programs in Rust use, with all that it costs
    Tonic,
}

/// What sends the requests where nothing is said.
#[cfg(target_os = "linux")]
const ENGINE_DEFAULT: EngineArg = EngineArg::Native;
#[cfg(not(target_os = "linux"))]
const ENGINE_DEFAULT: EngineArg = EngineArg::Tonic;

/// How the native engine waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PaceArg {
    Sleep,
    Spin,
    Tick(Duration),
}

impl FromStr for PaceArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "sleep" => Ok(Self::Sleep),
            "spin" => Ok(Self::Spin),
            _ => {
                let tick = text
                    .strip_prefix("tick=")
                    .ok_or("it is sleep, spin or tick=TIME, such as tick=200us")?;
                let tick = duration(tick)?;
                if (TICK_MIN..=TICK_MAX).contains(&tick) {
                    return Ok(Self::Tick(tick));
                }
                Err(
                    "a tick is between 10us and 500us long: requests are late by up to as much"
                        .to_owned(),
                )
            }
        }
    }
}

const TICK_MIN: Duration = Duration::from_micros(10);
const TICK_MAX: Duration = Duration::from_micros(500);

/// What sends the requests, and how.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Engine")]
pub(crate) struct EngineArgs {
    /// What sends the requests
    #[arg(long, value_name = "ENGINE", default_value_t = ENGINE_DEFAULT, value_enum)]
    pub engine: EngineArg,

    /// Threads of the native engine [default: one for each 64 connections, as many as there are cores at most]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,

    /// Requests that the native engine writes to a connection at once at most [default: all that are due]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_batch: Option<u32>,

    /// How the native engine waits until a request of --rate is due
    ///
    /// sleep: sleeps until then. spin: looks at the clock all the time, which is late by less, and takes a whole core for each
    /// thread. tick=TIME: sleeps until the next multiple of TIME (10us to 500us), so that what is due meanwhile goes out
    /// together: late by up to as much, for less CPU time.
    #[arg(long, value_name = "HOW", default_value = "sleep")]
    pub pace: PaceArg,
}

impl EngineArgs {
    /// The engine of these flags, or `named` with the same settings.
    pub(crate) fn engine(
        &self,
        named: Option<EngineArg>,
        client: ClientOptions,
        endpoints: Vec<Endpoint>,
    ) -> Box<dyn Engine> {
        match named.unwrap_or(self.engine) {
            #[cfg(target_os = "linux")]
            EngineArg::Native => {
                let mut native =
                    NativeEngine::new(client, endpoints).with_pacing(match self.pace {
                        PaceArg::Sleep => Pacing::Sleep,
                        PaceArg::Spin => Pacing::Spin,
                        PaceArg::Tick(tick) => Pacing::Tick(tick),
                    });
                if let Some(threads) = self.threads {
                    native = native.with_threads(threads);
                }
                if let Some(requests) = self.max_batch {
                    native = native.with_batch_max(requests);
                }
                Box::new(native)
            }
            EngineArg::Tonic => Box::new(TonicEngine::new(client, endpoints)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_has_a_length_that_leaves_the_result_valid() {
        assert_eq!(
            "tick=200us".parse(),
            Ok(PaceArg::Tick(Duration::from_micros(200)))
        );
        assert_eq!("spin".parse(), Ok(PaceArg::Spin));
        for wrong in [
            "tick", "tick=", "tick=1us", "tick=1ms", "tick=5", "Sleep", "",
        ] {
            assert!(wrong.parse::<PaceArg>().is_err(), "{wrong}");
        }
    }
}
