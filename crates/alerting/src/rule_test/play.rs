//! Plays what is put into a test through an engine.

use std::time::Duration;

use etcd_monitor_model::{Snapshot, samples};
use jiff::Timestamp;

use super::expectation::{Mismatch, compare};
use super::world::{Seen, World};
use super::{CYCLES_MAX, Expectation, RuleTest, RuleTestError, RuleTestInput, WrittenInput};
use super::{without_metric_rules, wrong};
use crate::engine::AlertEngine;
use crate::metric_rule::MetricRules;
use crate::notification::Notification;
use crate::policy::AlertPolicy;

/// The engine takes a longer step for a clock that was set.
const STEP_MAX: Duration = Duration::from_secs(15);

/// Times that the engine may want to be asked again at one instant. It never wants that; a test must end in any case.
const TICKS_MAX: usize = 100;

pub(super) fn mismatches(
    test: &RuleTest,
    policy: &AlertPolicy,
) -> Result<Vec<Mismatch>, RuleTestError> {
    let mut expectations: Vec<&Expectation> = test.expectations.iter().collect();
    expectations.sort_by_key(|it| it.at);
    let last = expectations.last().map_or(Duration::ZERO, |it| it.at);
    let frames = Frames::of(&test.input, last)?;
    let mut play = Play::new(frames, policy);
    let mismatches = expectations.into_iter().flat_map(|expected| {
        play.until(expected.at);
        play.compared(expected)
    });
    Ok(mismatches.collect())
}

/// The cycles of a test.
enum Frames<'a> {
    Written(&'a WrittenInput, World<'a>),
    Recorded(&'a [Snapshot]),
}

impl<'a> Frames<'a> {
    fn of(input: &'a RuleTestInput, last: Duration) -> Result<Self, RuleTestError> {
        match input {
            RuleTestInput::Written(input) => {
                if input.series.is_empty() && input.findings.is_empty() {
                    return Err(wrong("series", "there are no series and no findings"));
                }
                let cycles = last.as_nanos() / input.interval.as_nanos().max(1);
                if cycles > CYCLES_MAX as u128 {
                    let problem = format!("it is later than {CYCLES_MAX} cycles after the first");
                    return Err(wrong("at", problem));
                }
                Ok(Self::Written(input, World::of(input)))
            }
            RuleTestInput::Recorded(snapshots) if snapshots.is_empty() => {
                Err(wrong("recording", "it holds no cycle"))
            }
            RuleTestInput::Recorded(snapshots) => Ok(Self::Recorded(snapshots)),
        }
    }

    /// When a cycle ends; `None` when there is none.
    fn at(&self, cycle: usize) -> Option<Timestamp> {
        match self {
            Self::Written(input, _) => {
                let after = input.interval.checked_mul(u32::try_from(cycle).ok()?)?;
                input.start.checked_add(after).ok()
            }
            Self::Recorded(snapshots) => snapshots.get(cycle).map(|snapshot| snapshot.at),
        }
    }

    fn seen(&self, cycle: usize, at: Timestamp) -> Vec<Seen> {
        match self {
            Self::Written(_, world) => world.cycle(cycle, at),
            Self::Recorded(snapshots) => {
                let snapshot = snapshots.get(cycle).cloned();
                let seen = |snapshot: Snapshot| Seen {
                    samples: samples(&snapshot),
                    snapshot,
                };
                snapshot.map(seen).into_iter().collect()
            }
        }
    }
}

struct Play<'a> {
    frames: Frames<'a>,
    /// The next cycle.
    cycle: usize,
    start: Timestamp,
    now: Timestamp,
    engine: AlertEngine,
    metrics: MetricRules,
    /// What was told since the last expectation of messages.
    told: Vec<Notification>,
}

impl<'a> Play<'a> {
    fn new(frames: Frames<'a>, policy: &AlertPolicy) -> Self {
        let start = frames.at(0).unwrap_or_default();
        Self {
            frames,
            cycle: 0,
            start,
            now: start,
            engine: AlertEngine::new(without_metric_rules(policy)),
            metrics: MetricRules::new(&policy.metric_rules),
            told: Vec::new(),
        }
    }

    /// Lets everything happen up to a time, and at it.
    fn until(&mut self, after: Duration) {
        let end = self.start.checked_add(after).unwrap_or(Timestamp::MAX);
        while let Some(at) = self.frames.at(self.cycle).filter(|at| *at <= end) {
            self.wait(at);
            for seen in self.frames.seen(self.cycle, at) {
                self.observe(seen);
            }
            self.cycle += 1;
        }
        self.wait(end);
    }

    fn observe(&mut self, seen: Seen) {
        let Seen {
            mut snapshot,
            samples,
        } = seen;
        let measured = self.metrics.observe_samples(&snapshot, || samples);
        snapshot.findings.extend(measured);
        let told = self.engine.observe(&snapshot, self.now);
        self.told.extend(told);
        self.settle();
    }

    /// Ticks as the engine wishes, up to a time.
    fn wait(&mut self, end: Timestamp) {
        while self.now < end {
            let step = self.now.checked_add(STEP_MAX).unwrap_or(end).min(end);
            let due = self.engine.next_deadline().filter(|due| *due > self.now);
            self.now = due.unwrap_or(step).min(step);
            self.tick();
            self.settle();
        }
    }

    /// Ticks as long as something is due now.
    fn settle(&mut self) {
        for _ in 0..TICKS_MAX {
            if self.engine.next_deadline().is_none_or(|due| due > self.now) {
                return;
            }
            self.tick();
        }
    }

    fn tick(&mut self) {
        self.told.extend(self.engine.tick(self.now));
    }

    fn compared(&mut self, expected: &Expectation) -> Vec<Mismatch> {
        let told = match &expected.notifications {
            Some(_) => std::mem::take(&mut self.told),
            None => Vec::new(),
        };
        compare(expected, &self.engine.alerts(), &told)
    }
}
