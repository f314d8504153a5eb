//! What one probe says of a target.

use serde::{Deserialize, Serialize};

use crate::histogram::Latencies;
use crate::probe::Probed;

use super::LatencyTarget;

/// Parts that a probe is looked at in: one that is slow is chance, two are not.
const WINDOWS: u64 = 3;

/// Requests that were never sent, or failed, above this share.
const LOST_SHARE: f64 = 0.001;

/// The end of a load meets requests that are just due: those of so long are not counted as never sent.
const EDGE_SECONDS: f64 = 0.01;

/// A backlog grows where it does so by more than this share of the rate...
const BACKLOG_SHARE: f64 = 0.01;

/// ...and by so many deviations of what chance makes of it.
const BACKLOG_DEVIATIONS: f64 = 3.0;

/// What a probe says of its rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProbeVerdict {
    /// The cluster holds the target at this rate.
    Held,
    /// It does not.
    Missed,
    /// The generator was late: nothing is known of the cluster.
    GeneratorLate,
}

/// What a probe found. Times in seconds; `None` where nothing was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProbeFigures {
    /// Answers per second.
    pub per_second: Option<f64>,
    /// Answers.
    pub samples: u64,
    /// Median of the responses of all kinds of request.
    pub p50_seconds: Option<f64>,
    /// p95 of them.
    pub p95_seconds: Option<f64>,
    /// p99 of them.
    pub p99_seconds: Option<f64>,
    /// p99.9 of them; `None` where fewer than 1,000 were measured.
    pub p99_9_seconds: Option<f64>,
    /// p99 of how late requests were sent.
    pub lateness_p99_seconds: Option<f64>,
    /// By how many requests a second the backlog grew.
    pub backlog_per_second: Option<f64>,
    /// Share of the due requests that were never sent, dropped ones included, those of the last 10 ms apart.
    pub unsent_share: f64,
    /// Share of the sent requests that failed.
    pub failed_share: f64,
    /// True where the generator was late for reasons of its own.
    pub is_generator_late: bool,
}

impl ProbeFigures {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of requests that is not negative"
    )]
    pub(crate) fn of(probed: &Probed, rate_per_second: f64) -> Self {
        let report = &probed.report;
        let responses = probed.responses();
        let sent = report.succeeded + report.failed;
        let at_the_edge = 1 + (EDGE_SECONDS * rate_per_second).max(0.0) as u64;
        let unsent = report.dropped + report.unsent.saturating_sub(at_the_edge);
        let share = |part: u64, of: u64| {
            if of == 0 {
                0.0
            } else {
                part as f64 / of as f64
            }
        };
        let at = |share| responses.quantile_seconds(share);
        Self {
            per_second: report.per_second,
            samples: responses.count(),
            p50_seconds: at(0.5),
            p95_seconds: at(0.95),
            p99_seconds: at(0.99),
            p99_9_seconds: at(0.999).filter(|_| responses.count() >= 1_000),
            lateness_p99_seconds: report.lateness.p99_seconds,
            backlog_per_second: probed.backlog_per_second(rate_per_second),
            unsent_share: share(unsent, sent + unsent),
            failed_share: share(report.failed, sent),
            is_generator_late: report.is_generator_late(),
        }
    }

    /// True where the backlog grows by more than chance: what is due in a second varies by its root.
    pub(crate) fn is_backlog_growing(&self, rate_per_second: f64, seconds: f64) -> bool {
        let chance = BACKLOG_DEVIATIONS * (rate_per_second / seconds.max(1.0)).sqrt();
        let tolerated = chance.max(BACKLOG_SHARE * rate_per_second);
        self.backlog_per_second
            .is_some_and(|grows| grows > tolerated)
    }
}

/// In how many parts of a probe the target was missed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowsOver {
    /// Parts in which it was missed, or nothing was answered.
    pub over: u64,
    /// All parts.
    pub of: u64,
}

impl WindowsOver {
    pub(crate) fn of(windows: &[Latencies], target: &LatencyTarget) -> Self {
        let is_over = |window: &&Latencies| {
            window
                .quantile_seconds(target.percentile.share())
                .is_none_or(|found| found > target.seconds)
        };
        Self {
            over: windows.iter().filter(is_over).count() as u64,
            of: windows.len() as u64,
        }
    }

    pub(crate) fn of_probe(probed: &Probed, target: &LatencyTarget) -> Self {
        Self::of(&probed.windows(WINDOWS), target)
    }

    /// The whole probe as a single part, where it is to keep the target as a whole and does not: chance in one part must not make
    /// a promise that the figures break.
    pub(crate) fn or_whole(
        self,
        figures: &ProbeFigures,
        target: &LatencyTarget,
        is_strict: bool,
    ) -> Self {
        let found = figures.at(target.percentile);
        let is_over = found.is_some_and(|found| found > target.seconds);
        if is_strict && is_over {
            return Self { over: 1, of: 1 };
        }
        self
    }

