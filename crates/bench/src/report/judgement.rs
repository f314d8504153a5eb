//! What makes a result doubtful.

use std::time::Duration;

use super::{Details, Report};
use crate::load::{Arrivals, Rate};
use crate::series::Second;

/// The generator is late where its p99 lateness exceeds this...
const LATE_SECONDS: f64 = 1e-3;

/// ...and this share of the p99 response.
const LATE_SHARE: f64 = 0.1;

/// How the doubt begins that the generator was late.
const GENERATOR_LATE: &str = "GENERATOR LATE";

/// Requests that were due and never sent matter above this share: of what is due in the last millisecond, some never are.
const UNSENT_SHARE: f64 = 1e-3;

/// Above this share of dropped requests the rate was not asked of the cluster: the result says nothing about it.
const DROPPED_SHARE: f64 = 0.1;

/// An outage explains that 1 % of the requests were late where it took this share of the time.
const OUTAGE_SHARE: f64 = 0.01;

/// Whole seconds from which on it is said how much they vary.
const SECONDS_LEAST: usize = 5;

/// The throughput is steady where its seconds vary by less, as a share of their mean. What random arrivals bring is allowed
/// beside.
const STEADY_VARIATION: f64 = 0.1;

/// It rose or fell where the last third of the seconds differs from the first by this share.
const TREND_SHARE: f64 = 0.1;

impl Report {
    pub(super) fn judge(&mut self) {
        let faults = self.details.iter().flat_map(Details::faults);
        self.doubts.splice(0..0, faults);
        if let Some(late) = self.late() {
            self.doubts.insert(0, late);
            // What an outage delayed is in the response times, as it should be.
            self.valid &= self.waited_for_service();
        }
        let due = self.succeeded + self.failed + self.dropped + self.unsent;
        if self.dropped as f64 > DROPPED_SHARE * due as f64 && !self.waited_for_service() {
            self.valid = false;
        }
        if self.succeeded == 0 {
            self.doubts.insert(0, "no request was answered".to_owned());
            self.valid = false;
        }
        if self.environment.leader_changed == Some(true) {
            self.doubts.push("the leader changed meanwhile".to_owned());
        }
        self.doubts.extend(self.unsteady());
        self.doubts.extend(self.dropped());
        if self.unsent as f64 > 1.0 + UNSENT_SHARE * due as f64 {
            self.doubts.push(format!(
                "{} requests were due and never sent, since every client waited for an answer: they are in no latency",
                self.unsent
            ));
        }
    }

    /// Marks in the seconds what happened in them.
    pub(super) fn mark_events(&mut self) {
        for event in &self.failover.events {
            let number = Duration::try_from_secs_f64(event.at_seconds);
            let number = number.unwrap_or_default().as_secs();
            // Seconds in which nothing was answered any more are not told by the engine.
            for missing in self.seconds.len() as u64..=number {
                self.seconds.push(Second {
                    second: missing,
                    ..Second::default()
                });
            }
            let mut seconds = self.seconds.iter_mut();
            if let Some(second) = seconds.find(|second| second.second == number) {
                second.events.push(event.kind);
            }
        }
    }

    /// Whether requests were sent late though clients were free.
    pub(crate) fn is_generator_late(&self) -> bool {
        self.late()
            .is_some_and(|late| late.starts_with(GENERATOR_LATE))
    }

    fn dropped(&self) -> Option<String> {
        let all = self.succeeded + self.failed + self.dropped;
        (self.dropped > 0).then(|| {
            format!(
                "{} requests ({:.1} % of those that were due) were dropped, since every client waited for an answer and no more may queue: they are in no latency",
                self.dropped,
                100.0 * self.dropped as f64 / all as f64
            )
        })
    }

