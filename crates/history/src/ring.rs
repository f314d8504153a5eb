//! The memory ring: the newest samples of every series, compressed, always there.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use etcd_monitor_model::{
    ClusterName, HistoryError, HistoryQuery, HistoryStore, MemberId, Point, Sample, SampleBatch,
    SeriesKey, SeriesPoints, SeriesSelector, Stat, StatSource,
};

use crate::answer;
use crate::clock::Setback;
use crate::rows::{Block, Rows, SeriesId, points};

/// How many batches of a member are kept at least: the samples of each of its series.
pub const RING_SAMPLES: usize = 1000;

/// Rows of a compressed chunk.
const CHUNK_ROWS: usize = 128;

/// Members, and clusters as a whole, that a ring holds: ten times the largest fleet that is planned for.
const GROUPS_MAX: usize = 2048;

/// Series of one member: links to 100 peers among them.
const SERIES_MAX: usize = 2048;

/// A member without a batch for so long, in milliseconds, leaves the ring: it was removed.
const IDLE_MAX: i64 = 24 * 3600 * 1000;

/// Keeps the last [`RING_SAMPLES`] batches of each member in memory.
///
/// The samples of one member share one column of times, so a value missing from a batch is a gap there.
#[derive(Debug, Default)]
pub struct MemoryRing {
    rings: Mutex<Rings>,
}

#[derive(Debug, Default)]
struct Rings {
    groups: HashMap<Group, Ring>,
    dropped: u64,
}

/// What shares a column of times: a member, or a cluster as a whole.
type Group = (ClusterName, Option<MemberId>);

#[derive(Debug, Default)]
struct Ring {
    ids: HashMap<(Cow<'static, str>, Option<MemberId>), SeriesId>,
    sealed: VecDeque<Block>,
    open: Rows,
    /// Rows in `sealed`.
    rows: usize,
    setback: Setback,
}

impl MemoryRing {
    /// An empty ring.
    pub fn new() -> Self {
        Self::default()
    }

    /// Time of the oldest row of every group that the selector matches: from then on the ring knows all. In Unix
    /// milliseconds; `None` where the ring has nothing of it.
    pub(crate) fn complete_since(&self, selector: &SeriesSelector) -> Option<i64> {
        let rings = self.lock();
        let wanted = rings
            .groups
            .iter()
            .filter(|(group, _)| may_match(selector, group));
        wanted.filter_map(|(_, ring)| ring.first()).max()
    }

    /// The points of the series that the selector matches, within `start..end` in Unix milliseconds.
    pub(crate) fn points(
        &self,
        selector: &SeriesSelector,
        start: i64,
        end: i64,
    ) -> Vec<(SeriesKey, Vec<Point>)> {
        let rings = self.lock();
        let wanted = rings.matching(selector);
        let points = wanted.map(|(key, ring, series)| (key, ring.points(series, start, end)));
        let mut found: Vec<_> = points.collect();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        found
    }

    /// The points of one series, within `start..end` in Unix milliseconds.
    pub(crate) fn points_of(&self, key: &SeriesKey, start: i64, end: i64) -> Vec<Point> {
        let rings = self.lock();
        let ring = rings.groups.get(&(key.cluster.clone(), key.member));
        let found = ring.and_then(|ring| {
            let id = ring.ids.get(&(key.metric.clone(), key.peer))?;
            Some(ring.points(*id, start, end))
        });
        found.unwrap_or_default()
    }

    /// True where the ring has everything of the series since a time, in Unix milliseconds.
    pub(crate) fn reaches(&self, key: &SeriesKey, time: i64) -> bool {
        let rings = self.lock();
        let ring = rings.groups.get(&(key.cluster.clone(), key.member));
        ring.and_then(Ring::first).is_some_and(|it| it <= time)
    }

    /// Every series that the selector matches, in order.
    pub(crate) fn keys(&self, selector: &SeriesSelector) -> Vec<SeriesKey> {
        let rings = self.lock();
        let mut keys: Vec<_> = rings.matching(selector).map(|(key, ..)| key).collect();
        keys.sort();
        keys
    }

    /// Takes the samples of a batch.
    pub(crate) fn push(&self, batch: &SampleBatch) {
        self.lock().push(batch);
    }

