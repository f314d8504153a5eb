//! Keeps what was observed in a scenario, small enough to be committed: fixtures for tests of `assess` without etcd.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use etcd_monitor_core::{Observation, Recording, RecordingHead, Snapshot};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;

/// Largest recording of one cluster that is kept, so that all of them together stay below 2 MiB.
const BYTES_MAX: usize = 96 << 10;

/// What is kept beyond the alert, in seconds: a few cycles.
const TAIL_SECONDS: i64 = 3;

/// Every so many cycles are kept at least: what is farther apart counts as a gap in alerts.
const STEP_MAX: usize = 4;

/// How hard brotli tries, and the logarithm of the window it looks back on: some hundred cycles.
const QUALITY: u32 = 9;
const WINDOW: u32 = 24;
const BUFFER_BYTES: usize = 64 << 10;

/// What was recorded in one scenario, and what has to come of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Fixture {
    /// The scenario.
    pub scenario: String,
    /// The version of etcd.
    pub etcd: String,
    /// The alerts that must be told, as rule and subject.
    pub expected: Vec<String>,
    /// The findings that must be true, of which no alert is told before hours.
    pub only_found: Vec<String>,
    /// Rules that may be told beside it.
    pub tolerated: Vec<String>,
    /// The holds of the alert rules that have one.
    pub holds_milliseconds: BTreeMap<String, u64>,
    /// The files with what was observed, one for each cluster.
    pub recordings: Vec<String>,
}

impl Fixture {
    /// Reads a fixture.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("no {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| path.display().to_string())
    }

    /// A fixture of this scenario, still without recordings.
    pub(super) fn of(
        outcome: &Outcome,
        tolerated: &[&str],
        holds_milliseconds: BTreeMap<String, u64>,
    ) -> Self {
        let told = |name: &&String| !outcome.only_found.contains(name);
        Self {
            scenario: outcome.name.to_owned(),
            etcd: outcome.version.clone(),
            expected: outcome.expected.iter().filter(told).cloned().collect(),
            only_found: outcome.only_found.clone(),
            tolerated: tolerated.iter().map(ToString::to_string).collect(),
            holds_milliseconds,
            recordings: Vec::new(),
        }
    }

    /// Writes the fixture into `folder` with what a daemon that has ended left in its black box, up to the moment when all
    /// was told: as many cycles as fit, all of them or every second, third or fourth.
    ///
    /// # Errors
    /// Also when none of these tells what the scenario demands.
    pub(super) fn keep(
        mut self,
        data_dir: &Path,
        folder: &Path,
        told_at: Option<Timestamp>,
    ) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder)?;
        let name = file_name(&self.scenario);
        let recorded = recorded(&data_dir.join("black-box/ring"), told_at)?;
        self.recordings = recorded
            .keys()
            .map(|cluster| format!("{name}.{cluster}.seen.br"))
            .collect();
        let mut reasons = Vec::new();
        for step in 1..=STEP_MAX {
            let mut bytes_max = 0;
            for (seen, file) in recorded.values().zip(&self.recordings) {
                bytes_max = seen.save(&folder.join(file), step)?.max(bytes_max);
            }
            let complaints = self.complaints(folder)?;
            if complaints.is_empty() && bytes_max <= BYTES_MAX {
                let text = serde_json::to_string_pretty(&self)? + "\n";
                return Ok(std::fs::write(folder.join(format!("{name}.json")), text)?);
            }
            let what = complaints.join(", ");
            reasons.push(format!("one cycle of {step}: {bytes_max} bytes; {what}"));
        }
        bail!("no recording to be kept: {}", reasons.join("; "))
    }
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

/// What was seen of one cluster. Kept as `MessagePack` with the names of all fields, as the black box keeps it, so that
/// fields may be added; and packed as a whole, since a cycle differs little from the one before.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Seen {
    head: RecordingHead,
    observations: Vec<Observation>,
}

impl Seen {
    pub(super) fn load(path: &Path) -> anyhow::Result<Self> {
        let packed = std::fs::File::open(path).with_context(|| format!("no {}", path.display()))?;
        let mut bytes = Vec::new();
        brotli::Decompressor::new(packed, BUFFER_BYTES).read_to_end(&mut bytes)?;
        rmp_serde::from_slice(&bytes).with_context(|| path.display().to_string())
    }

    /// What `assess` says of each cycle.
    pub(super) fn replay(self) -> Vec<Snapshot> {
        Recording::of(self.head, self.observations)
            .replay()
            .collect()
    }

    /// Writes every so many of the observations, and returns the bytes of the file.
    fn save(&self, path: &Path, step: usize) -> anyhow::Result<usize> {
        let mut kept = self.clone();
        // Counted from the end, which is what the alert rests on.
        let every = self.observations.iter().rev().step_by(step).cloned();
        kept.observations = every.collect();
        kept.observations.reverse();
        let mut packed = brotli::CompressorWriter::new(Vec::new(), BUFFER_BYTES, QUALITY, WINDOW);
        packed.write_all(&rmp_serde::to_vec_named(&kept)?)?;
        let packed = packed.into_inner();
        std::fs::write(path, &packed)?;
        Ok(packed.len())
    }
}

/// What the segments of each cluster hold, in the order of time, up to a little after `told_at`.
fn recorded(ring: &Path, told_at: Option<Timestamp>) -> anyhow::Result<BTreeMap<String, Seen>> {
    let entries = std::fs::read_dir(ring).with_context(|| format!("no {}", ring.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let wanted = |seen: &&Observation| {
        let age = |told: Timestamp| seen.ended_at.duration_since(told).as_secs();
        told_at.is_none_or(|told| age(told) <= TAIL_SECONDS)
    };
    let mut clusters: BTreeMap<String, Seen> = BTreeMap::new();
    for path in paths {
        let segment = Recording::load(&path)?;
        let head = segment.head().context("a segment has no head")?;
        let seen = clusters
            .entry(head.cluster.to_string())
            .or_insert_with(|| Seen {
                head: head.clone(),
                observations: Vec::new(),
            });
        let observations = segment.observations().filter(wanted).cloned();
        seen.observations.extend(observations);
    }
    Ok(clusters)
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
