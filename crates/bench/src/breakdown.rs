//! Where the time of a request went, on average.

use serde::{Deserialize, Serialize};

use crate::bottleneck::{leader, member_request_mean_seconds, service_mean_seconds};
use crate::report::Report;

/// Where the time of a request went: means over all requests, in seconds. What is not known is `None`.
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
        let member = member_request_mean_seconds(report);
        let leader = leader(report).map(|(_, figures)| figures);
        Self {
            before_seconds: report.lateness.mean_seconds,
            service_seconds: service,
            between_seconds: service
                .zip(member)
                .map(|(service, member)| (service - member).max(0.0)),
            member_seconds: member,
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

#[cfg(test)]
mod tests {
    use super::*;

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