    /// Bytes that the samples take on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.lock().groups.values().map(Ring::heap_bytes).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Rings> {
        // Nothing panics while the lock is held; were it so, a row would be missing, no more.
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rings {
    fn push(&mut self, batch: &SampleBatch) {
        let at = batch.at.as_millisecond();
        let group = (batch.cluster.clone(), batch.member.as_ref().map(|it| it.id));
        if !self.groups.contains_key(&group) {
            self.forget_idle(at);
            if self.groups.len() >= GROUPS_MAX {
                self.dropped += batch.samples.len() as u64;
                return;
            }
        }
        self.dropped += self
            .groups
            .entry(group)
            .or_default()
            .push(at, &batch.samples);
    }

    fn forget_idle(&mut self, now: i64) {
        let oldest = now.saturating_sub(IDLE_MAX);
        self.groups
            .retain(|_, ring| ring.last().is_some_and(|it| it >= oldest));
    }

    fn matching(
        &self,
        selector: &SeriesSelector,
    ) -> impl Iterator<Item = (SeriesKey, &Ring, SeriesId)> {
        let groups = self
            .groups
            .iter()
            .filter(|(group, _)| may_match(selector, group));
        groups.flat_map(move |((cluster, member), ring)| {
            ring.ids.iter().filter_map(move |((metric, peer), id)| {
                let key = SeriesKey {
                    cluster: cluster.clone(),
                    member: *member,
                    metric: metric.clone(),
                    peer: *peer,
                };
                selector.matches(&key).then_some((key, ring, *id))
            })
        })
    }
}

/// True for a group whose series the selector may match.
fn may_match(selector: &SeriesSelector, (cluster, member): &Group) -> bool {
    selector.cluster == *cluster && (selector.member.is_none() || selector.member == *member)
}

impl Ring {
    /// Adds a row, and tells how many of its samples were dropped.
    fn push(&mut self, at: i64, samples: &[Sample]) -> u64 {
        if let Some(last) = self.last() {
            if self.setback.note(at, last) {
                self.drop_from(at);
            } else if at <= last {
                return samples.len() as u64;
            }
        }
        let mut dropped = 0;
        let mut row = Vec::with_capacity(samples.len());
        for sample in samples {
            match self.id(sample).filter(|_| sample.value.is_finite()) {
                Some(id) => row.push((id, sample.value)),
                None => dropped += 1,
            }
        }
        self.open.push(at, row.into_iter());
        if self.open.times.len() >= CHUNK_ROWS {
            self.seal();
        }
        dropped
    }

    fn id(&mut self, sample: &Sample) -> Option<SeriesId> {
        let key = (sample.metric.clone(), sample.peer);
        let next = self.ids.len() as SeriesId + 1;
        if let Some(id) = self.ids.get(&key) {
            return Some(*id);
        }
        if self.ids.len() >= SERIES_MAX {
            return None;
        }
        self.ids.insert(key, next);
        Some(next)
    }

    fn seal(&mut self) {
        let Some(block) = std::mem::take(&mut self.open).compress() else {
            return;
        };
        self.rows += block.rows;
        self.sealed.push_back(block);
        while let Some(oldest) = self.sealed.front()
            && self.rows - oldest.rows >= RING_SAMPLES
        {
            self.rows -= oldest.rows;
            self.sealed.pop_front();
        }
    }

    /// Drops the rows from a time on: a clock that was ahead dated them.
    fn drop_from(&mut self, time: i64) {
        self.open = self.open.split_before(time);
        while let Some(newest) = self.sealed.pop_back_if(|it| it.last >= time) {
            self.rows -= newest.rows;
            // What this process compressed is whole; were it not, a gap is the truth.
            self.open = newest.expand().unwrap_or_default().split_before(time);
        }
    }

    fn points(&self, series: SeriesId, start: i64, end: i64) -> Vec<Point> {
        let within = |block: &&Block| block.last >= start && block.first < end;
        let sealed = self.sealed.iter().filter(within);
        // What this process compressed is whole; were it not, a gap is the truth.
        let mut found: Vec<_> = sealed
            .filter_map(|block| block.points(series, start, end).ok())
            .flatten()
            .collect();
        if let Some(columns) = self.open.series.get(&series) {
            found.extend(points(&self.open.times, columns, start, end));
        }
        found
    }

    fn first(&self) -> Option<i64> {
        let sealed = self.sealed.front().map(|it| it.first);
        sealed.or(self.open.times.first().copied())
    }

    fn last(&self) -> Option<i64> {
        let open = self.open.times.last().copied();
        open.or(self.sealed.back().map(|it| it.last))
    }

    fn heap_bytes(&self) -> usize {
        let columns = self.open.series.values().flatten();
        let open: usize = columns.map(|it| it.capacity() * size_of::<f64>()).sum();
        let names =
            self.ids.capacity() * size_of::<((Cow<'static, str>, Option<MemberId>), SeriesId)>();
        self.sealed.iter().map(Block::heap_bytes).sum::<usize>() + open + names
    }
}

#[async_trait]
impl HistoryStore for MemoryRing {
    fn append(&self, batch: &SampleBatch) {
        self.push(batch);
    }

    async fn series(&self, selector: &SeriesSelector) -> Result<Vec<SeriesKey>, HistoryError> {
        Ok(self.keys(selector))
    }

    async fn query(&self, query: &HistoryQuery) -> Result<Vec<SeriesPoints>, HistoryError> {
        let (start, end) = answer::range(query)?;
        let found = self.points(&query.selector, start, end);
        let series = found.into_iter().map(|(key, points)| SeriesPoints {
            key,
            points: answer::at_once(answer::thin(points, query)),
        });
        Ok(series.collect())
    }
}

impl StatSource for MemoryRing {
    fn stats(&self) -> Vec<Stat> {
        let rings = self.lock();
        let bytes: usize = rings.groups.values().map(Ring::heap_bytes).sum();
        let series: usize = rings.groups.values().map(|it| it.ids.len()).sum();
        vec![
            Stat::gauge(
                "etcd_monitor_history_ring_series",
                "Series that the memory ring holds",
                series as f64,
            ),
            Stat::gauge(
                "etcd_monitor_history_ring_bytes",
                "Memory that the samples of the memory ring take",
                bytes as f64,
            ),
            Stat::counter(
                "etcd_monitor_history_ring_dropped_samples_total",
                "Samples that the memory ring did not take: older than the newest, not finite, or of too many series",
                rings.dropped,
            ),
        ]
    }
}

#[cfg(test)]
mod tests;
