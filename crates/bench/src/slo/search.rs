//! The search itself: which rate is tried next, and what is known by now. It asks nobody and knows no clock.

use serde::{Deserialize, Serialize};

use super::SloOptions;
use super::judge::ProbeVerdict;
use crate::probe::ProbePlan;

/// Below this many requests a second nothing is looked for.
const RATE_LEAST: f64 = 1.0;

/// Rates that are tried below one that did not hold when it was verified.
const RETREATS_MAX: u32 = 5;

/// Each is lower by this share.
const RETREAT_SHARE: f64 = 0.05;

/// What a probe is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Purpose {
    /// Goes up until the target is missed, or down until it is held; short.
    Ramp,
    /// Halves what lies between a rate that holds and one that does not.
    Bisect,
    /// Makes sure that a rate that a short probe missed does not hold.
    Confirm,
    /// Makes sure that the rate that was found does hold.
    Verify,
}

/// What ended the search from above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SloLimit {
    /// The cluster misses the target above the rate.
    Target,
    /// The generator is late above it: the cluster may hold more.
    Generator,
    /// No higher rate was to be tried.
    MostAsked,
    /// The time was over, or it was stopped, before anything limited it.
    Unknown,
}

/// A rate that does not hold.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ceiling {
    rate: f64,
    limit: SloLimit,
    /// True where a whole probe says so.
    is_confirmed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Up(f64),
    Down(f64),
    Bisect(f64),
    Confirm(f64),
    Verify {
        rate: f64,
        done: u32,
        held: u32,
        retreats: u32,
    },
    Done,
}

/// The search for the highest rate that holds.
#[derive(Debug, Clone)]
pub struct Search {
    options: SloOptions,
    step: Step,
    /// Rates that held.
    held: Vec<f64>,
    ceiling: Option<Ceiling>,
    verified: Option<f64>,
    /// True where the generator was late at this rate before: once may be chance.
    is_second_try: bool,
}

impl Search {
    /// Begins at the first rate of the options.
    pub fn new(options: SloOptions) -> Self {
        Self {
            step: Step::Up(options.first_per_second.min(options.most())),
            options,
            held: Vec::new(),
            ceiling: None,
            verified: None,
            is_second_try: false,
        }
    }

    /// What is to be tried next; `None` at the end.
    pub fn next(&self) -> Option<(Purpose, ProbePlan)> {
        let (purpose, rate) = match self.step {
            Step::Up(rate) | Step::Down(rate) => (Purpose::Ramp, rate),
            Step::Bisect(rate) => (Purpose::Bisect, rate),
            Step::Confirm(rate) => (Purpose::Confirm, rate),
            Step::Verify { rate, .. } => (Purpose::Verify, rate),
            Step::Done => return None,
        };
        let seconds = match purpose {
            Purpose::Ramp => self.options.ramp_seconds,
            _ => self
                .options
                .probe_seconds
                .max(self.options.probe_samples as f64 / rate),
        };
        let plan = ProbePlan {
            rate_per_second: rate,
            seconds,
            settle_seconds: self.options.settle_seconds,
        };
        Some((purpose, plan))
    }

    /// Hears what came of the probe that was to be tried.
    pub fn hear(&mut self, verdict: ProbeVerdict) {
        let is_late = verdict == ProbeVerdict::GeneratorLate;
        if is_late && !self.is_second_try {
            self.is_second_try = true;
            return;
        }
        self.is_second_try = false;
        let limit = if is_late {
            SloLimit::Generator
        } else {
            SloLimit::Target
        };
        match (self.step, verdict == ProbeVerdict::Held) {
            (Step::Up(rate) | Step::Confirm(rate), true) => self.go_on_above(rate),
            (Step::Up(rate) | Step::Down(rate), false) => {
                self.limit(rate, limit, false);
                self.below_ceiling(rate);
            }
            (Step::Down(rate) | Step::Bisect(rate), true) => {
                self.held.push(rate);
                self.step = self.between();
            }
            (Step::Bisect(rate) | Step::Confirm(rate), false) => {
                self.limit(rate, limit, true);
                self.step = self.between();
            }
            (Step::Verify { .. }, is_held) => self.verify(is_held, limit),
            (Step::Done, _) => {}
        }
    }

    fn limit(&mut self, rate: f64, limit: SloLimit, is_confirmed: bool) {
        self.ceiling = Some(Ceiling {
            rate,
            limit,
            is_confirmed,
        });
    }

    fn go_on_above(&mut self, rate: f64) {
        self.held.push(rate);
        self.ceiling = None;
        self.step = if rate >= self.options.most() {
            verify(rate, 0)
        } else {
            Step::Up((rate * self.options.ramp_factor).min(self.options.most()))
        };
    }

    /// Below a rate that did not hold: between it and one that did, or further down where there is none.
    fn below_ceiling(&mut self, rate: f64) {
        self.step = match self.held_per_second() {
            Some(_) => self.between(),
            None if rate / 2.0 < RATE_LEAST => Step::Done,
            None => Step::Down(rate / 2.0),
        };
    }

    fn between(&self) -> Step {
        let (Some(floor), Some(ceiling)) = (self.held_per_second(), self.ceiling) else {
            return Step::Done;
        };
        if ceiling.rate > floor * (1.0 + self.options.precision_share) {
            return Step::Bisect((floor * ceiling.rate).sqrt());
        }
        if ceiling.is_confirmed {
            verify(floor, 0)
        } else {
            Step::Confirm(ceiling.rate)
        }
    }

    fn verify(&mut self, is_held: bool, limit: SloLimit) {
        let Step::Verify {
            rate,
            done,
            held,
            retreats,
        } = self.step
        else {
            return;
        };
        let (done, held) = (done + 1, held + u32::from(is_held));
        if held == self.options.verifications {
            self.verified = Some(rate);
            self.step = Step::Done;
        } else if is_held {
            self.step = Step::Verify {
                rate,
                done,
                held,
                retreats,
            };
        } else {
            // One that does not hold is enough: "verified" means that all do.
            self.limit(rate, limit, true);
            let lower = rate * (1.0 - RETREAT_SHARE);
            self.step = if retreats >= RETREATS_MAX || lower < RATE_LEAST {
                Step::Done
            } else {
                verify(lower, retreats + 1)
            };
        }
    }

    /// The highest rate that all verifying probes held.
    pub fn verified_per_second(&self) -> Option<f64> {
        self.verified
    }

    /// The highest rate that held and of which nothing says otherwise, verified or not.
    pub fn held_per_second(&self) -> Option<f64> {
        let is_below = |rate: &f64| self.ceiling.is_none_or(|ceiling| *rate < ceiling.rate);
        let held = self.held.iter().copied().filter(is_below);
        self.verified.or_else(|| held.reduce(f64::max))
    }

    /// The lowest rate above it that does not.
    pub fn ceiling_per_second(&self) -> Option<f64> {
        self.ceiling.map(|ceiling| ceiling.rate)
    }

    /// What limits it from above, as far as it is known by now.
    pub fn limit_by(&self) -> SloLimit {
        match (self.ceiling, self.held_per_second()) {
            (Some(ceiling), _) => ceiling.limit,
            (None, Some(floor)) if floor >= self.options.most() => SloLimit::MostAsked,
            _ => SloLimit::Unknown,
        }
    }
}

fn verify(rate: f64, retreats: u32) -> Step {
    Step::Verify {
        rate,
        done: 0,
        held: 0,
        retreats,
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
