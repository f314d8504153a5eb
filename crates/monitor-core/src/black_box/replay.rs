//! A recording through `assess` again.

use std::collections::BTreeMap;

use etcd_monitor_model::{Finding, FindingKey, Severity, Snapshot, Subject};
use jiff::Timestamp;
use serde::Serialize;

use super::record::Record;
use super::recording::Recording;
use crate::assess::{AssessState, Parameters, assess};

/// A finding while it was true.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Episode {
    /// The rule.
    pub rule: String,
    /// What it is about.
    pub subject: Subject,
    /// Its worst severity.
    pub severity: Severity,
    /// Its cause, as it was first told. May quote a member's answer: treat it as untrusted text.
    pub cause: String,
    /// The finding that explained it at first; `None` for a root.
    pub caused_by: Option<FindingKey>,
    /// The end of the first cycle in which it was true.
    pub began_at: Timestamp,
    /// The end of the first cycle in which it was not true any more; `None` when it is true at the end.
    pub ended_at: Option<Timestamp>,
}

impl Recording {
    /// What `assess` says of each cycle, by the thresholds that were recorded (the defaults where none are left), beginning
    /// with an empty state: "since", rates and windows count from the first cycle of the recording.
    pub fn replay(&self) -> impl Iterator<Item = Snapshot> {
        let mut state = AssessState::default();
        let mut parameters = Parameters::default();
        self.records()
            .iter()
            .filter_map(move |record| match record {
                Record::Head(head) => {
                    parameters.clone_from(&head.parameters);
                    None
                }
                Record::Observation(observation) => {
                    Some(assess(&mut state, observation, &parameters))
                }
                Record::Page(_) | Record::Incident(_) => None,
            })
    }

    /// When each finding began and ended in a replay, in the order in which they began.
    pub fn timeline(&self) -> Vec<Episode> {
        let mut timeline = Timeline::default();
        for snapshot in self.replay() {
            timeline.add(&snapshot);
        }
        timeline.episodes
    }
}

#[derive(Default)]
struct Timeline {
    episodes: Vec<Episode>,
    /// Those that are true now, by their index.
    open: BTreeMap<FindingKey, usize>,
}

impl Timeline {
    fn add(&mut self, snapshot: &Snapshot) {
        let mut before = std::mem::take(&mut self.open);
        for finding in &snapshot.findings {
            if !finding.status.is_true() {
                continue;
            }
            let index = before.remove(&finding.key());
            let index = index.unwrap_or_else(|| self.begin(finding, snapshot.at));
            let episode = &mut self.episodes[index];
            episode.severity = episode.severity.max(finding.severity);
            self.open.insert(finding.key(), index);
        }
        for index in before.into_values() {
            self.episodes[index].ended_at = Some(snapshot.at);
        }
    }

    fn begin(&mut self, finding: &Finding, at: Timestamp) -> usize {
        self.episodes.push(Episode {
            rule: finding.rule.clone(),
            subject: finding.subject.clone(),
            severity: finding.severity,
            cause: finding.cause.clone(),
            caused_by: finding.caused_by.clone(),
            began_at: at,
            ended_at: None,
        });
        self.episodes.len() - 1
    }
}
