//! When each request of an open loop is due: absolute times, which no late request moves.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::load::{Arrivals, Rate};

/// The times at which requests are due, from the beginning of the load on, without end.
#[derive(Debug, Clone)]
pub struct Schedule {
    gap_seconds: f64,
    arrivals: Arrivals,
    rng: SmallRng,
    issued: u64,
    /// Of Poisson arrivals: the sum of the gaps so far.
    poisson_seconds: f64,
}

impl Schedule {
    /// The schedule of a rate; the same seed makes the same one.
    pub fn new(rate: Rate, seed: u64) -> Self {
        Self {
            gap_seconds: 1.0 / rate.per_second,
            arrivals: rate.arrivals,
            rng: SmallRng::seed_from_u64(seed),
            issued: 0,
            poisson_seconds: 0.0,
        }
    }
}

impl Iterator for Schedule {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let seconds = match self.arrivals {
            Arrivals::Uniform => self.issued as f64 * self.gap_seconds,
            Arrivals::Burst(size) => {
                let size = u64::from(size.max(1));
                (self.issued / size * size) as f64 * self.gap_seconds
            }
            Arrivals::Poisson => {
                // By inversion; 1 - u is above 0.
                let u: f64 = self.rng.random();
                self.poisson_seconds -= (1.0 - u).ln() * self.gap_seconds;
                self.poisson_seconds
            }
        };
        self.issued += 1;
        Duration::try_from_secs_f64(seconds).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(arrivals: Arrivals, per_second: f64, count: usize) -> Vec<f64> {
        let schedule = Schedule::new(
            Rate {
                per_second,
                arrivals,
            },
            5,
        );
        schedule.take(count).map(|due| due.as_secs_f64()).collect()
    }

    #[test]
    fn uniform_arrivals_do_not_drift() {
        let due = seconds(Arrivals::Uniform, 3_000.0, 3_000_001);
        assert!((due[3_000_000] - 1_000.0).abs() < 1e-6);
        assert!((due[1] - 1.0 / 3_000.0).abs() < 1e-9);
    }

    #[test]
    fn bursts_come_together_and_keep_the_rate() {
        let due = seconds(Arrivals::Burst(4), 8.0, 9);
        assert_eq!(due, [0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.5, 1.0]);
    }

    #[test]
    fn poisson_gaps_have_the_mean_and_the_spread_of_an_exponential() {
        let due = seconds(Arrivals::Poisson, 100.0, 20_001);
        let gaps: Vec<f64> = due.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((mean - 0.01).abs() < 0.0003, "{mean}");
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.05);
        assert!(due.is_sorted());
        assert_eq!(due, seconds(Arrivals::Poisson, 100.0, 20_001));
    }
}
