//! What the parts of the daemon tell about themselves.

use std::collections::BTreeMap;
use std::fmt;

use etcd_monitor_model::{Stat, StatKind};
use prometheus_client::encoding::DescriptorEncoder;

use super::collector::{Labels, Snapshots, counter, gauge};

/// Writes their numbers, each name once with all its samples.
pub(super) fn encode(snapshots: &Snapshots, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let stats = snapshots.source.stats();
    let mut families: BTreeMap<&str, Vec<&Stat>> = BTreeMap::new();
    for stat in &stats {
        families.entry(stat.name).or_default().push(stat);
    }
    families
        .into_iter()
        .try_for_each(|(name, stats)| family(encoder, name, &stats))
}

fn family(encoder: &mut DescriptorEncoder<'_>, name: &str, stats: &[&Stat]) -> fmt::Result {
    let Some(first) = stats.first() else {
        return Ok(());
    };
    let samples = stats.iter().map(|stat| (labels(stat), stat.value));
    match first.kind {
        StatKind::Gauge => gauge(encoder, name, first.help, samples),
        // The encoder adds the ending itself.
        StatKind::Counter => {
            let name = name.strip_suffix("_total").unwrap_or(name);
            counter(encoder, name, first.help, samples)
        }
    }
}

fn labels(stat: &Stat) -> Labels<'_> {
    let labels = stat.labels.iter();
    labels
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}
