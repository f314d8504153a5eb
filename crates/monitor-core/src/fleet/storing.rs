//! Whether the history is stored: a finding about the monitor, carried by one cluster.

use std::collections::BTreeMap;

use etcd_monitor_model::{
    AlertType, ClusterName, Evidence, Finding, FindingStatus, PartFailure, Severity, Snapshot,
    Subject, rule,
};
use jiff::Timestamp;

use crate::assess::sort_findings;

/// Says since when nothing is stored, and why; `None` while it is.
type StoreWatch = Box<dyn Fn() -> Option<PartFailure> + Send>;

/// Asks the store, and knows which clusters carry the finding.
pub(super) struct Storing {
    failure: StoreWatch,
    /// Clusters that carry it, with the time since which it is false; one that did and is no longer the first keeps it,
    /// so that its alert can end.
    carriers: BTreeMap<ClusterName, Option<Timestamp>>,
}

impl Storing {
    pub(super) fn new(failure: StoreWatch) -> Self {
        Self {
            failure,
            carriers: BTreeMap::new(),
        }
    }

    /// Adds the finding to a snapshot: true only on the first of all clusters, and only while nothing is stored. `None`
    /// where the cluster does not carry it.
    pub(super) fn added_to(&mut self, snapshot: &Snapshot, is_first: bool) -> Option<Snapshot> {
        if !is_first && !self.carriers.contains_key(&snapshot.cluster) {
            return None;
        }
        let failure = (self.failure)().filter(|_| is_first);
        let finding = self.finding(snapshot, failure);
        let mut snapshot = snapshot.clone();
        snapshot.findings.push(finding);
        sort_findings(&mut snapshot.findings);
        Some(snapshot)
    }

    fn finding(&mut self, snapshot: &Snapshot, failure: Option<PartFailure>) -> Finding {
        let carrier = self.carriers.entry(snapshot.cluster.clone()).or_default();
        let since = match &failure {
            Some(failure) => {
                *carrier = None;
                failure.since
            }
            None => *carrier.get_or_insert(snapshot.at),
        };
        let mut finding = Finding::new(
            rule::HISTORY_NOT_STORED,
            AlertType::Configuration,
            Severity::Warning,
            &snapshot.cluster,
            Subject::monitor(),
            since,
        );
        if let Some(failure) = failure {
            describe(&mut finding, failure, snapshot.at);
        }
        finding
    }
}

fn describe(finding: &mut Finding, failure: PartFailure, at: Timestamp) {
    finding.status = FindingStatus::True;
    finding.cause = format!(
        "The monitor stores no history since {:.0}: {}; the newest samples go on in memory",
        failure.since, failure.reason
    );
    "Make room on the disk of --data-dir, or move it to another: `df -h`; where the clock was wrong, see that it is right: `timedatectl`. Storing resumes by itself"
        .clone_into(&mut finding.action);
    finding.evidence = vec![Evidence {
        source: "file store of the history".to_owned(),
        value: failure.reason,
        at,
    }];
}
