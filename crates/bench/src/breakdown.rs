//! Where the time of a request went, on average.

use serde::{Deserialize, Serialize};

use crate::bottleneck::{leader, member_request_mean_seconds, service_mean_seconds};
use crate::report::{LatencyFigures, OperationFigures, Report};

/// A member's mean is over all that it was asked, what failed included: where failed requests took more than this share of the
/// time of the answered ones, it says nothing of those.
const FAILED_SHARE: f64 = 0.05;

/// Where the time of a request went: means over the requests that were answered, in seconds, so that the parts add up. What is not
/// known is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Breakdown {
    /// From when it was due until it was sent: the wait for a client, and the lateness of the generator.
    pub before_seconds: Option<f64>,
    /// From when it was sent to its answer.
    pub service_seconds: Option<f64>,
    /// Of that, between generator and member: the network both ways, the member's gRPC server, and both kernels (3.7).
    pub between_seconds: Option<f64>,
    /// Of that, in the member, as it measured it (3.7).
    pub member_seconds: Option<f64>,
    /// A sync of the leader's write-ahead log. A change waits for one or two of them, and for one of a follower at the same time.
    pub wal_fsync_seconds: Option<f64>,
    /// An apply of the leader.
    pub apply_seconds: Option<f64>,
}

impl Breakdown {
    pub(crate) fn of(report: &Report) -> Self {
        let service = service_mean_seconds(report);
        let both = service.zip(member_mean_seconds(report));
        // A member that took longer than its answers needed was asked other things as well.
        let both = both.filter(|(service, member)| member <= service);
        let leader = leader(report).map(|(_, figures)| figures);
        Self {
            before_seconds: before_mean_seconds(report),
            service_seconds: service,
            between_seconds: both.map(|(service, member)| service - member),
            member_seconds: both.map(|(_, member)| member),
            wal_fsync_seconds: leader.and_then(|leader| leader.wal_fsync.as_ref()?.mean_seconds),
            apply_seconds: leader.and_then(|leader| leader.apply.as_ref()?.mean_seconds),
        }
    }

    /// A line for people; `None` where nothing was answered.
    pub(crate) fn describe(&self) -> Option<String> {
        let shown = |seconds: f64| format!("{:.2} ms", 1e3 * seconds);
        let mut parts = Vec::new();
        if let Some(before) = self.before_seconds.filter(|before| *before >= 5e-6) {
            parts.push(format!("{} before it was sent", shown(before)));
        }
        match (self.between_seconds, self.member_seconds) {
            (Some(between), Some(member)) => {
                parts.push(format!("{} between client and member", shown(between)));
                parts.push(format!("{} in the member", shown(member)));
            }
            _ => parts.push(format!(
                "{} from sent to answered",
                shown(self.service_seconds?)
            )),
        }
        let of_member = [
            ("a sync of the leader's log", self.wal_fsync_seconds),
            ("an apply", self.apply_seconds),
        ];
        let of_member = of_member
            .into_iter()
            .filter_map(|(name, seconds)| Some(format!("{name} took {}", shown(seconds?))));
        let of_member: Vec<String> = of_member.collect();
        let end = if of_member.is_empty() {
            String::new()
        } else {
            format!("; {}", of_member.join(", "))
        };
        Some(format!("{}{end}", parts.join(", ")))
    }
}

/// From when the answered requests were due until they were sent. Those that failed may have waited longer or less.
fn before_mean_seconds(report: &Report) -> Option<f64> {
    let recording = &report.recording;
    let answered = recording.succeeded();
    (answered > 0).then(|| recording.lateness_of_answered.as_secs_f64() / answered as f64)
}

