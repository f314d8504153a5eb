//! The collector, and what its parts share.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use etcd_monitor_model::{MemberSnapshot, Snapshot};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::{
    alerts, benchmarks, black_box, cluster, links, members, own, probes, process, requests, stats,
};
use crate::source::Source;

/// The snapshots of one scrape.
#[derive(Debug)]
pub(super) struct Snapshots {
    pub(super) source: Source,
    pub(super) latest: Vec<Arc<Snapshot>>,
}

impl Snapshots {
    pub(super) fn of(source: &Source) -> Self {
        Self {
            source: source.clone(),
            latest: source.snapshots(),
        }
    }
}

impl Collector for Snapshots {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        cluster::encode(self, &mut encoder)?;
        members::encode(self, &mut encoder)?;
        own::encode(self, &mut encoder)?;
        probes::encode(self, &mut encoder)?;
        alerts::encode(self, &mut encoder)?;
        black_box::encode(self, &mut encoder)?;
        benchmarks::encode(self, &mut encoder)?;
        links::encode(self, &mut encoder)?;
        stats::encode(self, &mut encoder)?;
        requests::encode(self, &mut encoder)?;
        process::encode(&mut encoder)
    }
}

/// Labels of one sample.
pub(super) type Labels<'a> = Vec<(&'static str, &'a str)>;

/// Writes a gauge, one sample for each value that is known. A metric without a sample is left out.
pub(super) fn gauge<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    samples: impl Iterator<Item = (Labels<'a>, f64)>,
) -> fmt::Result {
    let samples = samples.map(|(labels, value)| (labels, ConstGauge::<f64>::new(value)));
    family(encoder, name, help, MetricType::Gauge, samples)
}

/// Writes a counter, likewise. `name` is without `_total`, which the encoder adds.
pub(super) fn counter<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    samples: impl Iterator<Item = (Labels<'a>, f64)>,
) -> fmt::Result {
    let samples = samples.map(|(labels, value)| (labels, ConstCounter::<f64>::new(value)));
    family(encoder, name, help, MetricType::Counter, samples)
}

fn family<'a, M: EncodeMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    kind: MetricType,
    samples: impl Iterator<Item = (Labels<'a>, M)>,
) -> fmt::Result {
    let mut samples = samples.peekable();
    if samples.peek().is_none() {
        return Ok(());
    }
    let mut metric = encoder.encode_descriptor(name, help, None, kind)?;
    for (labels, value) in samples {
        value.encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

/// The `member` labels of the members, all different: one series twice would make the whole page invalid.
///
/// A member's name, with its id where another member has the same name. Names are untrusted: one that imitates such a
/// label gets a number.
pub(crate) fn member_labels(snapshot: &Snapshot) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut distinct = |label: String| {
        let numbered = (2..).map(|number: u32| format!("{label} ({number})"));
        let mut candidates = std::iter::once(label.clone()).chain(numbered);
        candidates.find(|candidate| taken.insert(candidate.clone()))
    };
    let members = snapshot.members.iter();
    members
        .filter_map(|member| distinct(member_label(snapshot, member)))
        .collect()
}

fn member_label(snapshot: &Snapshot, member: &MemberSnapshot) -> String {
    let same = snapshot
        .members
        .iter()
        .filter(|other| other.name == member.name)
        .count();
    match member.id {
        Some(id) if same > 1 => format!("{} ({id})", member.name),
        None if same > 1 => format!("{} ({})", member.name, member.endpoint),
        _ => member.name.clone(),
    }
}
