//! From batches to rows, without touching the file.

use std::collections::HashMap;
use std::sync::Arc;

use etcd_monitor_model::{Sample, SampleBatch, SeriesKey};

use super::index::Index;
use super::schema::{GroupId, group_id, series_id};
use crate::rows::{Rows, SeriesId, as_kept};

/// Series that a file knows: ten times the largest fleet that is planned for.
const SERIES_MAX: usize = 100_000;

/// Milliseconds between two batches of a member, at least: ten minutes of them fit into one block.
const STEP_MIN: i64 = 20;

/// What batches bring.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// The rows of each group.
    pub(crate) tables: HashMap<GroupId, Rows>,
    /// Series that the file does not know yet.
    pub(crate) new_series: Vec<(GroupId, SeriesId)>,
    /// Samples taken.
    pub(crate) stored: u64,
    /// Samples not taken: not later than the newest, not finite, or of too many series.
    pub(crate) refused: u64,
}

/// Makes rows of batches; the index learns the names of new series.
pub(crate) fn take(index: &mut Index, batches: &[SampleBatch]) -> Taken {
    let mut taken = Taken::default();
    for batch in batches {
        taken.batch(index, batch);
    }
    taken
}

/// What a batch is kept under.
pub(crate) fn group_of(batch: &SampleBatch) -> GroupId {
    let member = batch.member.as_ref().map(|it| it.id);
    group_id(&(batch.cluster.clone(), member))
}

impl Taken {
    fn batch(&mut self, index: &mut Index, batch: &SampleBatch) {
        let group = group_of(batch);
        let at = batch.at.as_millisecond();
        let taken = self.tables.get(&group).and_then(|it| it.times.last());
        let last = taken
            .copied()
            .or_else(|| index.groups.get(&group).map(|it| it.last));
        if last.is_some_and(|last| at < last.saturating_add(STEP_MIN)) {
            self.refused += batch.samples.len() as u64;
            return;
        }
        let mut row = Vec::with_capacity(batch.samples.len());
        for sample in &batch.samples {
            let series = Some(sample).filter(|it| it.value.is_finite());
            match series.and_then(|it| self.series(index, group, batch, it)) {
                Some(series) => row.push((series, as_kept(sample.value))),
                None => self.refused += 1,
            }
        }
        if !row.is_empty() {
            self.stored += row.len() as u64;
            self.tables
                .entry(group)
                .or_default()
                .push(at, row.into_iter());
        }
    }

    /// The id of a series; `None` for one too many.
    fn series(
        &mut self,
        index: &mut Index,
        group: GroupId,
        batch: &SampleBatch,
        sample: &Sample,
    ) -> Option<SeriesId> {
        let series = series_id(&sample.metric, sample.peer);
        if index.names.contains_key(&(group, series)) {
            return Some(series);
        }
        if index.names.len() >= SERIES_MAX {
            return None;
        }
        let key = SeriesKey {
            cluster: batch.cluster.clone(),
            member: batch.member.as_ref().map(|it| it.id),
            metric: sample.metric.clone(),
            peer: sample.peer,
        };
        Arc::make_mut(&mut index.names).insert((group, series), key);
        self.new_series.push((group, series));
        Some(series)
    }
}
