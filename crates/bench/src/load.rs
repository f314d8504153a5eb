//! How much is asked, by how many, how fast.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::BenchError;

/// Connections that one run may open.
pub const CONNECTIONS_MAX: u32 = 1_000;

/// Requests that one run may have in flight.
pub const CLIENTS_MAX: u32 = 100_000;

/// When a load is over.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = LoadEnd))]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// After so many requests, those of the warm-up not counted.
    Operations(u64),
    /// After so long, the warm-up not counted.
    Seconds(f64),
}

/// When the requests of an open loop are due.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Arrivals {
    /// Each so long after the one before.
    Uniform,
    /// As if by many that know nothing of each other: the gaps are exponentially distributed.
    Poisson,
    /// So many at once, and a pause.
    Burst(u32),
}

/// An open loop: requests are due at times that do not wait for answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = LoadRate))]
pub struct Rate {
    /// Requests in a second.
    pub per_second: f64,
    /// How they are spread.
    pub arrivals: Arrivals,
}

/// What becomes of a request of an open loop that is due while every client waits for an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = LoadOverload))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Overload {
    /// It waits, however many do: its latency counts from when it was due.
    #[default]
    Queue,
    /// It is dropped, and counted.
    Drop,
    /// So many wait at most; beyond that it is dropped, and counted.
    Cap(u32),
}

impl Overload {
    /// Whether a request that is due now is taken on, where `outstanding` are taken on and not finished, whether they wait or
    /// are in flight, and there are so many clients.
    pub fn admits(self, outstanding: u64, clients: u32) -> bool {
        let waiting_most = match self {
            Self::Queue => return true,
            Self::Drop => 0,
            Self::Cap(most) => most,
        };
        outstanding < u64::from(clients) + u64::from(waiting_most)
    }

    /// The part of one of several threads that decide for themselves: those that may wait are shared out among them.
    #[must_use]
    pub fn share(self, thread: u32, threads: u32) -> Self {
        let threads = threads.max(1);
        match self {
            Self::Cap(most) => Self::Cap(most / threads + u32::from(thread < most % threads)),
            whole => whole,
        }
    }
}

/// How much is asked, by how many, how fast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Load {
    /// Connections, spread over the endpoints in turn.
    pub connections: u32,
    /// Requests in flight at most, over all connections.
    pub clients: u32,
    /// When it is over.
    pub until: Until,
    /// An open loop; `None` for a closed one: each client asks again when it was answered.
    pub rate: Option<Rate>,
    /// What becomes of requests of an open loop that are due while every client waits.
    #[serde(default)]
    pub overload: Overload,
    /// Time at the beginning that is not measured, in seconds.
    pub warmup_seconds: f64,
    /// What random choices follow from.
    pub seed: u64,
}

/// From when to when a load is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The end of the warm-up.
    pub(crate) measured_from: Instant,
    /// Measured requests; `None` where it ends by the time.
    pub(crate) total: Option<u64>,
    /// The end; `None` where it ends by the number of requests.
    pub(crate) end: Option<Instant>,
}

impl Load {
    /// A closed loop of ten clients on ten connections without a warm-up.
    pub fn new(until: Until) -> Self {
        Self {
            connections: 10,
            clients: 10,
            until,
            rate: None,
            overload: Overload::Queue,
            warmup_seconds: 0.0,
            seed: 1,
        }
    }

    /// The warm-up.
    pub fn warmup(&self) -> Duration {
        Duration::try_from_secs_f64(self.warmup_seconds).unwrap_or_default()
    }

    /// What is measured of a load that begins at `begin`.
    pub(crate) fn bounds(&self, begin: Instant) -> Bounds {
        let measured_from = begin + self.warmup();
        let (total, end) = match self.until {
            Until::Operations(total) => (Some(total), None),
            Until::Seconds(seconds) => {
                let span = Duration::try_from_secs_f64(seconds).unwrap_or_default();
                (None, Some(measured_from + span))
            }
        };
        Bounds {
            measured_from,
            total,
            end,
        }
    }

    /// What the random choices of one worker follow from: workers differ, and runs of the same seed do not.
    pub(crate) fn seed_of_worker(&self, worker: u32) -> u64 {
        let seed = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        seed.wrapping_add(worker.into())
    }

    /// Refuses what cannot be.
    pub fn check(&self) -> Result<(), BenchError> {
        within("connections", self.connections, CONNECTIONS_MAX)?;
        within("clients", self.clients, CLIENTS_MAX)?;
        let is_time = |seconds: f64| (0.0..=31_536_000.0).contains(&seconds);
        match self.until {
            Until::Operations(0) => return Err(bad("total", "0 requests measure nothing")),
            Until::Seconds(seconds) if seconds <= 0.0 || !is_time(seconds) => {
                return Err(bad("duration", "it must be above 0, and a year at most"));
            }
            _ => {}
        }
        if !is_time(self.warmup_seconds) {
            return Err(bad("warmup", "it must be 0 or more, and a year at most"));
        }
        if self.rate.is_none() && self.overload != Overload::Queue {
            return Err(bad(
                "overload",
                "without a rate nothing is due while every client waits",
            ));
        }
        match self.rate {
            Some(rate) if !(0.001..=1e9).contains(&rate.per_second) => {
                Err(bad("rate", "it must be between 0.001 and 1,000,000,000"))
            }
            Some(Rate {
                arrivals: Arrivals::Burst(0),
                ..
            }) => Err(bad("burst", "a burst has at least one request")),
            _ => Ok(()),
        }
    }
}

fn within(name: &'static str, value: u32, most: u32) -> Result<(), BenchError> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    Err(bad(name, &format!("{value} is not between 1 and {most}")))
}

fn bad(name: &'static str, reason: &str) -> BenchError {
    BenchError::BadPlan {
        name,
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_refused() {
        let fine = Load::new(Until::Operations(1));
        assert!(fine.check().is_ok());
        let rate = |per_second, arrivals| {
            Some(Rate {
                per_second,
                arrivals,
            })
        };
        let none = rate(0.0, Arrivals::Uniform);
        let empty = rate(1.0, Arrivals::Burst(0));
        let wrong: [&dyn Fn(&mut Load); 9] = [
            &|load| load.connections = 0,
            &|load| load.clients = CLIENTS_MAX + 1,
            &|load| load.until = Until::Operations(0),
            &|load| load.until = Until::Seconds(0.0),
            &|load| load.until = Until::Seconds(f64::NAN),
            &|load| load.warmup_seconds = -1.0,
            &|load| load.rate = none,
            &|load| load.rate = empty,
            &|load| load.overload = Overload::Drop,
        ];
        for change in wrong {
            let mut load = fine.clone();
            change(&mut load);
            assert!(load.check().is_err(), "{load:?}");
        }
    }

    #[test]
    fn overload_is_a_matter_of_how_many_are_outstanding() {
        for (overload, taken) in [
            (Overload::Queue, [true; 4]),
            (Overload::Drop, [true, true, false, false]),
            (Overload::Cap(1), [true, true, true, false]),
        ] {
            let admitted = [0, 1, 2, 3].map(|outstanding| overload.admits(outstanding, 2));
            assert_eq!(admitted, taken, "{overload:?}");
        }
        let shares = [0, 1, 2].map(|thread| Overload::Cap(5).share(thread, 3));
        assert_eq!(
            shares,
            [Overload::Cap(2), Overload::Cap(2), Overload::Cap(1)]
        );
        assert_eq!(Overload::Drop.share(0, 3), Overload::Drop);
    }
}
