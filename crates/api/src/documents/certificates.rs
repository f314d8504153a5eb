//! What the members' ports show.

use etcd_monitor_model::{MemberPort, PortCertificate, Snapshot, UnseenPort};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::source::age_seconds;

const DAY_SECONDS: f64 = 86_400.0;

/// What the ports of the members show. They are looked at every ten minutes.
#[derive(Serialize, ToSchema)]
pub(crate) struct CertificatesDocument<'a> {
    cluster: &'a str,
    certificates: Vec<CertificateLine<'a>>,
    /// Ports without TLS, which show none.
    without_tls: &'a [MemberPort],
    /// Ports, and members, of which it is not known what they show.
    unknown: &'a [UnseenPort],
    age_seconds: f64,
}

/// The certificate of one port.
#[derive(Serialize, ToSchema)]
struct CertificateLine<'a> {
    #[serde(flatten)]
    shown: &'a PortCertificate,
    /// Until it ends, to a tenth; negative where it has ended.
    days_left: f64,
}

impl<'a> CertificatesDocument<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        let now = Timestamp::now();
        let report = &snapshot.certificates;
        let line = |shown: &'a PortCertificate| CertificateLine {
            shown,
            days_left: days_left(shown.not_after, now),
        };
        Self {
            cluster: snapshot.cluster.as_str(),
            certificates: report.shown.iter().map(line).collect(),
            without_tls: &report.without_tls,
            unknown: &report.unknown,
            age_seconds: age_seconds(snapshot.at),
        }
    }
}

/// Rounded down, so that nothing has days left that has none.
fn days_left(not_after: Timestamp, now: Timestamp) -> f64 {
    let days = not_after.duration_since(now).as_secs_f64() / DAY_SECONDS;
    (days * 10.0).floor() / 10.0
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    #[test]
    fn days_are_rounded_down_to_a_tenth_and_negative_after_the_end() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        for (minutes, days) in [(36 * 60, 1.5), (143, 0.0), (-1, -0.1), (-48 * 60, -2.0)] {
            let left = days_left(now + minutes.minutes(), now);
            assert!((left - days).abs() < 1e-9, "{minutes}: {left}");
        }
    }
}
