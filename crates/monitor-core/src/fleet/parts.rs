//! Whether the parts of the monitor do what they are there for: findings about the monitor, carried by one cluster.

use std::collections::BTreeMap;

use etcd_monitor_model::{
    AlertType, ClusterName, Evidence, Finding, FindingStatus, PartFailure, Severity, Snapshot,
    Subject, rule,
};
use jiff::Timestamp;

use crate::assess::sort_findings;

/// A part of the monitor that can fail while the rest goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MonitorPart {
    /// What stores samples.
    History,
    /// What stores alerts and the notifications that wait.
    AlertStore,
    /// What delivers notifications.
    Notifications,
}

/// Says since when a part fails, and why; `None` while it does not.
type FailureWatch = Box<dyn Fn() -> Option<PartFailure> + Send>;

/// Asks a part, and knows which clusters carry its finding.
pub(super) struct Watched {
    part: MonitorPart,
    failure: FailureWatch,
    /// Clusters that carry it, with the time since which it is false; one that did and is no longer the first keeps it,
    /// so that its alert can end.
    carriers: BTreeMap<ClusterName, Option<Timestamp>>,
}

/// Adds the findings of all parts to a snapshot. `None` where the cluster carries none.
pub(super) fn added_to(
    snapshot: &Snapshot,
    parts: &mut [Watched],
    is_first: bool,
) -> Option<Snapshot> {
    let findings = parts
        .iter_mut()
        .filter_map(|part| part.finding(snapshot, is_first));
    let findings: Vec<Finding> = findings.collect();
    if findings.is_empty() {
        return None;
    }
    let mut snapshot = snapshot.clone();
    snapshot.findings.extend(findings);
    sort_findings(&mut snapshot.findings);
    Some(snapshot)
}

impl Watched {
    pub(super) fn new(part: MonitorPart, failure: FailureWatch) -> Self {
        Self {
            part,
            failure,
            carriers: BTreeMap::new(),
        }
    }

    /// The finding for a snapshot: true only on the first of all clusters, and only while the part fails. `None` where
    /// the cluster does not carry it.
    fn finding(&mut self, snapshot: &Snapshot, is_first: bool) -> Option<Finding> {
        if !is_first && !self.carriers.contains_key(&snapshot.cluster) {
            return None;
        }
        let failure = (self.failure)().filter(|_| is_first);
        let carrier = self.carriers.entry(snapshot.cluster.clone()).or_default();
        let since = match &failure {
            Some(failure) => {
                *carrier = None;
                failure.since
            }
            None => *carrier.get_or_insert(snapshot.at),
        };
        let mut finding = Finding::new(
            self.part.rule(),
            AlertType::Configuration,
            Severity::Warning,
            &snapshot.cluster,
            Subject::monitor(),
            since,
        );
        if let Some(failure) = failure {
            self.part.describe(&mut finding, failure, snapshot.at);
        }
        Some(finding)
    }
}

impl MonitorPart {
    /// The rule that says that it fails.
    fn rule(self) -> &'static str {
        match self {
            Self::History => rule::HISTORY_NOT_STORED,
            Self::AlertStore => rule::ALERTS_NOT_STORED,
            Self::Notifications => rule::NOTIFICATIONS_FAILING,
        }
    }

    /// What the evidence is from.
    fn source(self) -> &'static str {
        match self {
            Self::History => "file store of the history",
            Self::AlertStore => "file store of the alerts",
            Self::Notifications => "notification channels",
        }
    }

    fn cause(self, failure: &PartFailure) -> String {
        let PartFailure { since, reason } = failure;
        match self {
            Self::History => format!(
                "The monitor stores no history since {since:.0}: {reason}; the newest samples go on in memory"
            ),
            Self::AlertStore => format!(
                "The monitor stores neither alerts nor notifications since {since:.0}: {reason}; notifications are sent from memory, and a restart loses what waits"
            ),
            Self::Notifications => {
                format!("Notifications do not arrive since {since:.0}: {reason}")
            }
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::History => {
                "Make room on the disk of --data-dir, or move it to another: `df -h`; where the clock was wrong, see that it is right: `timedatectl`. Storing resumes by itself"
            }
            Self::AlertStore => {
                "Make room on the disk of --data-dir, or move it to another: `df -h`. Storing resumes by itself"
            }
            Self::Notifications => {
                "Look at the channel's address, credentials and limits; `etcd-monitor test-channel NAME` sends a trial message. What waits is tried again by itself for a day; what was given up is named in the monitor's log"
            }
        }
    }

    fn describe(self, finding: &mut Finding, failure: PartFailure, at: Timestamp) {
        finding.status = FindingStatus::True;
        finding.cause = self.cause(&failure);
        self.action().clone_into(&mut finding.action);
        finding.evidence = vec![Evidence {
            source: self.source().to_owned(),
            value: failure.reason,
            at,
        }];
    }
}