    fn late(&self) -> Option<String> {
        let response = self
            .operations
            .iter()
            .filter_map(|operation| operation.response.p99_seconds);
        let response = response.reduce(f64::max)?;
        let service = self
            .operations
            .iter()
            .filter_map(|operation| operation.service.p99_seconds);
        let service = service.reduce(f64::max)?;
        let late = self.lateness.p99_seconds?;
        if late <= LATE_SECONDS.max(LATE_SHARE * response) {
            return None;
        }
        let late = 1e3 * late;
        Some(if self.waited_for_service() {
            format!(
                "every client waited for an answer while there was no service: 1 % of the requests were sent {late:.1} ms late or more, which their response times contain"
            )
        } else if self.is_queueing(service) {
            format!(
                "every client waited for an answer: 1 % of the requests were sent {late:.1} ms late or more. The cluster answers slower than the rate asks, or more clients are needed"
            )
        } else {
            format!(
                "{GENERATOR_LATE}: 1 % of the requests were sent {late:.1} ms late or more: the result is invalid"
            )
        })
    }

    /// Whether requests waited for a client since the cluster gave no service for a time, and not for other reasons.
    fn waited_for_service(&self) -> bool {
        let outages = &self.failover.outages;
        let is_spent = outages
            .iter()
            .any(|outage| outage.clients_spent_after_seconds.is_some());
        let seconds: f64 = outages.iter().map(|outage| outage.gap.seconds()).sum();
        is_spent && seconds >= OUTAGE_SHARE * self.window_seconds
    }

    /// Whether all clients were busy on average: then requests wait for a client, not for the generator's processor.
    fn is_queueing(&self, service_p99_seconds: f64) -> bool {
        let rate = self.per_second.unwrap_or(0.0);
        rate * service_p99_seconds >= 0.5 * f64::from(self.plan.load.clients)
    }

    /// The answers of each whole second of the measured time.
    fn whole_seconds(&self) -> Vec<f64> {
        let whole = Duration::try_from_secs_f64(self.window_seconds).unwrap_or_default();
        let mut counts = vec![0.0; usize::try_from(whole.as_secs()).unwrap_or(0)];
        for second in &self.seconds {
            let place = usize::try_from(second.second).unwrap_or(usize::MAX);
            if let Some(count) = counts.get_mut(place) {
                *count = second.succeeded as f64;
            }
        }
        counts
    }

    pub(super) fn variation(&self) -> Option<f64> {
        let counts = self.whole_seconds();
        let mean = mean(&counts)?;
        let squares: f64 = counts.iter().map(|count| (count - mean).powi(2)).sum();
        let is_enough = counts.len() >= SECONDS_LEAST && mean > 0.0;
        is_enough.then(|| (squares / (counts.len() - 1) as f64).sqrt() / mean)
    }

