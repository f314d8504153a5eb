//! One write transaction: rows come in as pending, and become blocks when they are many.

use std::collections::HashMap;
use std::sync::Arc;

use etcd_monitor_model::{SampleBatch, SeriesKey};
use redb::{Database, ReadableTable, WriteTransaction};

use super::blocks::Blocks;
use super::error::Trouble;
use super::index::{Index, SIZES_RECORD};
use super::part;
use super::pending::{self, Pending};
use super::retention::{self, Retention};
use super::schema::{
    GroupId, META, NAMES, PENDING, Pendings, group_id, render_name, series_id, write_numbers,
};
use crate::rows::{Rows, as_kept};
use crate::tier::{ALIGNMENT, TIERS};

/// Rows of a block: two to four hours.
pub(crate) const BLOCK_ROWS: usize = 1440;

/// Groups whose rows become blocks in one transaction, so that none takes long.
const SEALS_MAX: usize = 16;

/// Series that a file knows: ten times the largest fleet that is planned for.
const SERIES_MAX: usize = 100_000;

/// What came of the samples of one transaction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) stored: u64,
    /// Older than the newest, not finite, or of too many series.
    pub(crate) refused: u64,
    /// Parts and records that could not be read, and are gone.
    pub(crate) damaged: u64,
}

/// Writes batches and applies the retention. `index` becomes what the file is when this succeeds.
pub(crate) fn write(
    db: &Database,
    index: &mut Index,
    batches: &[SampleBatch],
    retention: &Retention,
    now: i64,
) -> Result<Written, Trouble> {
    let mut txn = db.begin_write()?;
    // Opening after a crash then takes no longer than after a stop.
    txn.set_quick_repair(true);
    let mut written = Written::default();
    let names = index.names.len();
    let tables = rows_of(index, batches, &mut written);
    if index.names.len() > names {
        write_names(&txn, index, &tables)?;
    }
    let mut writer = Writer::open(&txn, index)?;
    for (group, rows) in &tables {
        writer.add(*group, rows)?;
    }
    writer.seal_full_groups()?;
    retention::apply(&mut writer, retention, now)?;
    written.damaged = writer.blocks.damaged;
    let sizes = writer.blocks.sizes;
    drop(writer);
    index.sizes = sizes;
    write_numbers(&mut txn.open_table(META)?, SIZES_RECORD, &sizes)?;
    txn.commit()?;
    Ok(written)
}

/// The rows of each group; new series get their names.
fn rows_of(
    index: &mut Index,
    batches: &[SampleBatch],
    written: &mut Written,
) -> HashMap<GroupId, Rows> {
    let mut tables: HashMap<GroupId, Rows> = HashMap::new();
    for batch in batches {
        let member = batch.member.as_ref().map(|it| it.id);
        let group = group_id(&(batch.cluster.clone(), member));
        let at = batch.at.as_millisecond();
        let table = tables.entry(group).or_default();
        let last = table
            .times
            .last()
            .copied()
            .unwrap_or(index.group(group).last);
        if at <= last {
            written.refused += batch.samples.len() as u64;
            continue;
        }
        let mut row = Vec::with_capacity(batch.samples.len());
        for sample in &batch.samples {
            let id = series_id(&sample.metric, sample.peer);
            let known = index.names.contains_key(&(group, id));
            if !sample.value.is_finite() || (!known && index.names.len() >= SERIES_MAX) {
                written.refused += 1;
                continue;
            }
            if !known {
                let key = SeriesKey {
                    cluster: batch.cluster.clone(),
                    member,
                    metric: sample.metric.clone(),
                    peer: sample.peer,
                };
                Arc::make_mut(&mut index.names).insert((group, id), key);
            }
            row.push((id, as_kept(sample.value)));
        }
        written.stored += row.len() as u64;
        table.push(at, row.into_iter());
    }
    tables.retain(|_, rows| !rows.times.is_empty());
    tables
}

