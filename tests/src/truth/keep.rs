//! Keeps what was observed in a scenario, small enough to be committed: fixtures for tests of `assess` without etcd.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use etcd_monitor_core::{Observation, Recording, RecordingHead};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;

/// Largest recording of one cluster that is kept, so that all of them together stay below 2 MiB.
const BYTES_MAX: u64 = 52 << 10;

/// What is kept beyond the alert, in seconds: a few cycles.
const TAIL_SECONDS: i64 = 3;

/// What was recorded in one scenario, and what has to come of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Fixture {
    /// The scenario.
    pub scenario: String,
    /// What must be told, as rule and subject.
    pub expected: Vec<String>,
    /// Rules that may be told beside it.
    pub tolerated: Vec<String>,
    /// The files with what was observed, one for each cluster.
    pub recordings: Vec<PathBuf>,
}

impl Fixture {
    /// Reads a fixture.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(path)?)?)
    }
}

/// Writes what a daemon that has ended left in its black box, up to the alert, into `folder`.
pub(super) fn keep(
    data_dir: &Path,
    folder: &Path,
    outcome: &Outcome,
    tolerated: &[&str],
) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let name = file_name(outcome.name);
    let mut recordings = Vec::new();
    for (cluster, (head, seen)) in recorded(&data_dir.join("black-box/ring"))? {
        let file = PathBuf::from(format!("{name}.{cluster}.recording"));
        let seen = seen.into_iter().filter(|seen| {
            let age = |told: Timestamp| seen.ended_at.duration_since(told).as_secs();
            outcome.told_at.is_none_or(|told| age(told) <= TAIL_SECONDS)
        });
        save(&folder.join(&file), &head, &seen.collect::<Vec<_>>())?;
        recordings.push(file);
    }
    let fixture = Fixture {
        scenario: outcome.name.to_owned(),
        expected: outcome.expected.clone(),
        tolerated: tolerated.iter().map(ToString::to_string).collect(),
        recordings,
    };
    let text = serde_json::to_string_pretty(&fixture)? + "\n";
    Ok(std::fs::write(folder.join(format!("{name}.json")), text)?)
}

/// Letters and digits of a name, with single dashes between them.
fn file_name(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join("-")
}

type Recorded = (RecordingHead, Vec<Observation>);

/// What the segments of each cluster hold, in the order of time.
fn recorded(ring: &Path) -> anyhow::Result<BTreeMap<String, Recorded>> {
    let entries = std::fs::read_dir(ring).with_context(|| format!("no {}", ring.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut clusters: BTreeMap<String, Recorded> = BTreeMap::new();
    for path in paths {
        let segment = Recording::load(&path)?;
        let head = segment.head().context("a segment has no head")?;
        let known = clusters.entry(head.cluster.to_string());
        let (_, seen) = known.or_insert_with(|| (head.clone(), Vec::new()));
        seen.extend(segment.observations().cloned());
    }
    Ok(clusters)
}

/// Writes as many of these observations as fit: all, or every second, or every third.
fn save(path: &Path, head: &RecordingHead, seen: &[Observation]) -> anyhow::Result<()> {
    for step in 1..=10 {
        // Counted from the end, which is what the alert rests on.
        let mut kept: Vec<Observation> = seen.iter().rev().step_by(step).cloned().collect();
        kept.reverse();
        Recording::of(head.clone(), kept).save(path)?;
        if std::fs::metadata(path)?.len() <= BYTES_MAX {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_scenarios_become_names_of_files() {
        assert_eq!(
            file_name("--metrics=basic, etcd's default"),
            "metrics-basic-etcd-s-default"
        );
    }
}
