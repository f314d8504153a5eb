//! What a check amounts to: its exit code.

use etcd_monitor_core::{Severity, Snapshot};

use super::EXIT_UNKNOWN;

/// What a check amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing is wrong.
    Ok,
    /// The worst finding that is true is a warning.
    Warning,
    /// The worst finding that is true is critical.
    Critical,
    /// No member answered: silent, or it refused the credentials or the connection. Nothing is known of the cluster.
    NoAnswer,
    /// The monitor itself was late: what it missed says nothing about etcd.
    Late,
}

impl Verdict {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        if snapshot.monitor.is_late() {
            return Self::Late;
        }
        if snapshot.last_answer_at.is_none() {
            return Self::NoAnswer;
        }
        let found = snapshot.findings.iter();
        let worst = found
            .filter(|finding| finding.status.is_true())
            .map(|finding| finding.severity)
            .max();
        match worst {
            None | Some(Severity::Info) => Self::Ok,
            Some(Severity::Warning) => Self::Warning,
            Some(Severity::Critical) => Self::Critical,
        }
    }

    pub(super) fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::NoAnswer | Self::Late => EXIT_UNKNOWN,
        }
    }

    /// The verdict as one word, as in JSON.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::NoAnswer => "no_answer",
            Self::Late => "monitor_late",
        }
    }
}

#[cfg(test)]
mod tests {
    use etcd_monitor_core::{
        AlertType, ClusterName, Finding, FindingStatus, MonitorCondition, Subject, UnknownClass,
    };
    use jiff::Timestamp;

    use super::*;

    fn answered(findings: &[(Severity, FindingStatus)]) -> Snapshot {
        let cluster = ClusterName::new("c");
        let (now, punctual) = (
            Timestamp::now(),
            MonitorCondition {
                timer_lag_seconds: 0.0,
                deadline_seconds: 1.0,
            },
        );
        let mut snapshot = Snapshot::empty(cluster.clone(), now, punctual);
        snapshot.last_answer_at = Some(now);
        for (severity, status) in findings {
            let subject = Subject::cluster(&cluster);
            let mut finding =
                Finding::new("Rule", AlertType::Member, *severity, &cluster, subject, now);
            finding.status = status.clone();
            snapshot.findings.push(finding);
        }
        snapshot
    }

    #[test]
    fn the_worst_true_finding_decides() {
        use Severity::{Critical, Info, Warning};
        let unknown = || FindingStatus::unknown(UnknownClass::NotAsked, "nobody asked");
        let cases = [
            (vec![], 0),
            (vec![(Info, FindingStatus::True)], 0),
            (
                vec![(Info, FindingStatus::True), (Warning, FindingStatus::True)],
                1,
            ),
            (
                vec![
                    (Critical, FindingStatus::True),
                    (Warning, FindingStatus::True),
                ],
                2,
            ),
            (
                vec![(Critical, FindingStatus::False), (Critical, unknown())],
                0,
            ),
        ];
        for (findings, code) in cases {
            let verdict = Verdict::of(&answered(&findings));
            assert_eq!(verdict.exit_code(), code, "{findings:?}");
        }
    }

    #[test]
    fn silence_and_lateness_are_not_known_whatever_was_found() {
        let critical = [(Severity::Critical, FindingStatus::True)];
        let mut silent = answered(&critical);
        silent.last_answer_at = None;
        assert_eq!(Verdict::of(&silent), Verdict::NoAnswer);
        let mut late = answered(&critical);
        late.monitor.timer_lag_seconds = 1.0;
        assert_eq!(Verdict::of(&late), Verdict::Late);
        assert_eq!(
            (Verdict::NoAnswer.exit_code(), Verdict::Late.exit_code()),
            (3, 3)
        );
    }
}