fn write_names(
    txn: &WriteTransaction,
    index: &Index,
    tables: &HashMap<GroupId, Rows>,
) -> Result<(), Trouble> {
    let mut table = txn.open_table(NAMES)?;
    for (group, rows) in tables {
        for series in rows.series.keys() {
            let id = (*group, *series);
            if let Some(key) = index.names.get(&id)
                && table.get(id)?.is_none()
            {
                table.insert(id, render_name(key).as_slice())?;
            }
        }
    }
    Ok(())
}

/// The tables of one write transaction.
pub(crate) struct Writer<'txn> {
    pub(crate) index: &'txn mut Index,
    pub(crate) blocks: Blocks<'txn>,
    pending: Pendings<'txn>,
}

impl<'txn> Writer<'txn> {
    fn open(txn: &'txn WriteTransaction, index: &'txn mut Index) -> Result<Self, Trouble> {
        Ok(Self {
            blocks: Blocks::open(txn, index.sizes)?,
            pending: txn.open_table(PENDING)?,
            index,
        })
    }

    /// Adds rows that are not yet a block.
    fn add(&mut self, group: GroupId, rows: &Rows) -> Result<(), Trouble> {
        let (Some(first), Some(last)) = (rows.times.first(), rows.times.last()) else {
            return Ok(());
        };
        let record = pending::render((group, *first), rows);
        self.pending.insert((group, *first), record.as_slice())?;
        self.blocks.sizes[0] += part::allocated(record.len() as u64);
        let state = self.index.group(group);
        state.last = state.last.max(*last);
        state.pending_rows += rows.times.len();
        Ok(())
    }

    fn seal_full_groups(&mut self) -> Result<(), Trouble> {
        let groups = self.index.groups.iter();
        let full = groups.filter(|(_, state)| state.pending_rows >= BLOCK_ROWS);
        let full: Vec<GroupId> = full.map(|(group, _)| *group).take(SEALS_MAX).collect();
        full.into_iter().try_for_each(|group| self.seal(group))
    }

    /// Makes blocks of the rows of a group, up to the last ten minutes, which stay pending.
    fn seal(&mut self, group: GroupId) -> Result<(), Trouble> {
        let mut rows = self.take_pending(group, i64::MAX)?;
        let last = rows.times.last().copied().unwrap_or_default();
        let mut head = rows.split_before(last.div_euclid(ALIGNMENT) * ALIGNMENT);
        if head.times.is_empty() {
            // Everything is of one ten minutes, as with cycles far below a second.
            head = std::mem::take(&mut rows);
        }
        for (tier, step) in TIERS.iter().enumerate().skip(1) {
            let buckets = head.downsample(*step);
            self.blocks.put(tier, group, 0, &buckets)?;
        }
        self.blocks.put(0, group, 0, &head)?;
        self.add(group, &rows)
    }

    /// Takes the pending records of a group that begin before a time out of the file; what is damaged is counted.
    pub(crate) fn take_pending(&mut self, group: GroupId, before: i64) -> Result<Rows, Trouble> {
        let mut rows = Rows::default();
        let mut keys = Vec::new();
        for entry in self.pending.range((group, i64::MIN)..(group, before))? {
            let (key, record) = entry?;
            match Pending::read(key.value(), record.value()) {
                Ok(pending) => rows.extend(pending.into_rows()),
                Err(_) => self.blocks.damaged += 1,
            }
            keys.push((key.value(), part::allocated(record.value().len() as u64)));
        }
        for (key, bytes) in keys {
            self.pending.remove(key)?;
            let size = &mut self.blocks.sizes[0];
            *size = size.saturating_sub(bytes);
        }
        let state = self.index.group(group);
        state.pending_rows = state.pending_rows.saturating_sub(rows.times.len());
        if before == i64::MAX {
            state.pending_rows = 0;
        }
        Ok(rows)
    }
}