fn member_mean_seconds(report: &Report) -> Option<f64> {
    let requests = report.operations.iter();
    let requests = requests.filter(|operation| operation.kind.is_request());
    let seconds = |of: fn(&OperationFigures) -> &LatencyFigures| {
        let all = requests.clone().map(of);
        let all = all.filter_map(|one| Some(one.mean_seconds? * one.count as f64));
        all.sum::<f64>()
    };
    let failed = seconds(|operation| &operation.failures);
    let answered = seconds(|operation| &operation.service);
    member_request_mean_seconds(report).filter(|_| failed <= FAILED_SHARE * answered)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::recorder::{Failure, Recorder, Times};
    use crate::report::sample;
    use crate::request::{Answer, OperationKind};
    use crate::server::{Durations, MemberFigures, ServerMember};

    /// So many requests were answered after 1 ms of waiting and 4 ms of service, and others failed after 100 ms and 5 s.
    fn breakdown(answered: u64, failed: u64, member_mean_seconds: f64) -> Breakdown {
        let began = Instant::now();
        let times = |before, service| {
            let sent = began + Duration::from_millis(before);
            Times {
                intended: began,
                sent,
                done: sent + Duration::from_millis(service),
            }
        };
        let mut recorder = Recorder::new(Arc::default(), began, None);
        for _ in 0..answered {
            recorder.succeeded(OperationKind::Put, times(1, 4), &Answer::default(), true);
        }
        for _ in 0..failed {
            let failure = Failure {
                kind: "timed_out".to_owned(),
                message: "no answer".to_owned(),
                may_be_done: true,
            };
            recorder.failed(OperationKind::Put, times(100, 5_000), failure, true);
        }
        let member = ServerMember {
            figures: Some(MemberFigures {
                request: Some(Durations {
                    count: answered + failed,
                    mean_seconds: Some(member_mean_seconds),
                    ..Durations::default()
                }),
                ..MemberFigures::default()
            }),
            ..ServerMember::default()
        };
        let recording = recorder.finish();
        let mut report = sample::report(0, &[answered], 1.0);
        let figures = |(kind, tally): (&OperationKind, _)| OperationFigures::of(*kind, tally, 1.0);
        report.operations = recording.tallies.iter().map(figures).collect();
        report.recording = recording;
        report.server = vec![member];
        Breakdown::of(&report)
    }

    fn close(one: Option<f64>, other: f64) -> bool {
        one.is_some_and(|one| (one - other).abs() < 1e-5)
    }

    #[test]
    fn the_parts_are_those_of_answered_requests_and_add_up() {
        let all = breakdown(1_000, 0, 0.003);
        assert!(
            close(all.before_seconds, 1e-3) && close(all.service_seconds, 4e-3),
            "{all:?}"
        );
        assert!(
            close(all.between_seconds, 1e-3) && close(all.member_seconds, 3e-3),
            "{all:?}"
        );
    }

    #[test]
    fn what_failed_is_in_no_part_and_parts_that_it_hides_are_not_known() {
        // Each failed request waited 100 times as long, and the member's mean contains their 5 s.
        let some = breakdown(1_000, 10, 0.0535);
        assert!(
            close(some.before_seconds, 1e-3) && close(some.service_seconds, 4e-3),
            "{some:?}"
        );
        assert_eq!((some.between_seconds, some.member_seconds), (None, None));
        // A mean below that of the service is no better where it contains them.
        let some = breakdown(1_000, 10, 0.003);
        assert_eq!((some.between_seconds, some.member_seconds), (None, None));
        let others = breakdown(1_000, 0, 0.005);
        assert_eq!(
            (others.between_seconds, others.member_seconds),
            (None, None)
        );
        let none = breakdown(0, 10, 0.005);
        assert_eq!((none.before_seconds, none.service_seconds), (None, None));
    }

    #[test]
    fn a_line_has_what_is_known() {
        assert_eq!(Breakdown::default().describe(), None);
        let mut breakdown = Breakdown {
            before_seconds: Some(1e-6),
            service_seconds: Some(0.009),
            ..Breakdown::default()
        };
        let line = breakdown.describe().unwrap();
        assert_eq!(line, "9.00 ms from sent to answered");
        breakdown.before_seconds = Some(0.001);
        breakdown.member_seconds = Some(0.002);
        breakdown.between_seconds = Some(0.007);
        breakdown.wal_fsync_seconds = Some(0.0015);
        assert_eq!(
            breakdown.describe().unwrap(),
            "1.00 ms before it was sent, 7.00 ms between client and member, 2.00 ms in the member; a sync of the leader's log took 1.50 ms"
        );
    }
}