    fn is_most(self) -> bool {
        2 * self.over > self.of
    }
}

/// What a probe says, and why.
///
/// A late generator only makes responses longer: a target that is kept all the same is kept. One that is missed says nothing of the
/// cluster then.
pub(crate) fn judge(
    figures: &ProbeFigures,
    windows: WindowsOver,
    target: &LatencyTarget,
    rate_per_second: f64,
    seconds: f64,
) -> (ProbeVerdict, Option<String>) {
    if figures.samples == 0 {
        return (
            ProbeVerdict::Missed,
            Some("no request was answered".to_owned()),
        );
    }
    if figures.failed_share > LOST_SHARE {
        let failed = format!(
            "{:.2} % of the requests failed",
            100.0 * figures.failed_share
        );
        return (ProbeVerdict::Missed, Some(failed));
    }
    let slow = slow(figures, windows, target, rate_per_second, seconds);
    match slow {
        None => (ProbeVerdict::Held, None),
        Some(slow) if figures.is_generator_late => {
            let late = 1e3 * figures.lateness_p99_seconds.unwrap_or(0.0);
            let why = format!("{slow}, and the generator sent 1 % {late:.1} ms late or more");
            (ProbeVerdict::GeneratorLate, Some(why))
        }
        slow => (ProbeVerdict::Missed, slow),
    }
}

/// Where the target is missed, or the cluster does not keep up.
fn slow(
    figures: &ProbeFigures,
    windows: WindowsOver,
    target: &LatencyTarget,
    rate_per_second: f64,
    seconds: f64,
) -> Option<String> {
    if windows.is_most() {
        let WindowsOver { over, of } = windows;
        let percentile = target.percentile.as_str();
        let most = 1e3 * target.seconds;
        return Some(format!(
            "{percentile} is above {most} ms in {over} of {of} parts"
        ));
    }
    if figures.is_backlog_growing(rate_per_second, seconds) {
        let grows = figures.backlog_per_second.unwrap_or(0.0);
        return Some(format!("the backlog grows by {grows:.0} requests a second"));
    }
    let unsent = 100.0 * figures.unsent_share;
    (figures.unsent_share > LOST_SHARE)
        .then(|| format!("{unsent:.2} % of the requests were never sent"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::slo::Percentile;

    fn target() -> LatencyTarget {
        LatencyTarget::new(Percentile::P99, 0.01)
    }

    fn good() -> ProbeFigures {
        ProbeFigures {
            samples: 1_000,
            backlog_per_second: Some(1.0),
            ..ProbeFigures::default()
        }
    }

    fn verdict(figures: &ProbeFigures, over: u64) -> ProbeVerdict {
        judge(figures, WindowsOver { over, of: 3 }, &target(), 100.0, 10.0).0
    }

    #[test]
    fn one_slow_part_is_chance_and_two_are_not() {
        assert_eq!(verdict(&good(), 1), ProbeVerdict::Held);
        assert_eq!(verdict(&good(), 2), ProbeVerdict::Missed);
        let window = |milliseconds| {
            let mut latencies = Latencies::default();
            latencies.record(Duration::from_millis(milliseconds));
            latencies
        };
        // A part without an answer is no good one.
        let windows = [window(5), window(50), Latencies::default()];
        let over = WindowsOver::of(&windows, &target());
        assert_eq!(over, WindowsOver { over: 2, of: 3 });
        let mut slow = good();
        slow.p99_seconds = Some(0.02);
        let one = WindowsOver { over: 1, of: 3 };
        assert_eq!(one.or_whole(&slow, &target(), false), one);
        assert!(one.or_whole(&slow, &target(), true).is_most());
        assert!(!one.or_whole(&good(), &target(), true).is_most());
    }

    #[test]
    fn what_is_lost_or_left_behind_is_a_miss_and_a_late_generator_is_none() {
        let mut unsent = good();
        unsent.unsent_share = 0.002;
        let mut failed = good();
        failed.failed_share = 0.002;
        let mut growing = good();
        growing.backlog_per_second = Some(20.0);
        let mut none = good();
        none.samples = 0;
        for figures in [unsent, failed, growing, none] {
            assert_eq!(verdict(&figures, 0), ProbeVerdict::Missed, "{figures:?}");
        }
        let mut late = good();
        late.is_generator_late = true;
        assert_eq!(verdict(&late, 3), ProbeVerdict::GeneratorLate);
        // What is held although the generator was late is held.
        assert_eq!(verdict(&late, 1), ProbeVerdict::Held);
    }
}