    /// A result whose seconds differ is a mean of different things.
    fn unsteady(&self) -> Option<String> {
        let comes_in_bursts = self.plan.load.rate.is_some_and(|rate| {
            matches!(
                rate,
                Rate {
                    arrivals: Arrivals::Burst(_),
                    ..
                }
            )
        });
        let counts = self.whole_seconds();
        let variation = self.throughput_variation?;
        let by_chance = 3.0 / mean(&counts)?.sqrt();
        if comes_in_bursts || variation <= STEADY_VARIATION.max(by_chance) {
            return None;
        }
        let third = counts.len() / 3;
        let (first, last) = (
            mean(counts.get(..third)?)?,
            mean(counts.get(counts.len() - third..)?)?,
        );
        let trend = match last / first - 1.0 {
            // An outage is told by itself.
            _ if !self.failover.outages.is_empty() => "",
            change if change > TREND_SHARE => "; it rose, so that a longer warm-up is needed",
            change if change < -TREND_SHARE => "; it fell, so that a longer run has less",
            _ => "",
        };
        Some(format!(
            "the throughput was not steady: its seconds vary by {:.0} % (standard deviation; below {:.0} % is steady){trend}",
            100.0 * variation,
            100.0 * STEADY_VARIATION
        ))
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failover::{Gap, Outage};
    use crate::report::sample::report;

    fn unsteady(per_second: &[u64], arrivals: Option<Arrivals>) -> Option<String> {
        let mut report = report(0, per_second, 1.0);
        report.plan.load.rate = arrivals.map(|arrivals| Rate {
            per_second: 100.0,
            arrivals,
        });
        report.throughput_variation = report.variation();
        report.unsteady()
    }

    #[test]
    fn seconds_that_differ_are_told_with_where_they_go() {
        assert_eq!(unsteady(&[1_000, 1_020, 980, 1_000, 1_010], None), None);
        assert_eq!(unsteady(&[1_000, 10, 1_000], None), None, "too few");
        let falls = unsteady(&[2_000, 2_000, 1_500, 1_500, 1_000, 1_000], None).unwrap();
        assert!(
            falls.contains("by 30 %") && falls.contains("it fell"),
            "{falls}"
        );
        let rises = unsteady(&[500, 1_000, 1_000, 1_000, 1_000, 1_000], None).unwrap();
        assert!(rises.contains("warm-up"), "{rises}");
        let stands = unsteady(&[1_000, 1_000, 0, 1_000, 1_000, 1_000], None).unwrap();
        assert!(stands.ends_with("is steady)"), "{stands}");
    }

    #[test]
    fn a_doubt_is_in_every_form() {
        let mut report = report(0, &[100, 100], 1.0);
        report.doubts = vec!["it was \"late\"".to_owned(), "and busy".to_owned()];
        assert!(report.to_table().contains("note          it was \"late\""));
        assert!(report.to_json().unwrap().contains("and busy"));
        let csv = report.to_csv();
        let lines: Vec<&str> = csv.lines().collect();
        assert!(lines[0].ends_with(",events,doubts") && lines.len() == 3);
        assert!(
            lines[1].ends_with(",\"it was \"\"late\"\"; and busy\""),
            "{csv}"
        );
        assert!(lines[2].ends_with(",,"), "{csv}");
        report.seconds.clear();
        assert_eq!(report.to_csv().lines().count(), 2);
        assert!(report.to_hdr_log().contains("doubt: and busy"));
    }

    #[test]
    fn what_the_schedule_brings_is_no_doubt() {
        // Random arrivals of 100 in a second vary by 10 %.
        let seconds = [85, 100, 118, 90, 110];
        assert_eq!(unsteady(&seconds, Some(Arrivals::Poisson)), None);
        let bursts = [2_000, 0, 2_000, 0, 2_000, 0];
        assert!(unsteady(&bursts, Some(Arrivals::Uniform)).is_some());
        assert_eq!(unsteady(&bursts, Some(Arrivals::Burst(2_000))), None);
    }

    #[test]
    fn a_rate_that_was_not_asked_says_nothing_and_an_outage_explains_what_it_delayed() {
        let judged = |change: &dyn Fn(&mut Report)| {
            let mut report = report(0, &[100; 10], 1.0);
            change(&mut report);
            report.judge();
            report.valid
        };
        assert!(judged(&|report| report.dropped = 50));
        assert!(!judged(&|report| report.dropped = 500));
        let late = |report: &mut Report| report.lateness.p99_seconds = Some(0.5);
        assert!(!judged(&late));
        let outage = |seconds: f64| {
            move |report: &mut Report| {
                report.lateness.p99_seconds = Some(0.5);
                report.failover.outages = vec![Outage {
                    gap: Gap {
                        from_seconds: 2.0,
                        to_seconds: 2.0 + seconds,
                        is_open: false,
                    },
                    p99_before_seconds: None,
                    recovered_after_seconds: None,
                    clients_spent_after_seconds: Some(0.1),
                }];
            }
        };
        assert!(judged(&outage(1.0)));
        assert!(!judged(&outage(0.05)), "too short to explain it");
    }
}
