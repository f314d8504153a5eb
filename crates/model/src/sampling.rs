//! From a snapshot to the samples that a history keeps of it.

pub(crate) mod catalogue;
mod cluster;
mod member;

use crate::{Durations, MemberId, Sample, SampleBatch, Snapshot};

/// Every number of this cycle that is worth a history: one batch for each member that answered, and one for the
/// cluster as a whole.
///
/// A value that was not measured in this cycle, or is no finite number, is not there: a gap says "unknown". A member
/// without an id has no series. Values of a link to a peer carry the peer, and stand with the member that measured them.
pub fn samples(snapshot: &Snapshot) -> Vec<SampleBatch> {
    let mut batches: Vec<SampleBatch> = snapshot
        .members
        .iter()
        .filter_map(|member| member::batch(snapshot, member))
        .collect();
    batches.push(cluster::batch(snapshot));
    batches.retain(|batch| !batch.samples.is_empty());
    batches
}

/// The samples of one batch, as they are collected.
#[derive(Default)]
struct Taken(Vec<Sample>);

impl Taken {
    /// Takes a value where it was measured.
    fn put(&mut self, metric: &'static str, value: Option<f64>) {
        self.take(metric, None, value);
    }

    /// Takes the quantiles of what was measured.
    fn put_durations(&mut self, names: [&'static str; 3], durations: Option<&Durations>) {
        let Some(durations) = durations else { return };
        let quantiles = [
            durations.p50_seconds,
            durations.p95_seconds,
            durations.p99_seconds,
        ];
        for (metric, value) in names.into_iter().zip(quantiles) {
            self.put(metric, value);
        }
    }

    /// Takes a value of a link to a peer.
    fn put_of_peer(&mut self, metric: &'static str, peer: MemberId, value: Option<f64>) {
        self.take(metric, Some(peer), value);
    }

    fn take(&mut self, metric: &'static str, peer: Option<MemberId>, value: Option<f64>) {
        let finite = value.filter(|value| value.is_finite());
        self.0.extend(finite.map(|value| Sample {
            metric: metric.into(),
            peer,
            value,
        }));
    }
}

/// 1 for true, 0 for false.
fn flag(value: bool) -> f64 {
    f64::from(u8::from(value))
}
