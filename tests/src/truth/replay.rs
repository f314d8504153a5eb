//! What was observed in a scenario, through `assess` and the alert engine again: what would be told now.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use etcd_monitor_alerting::{AlertEngine, AlertEventKind, AlertPolicy};
use etcd_monitor_core::{Finding, Severity, Snapshot, doubt_monitor};

use super::keep::{Fixture, Seen};
use super::stage::LATE;

/// What a replay told.
#[derive(Debug, Default)]
struct Retold {
    /// Alerts that fired, as rule and subject, with their worst severity.
    fired: BTreeMap<String, Severity>,
    /// Findings that were true, whatever explained them.
    found: BTreeSet<String>,
}

impl Fixture {
    /// Plays the recordings, which stand in this folder, and says what is not as the scenario demands: nothing when all
    /// is well.
    pub fn complaints(&self, folder: &Path) -> anyhow::Result<Vec<String>> {
        let retold = self.retell(folder)?;
        let mut complaints = Vec::new();
        for expected in &self.expected {
            if !retold.fired.contains_key(expected) {
                complaints.push(format!("{expected} does not fire"));
            }
        }
        for expected in &self.only_found {
            if !retold.found.contains(expected) {
                complaints.push(format!("{expected} is not found"));
            }
        }
        let unasked = retold.fired.iter().filter(|(name, severity)| {
            **severity > Severity::Info && !self.expected.contains(name) && !self.tolerates(name)
        });
        complaints.extend(unasked.map(|(name, _)| format!("{name} fires without a reason")));
        Ok(complaints)
    }

    fn tolerates(&self, name: &str) -> bool {
        let rule = name.split(' ').next().unwrap_or_default();
        rule == LATE || self.tolerated.iter().any(|tolerated| tolerated == rule)
    }

    fn retell(&self, folder: &Path) -> anyhow::Result<Retold> {
        let mut engine = AlertEngine::new(self.policy());
        let mut retold = Retold::default();
        let mut latest: BTreeMap<String, Snapshot> = BTreeMap::new();
        for snapshot in self.snapshots(folder)? {
            let cluster = snapshot.cluster.to_string();
            latest.insert(cluster, snapshot.clone());
            let all: Vec<&Snapshot> = latest.values().collect();
            let snapshot = doubt_monitor(&snapshot, &all).unwrap_or(snapshot);
            let at = snapshot.at;
            while let Some(due) = engine.next_deadline().filter(|due| *due < at) {
                engine.tick(due);
            }
            engine.observe(&snapshot, at);
            let found = snapshot.findings.iter().filter(|one| one.status.is_true());
            retold.found.extend(found.map(named));
        }
        let begins = [AlertEventKind::Fired, AlertEventKind::SeverityRaised];
        for event in engine.history().filter(|one| begins.contains(&one.kind)) {
            let name = format!("{} {}", event.alert.rule, event.alert.subject.name);
            let worst = retold.fired.entry(name).or_insert(event.alert.severity);
            *worst = event.alert.severity.max(*worst);
        }
        Ok(retold)
    }

    /// The default rules with the holds that stood in the scenario.
    fn policy(&self) -> AlertPolicy {
        let mut policy = AlertPolicy::to_channels(["console"]);
        for rule in &mut policy.rules {
            if let Some(milliseconds) = self.holds_milliseconds.get(&rule.name) {
                rule.hold = Duration::from_millis(*milliseconds);
            }
        }
        policy
    }

    /// The snapshots of all clusters, in the order of time.
    fn snapshots(&self, folder: &Path) -> anyhow::Result<Vec<Snapshot>> {
        let mut snapshots = Vec::new();
        for file in &self.recordings {
            snapshots.extend(Seen::load(&folder.join(file))?.replay());
        }
        snapshots.sort_by_key(|snapshot| snapshot.at);
        Ok(snapshots)
    }
}

fn named(finding: &Finding) -> String {
    format!("{} {}", finding.rule, finding.subject.name)
}
