//! Inhibitions: which alerts mute which others, as written and checked.

use etcd_monitor_alerting::Inhibition;
use serde::Deserialize;

use super::routes::matchers;
use crate::config::place::{At, Remark};

/// An inhibition as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct InhibitFile {
    /// Which alerts mute, as matchers.
    source: Vec<At<String>>,
    /// Which are muted, as matchers.
    target: Vec<At<String>>,
    /// Labels that both must have alike.
    equal: Vec<At<String>>,
}

impl InhibitFile {
    /// The matchers of both sides.
    pub(super) fn all_matchers(&self) -> impl Iterator<Item = &At<String>> {
        self.source.iter().chain(&self.target)
    }

    /// The names of labels that must be alike.
    pub(super) fn labels(&self) -> &[At<String>] {
        &self.equal
    }
}

/// The inhibitions of these.
pub(super) fn check(files: &[At<InhibitFile>]) -> Result<Vec<Inhibition>, Remark> {
    files.iter().map(one).collect()
}

fn one(file: &At<InhibitFile>) -> Result<Inhibition, Remark> {
    let (source, target) = (matchers(&file.source)?, matchers(&file.target)?);
    let equal = file.equal.iter().map(|label| label.value.clone());
    Inhibition::new(source, target, equal.collect()).map_err(|error| file.remark(error))
}
