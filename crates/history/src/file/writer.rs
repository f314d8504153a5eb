//! One write transaction: rows come in as pending, and become blocks when they are many.

use std::collections::BTreeSet;
use std::sync::Arc;

use etcd_monitor_model::SampleBatch;
use redb::{Database, ReadableTable};

use super::blocks::Blocks;
use super::error::Trouble;
use super::index::{GroupState, Index, PACED_RECORD, SIZES_RECORD};
use super::pending::{self, Pending, PendingKey};
use super::reader::Damaged;
use super::retention::{self, Retention};
use super::scan;
use super::schema::{GroupId, META, NAMES, Names, PENDING, Pendings, render_name, write_numbers};
use super::setback::Around;
use super::{intake, part};
use crate::bytes::BadBlock;
use crate::rows::{Rows, SeriesId};
use crate::tier::{ALIGNMENT, COARSEST, TIERS, aligned};

/// Pending rows of a group that become a block: few enough that what is pending stays small beside the blocks.
pub(crate) const BLOCK_ROWS: usize = 240;

/// Rows of one block when it is sealed, where there are as many: after hours without a flush, say.
const SEALED_ROWS: usize = 2048;

/// Rows of one pending record.
const RECORD_ROWS: usize = 1024;

/// A member without a sample for so long, in milliseconds, while others have some, is gone: what is pending of it is
/// sealed.
const GONE: i64 = 24 * 3_600_000;

/// Groups whose rows become blocks in one transaction, so that none takes long.
const SEALS_MAX: usize = 16;

/// What came of the samples of one transaction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) stored: u64,
    /// Not later than the newest, not finite, or of too many series.
    pub(crate) refused: u64,
    /// Time of the newest row in the file, in Unix milliseconds; `None` where there is none.
    pub(crate) newest: Option<i64>,
    /// Parts and records that could not be read, and are gone.
    pub(crate) damaged: u64,
}

/// What a transaction is to keep to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits<'a> {
    pub(crate) retention: &'a Retention,
    /// Bytes that may be in use in the file.
    pub(crate) live_max: u64,
    /// What ages are reckoned from, in Unix milliseconds.
    pub(crate) now: i64,
}

/// Writes batches, removes what readers found damaged, and applies the retention. `index` becomes what the file is when
/// this succeeds.
pub(crate) fn write(
    db: &Database,
    index: &mut Index,
    batches: &[SampleBatch],
    damaged: &BTreeSet<Damaged>,
    mut limits: Limits<'_>,
) -> Result<Written, Trouble> {
    let mut txn = db.begin_write()?;
    // Opening after a crash then takes no longer than after a stop.
    txn.set_quick_repair(true);
    let mut writer = Writer {
        blocks: Blocks::open(&txn, index.sizes)?,
        pending: txn.open_table(PENDING)?,
        names: txn.open_table(NAMES)?,
        index,
    };
    writer.drop_damaged(damaged)?;
    writer.drop_ahead(batches)?;
    let newest = writer.index.newest();
    let taken = intake::take(writer.index, batches);
    limits.now = writer.pace(newest, &taken, limits.now);
    writer.add_names(&taken.new_series)?;
    for (group, rows) in taken.tables {
        writer.add(group, rows)?;
    }
    writer.seal_full_groups(limits.now)?;
    retention::apply(&mut writer, limits)?;
    let (sizes, damaged) = (writer.blocks.sizes, writer.blocks.damaged);
    drop(writer);
    index.sizes = sizes;
    write_numbers(&mut txn.open_table(META)?, SIZES_RECORD, &sizes)?;
    if let Some(paced) = index.paced {
        let paced = [paced.cast_unsigned()];
        write_numbers(&mut txn.open_table(META)?, PACED_RECORD, &paced)?;
    }
    txn.commit()?;
    Ok(Written {
        stored: taken.stored,
        refused: taken.refused,
        newest: index.newest(),
        damaged,
    })
}

/// The tables of one write transaction.
pub(crate) struct Writer<'txn> {
    pub(crate) index: &'txn mut Index,
    pub(crate) blocks: Blocks<'txn>,
    pending: Pendings<'txn>,
    names: Names<'txn>,
}

impl Writer<'_> {
    fn add_names(&mut self, series: &[(GroupId, SeriesId)]) -> Result<(), Trouble> {
        for id in series {
            if let Some(key) = self.index.names.get(id) {
                self.names.insert(*id, render_name(key).as_slice())?;
            }
        }
        Ok(())
    }

    /// The rows around a time among those that are not yet in a block.
    pub(super) fn pending_around(&self, group: GroupId, at: i64) -> Result<Around, Trouble> {
        let mut around = Around::default();
        let all = (group, i64::MIN)..=(group, i64::MAX);
        scan::each(&self.pending, all, |key, record| {
            let times = Pending::read(key, record).map(|it| it.times);
            around = around.join(Around::of(&times.unwrap_or_default(), at));
            Ok(())
        })?;
        Ok(around)
    }

    /// Adds rows that are not yet a block.
    pub(super) fn add(&mut self, group: GroupId, mut rows: Rows) -> Result<(), Trouble> {
        while let (Some(first), Some(last)) = (rows.times.first(), rows.times.last()) {
            let (first, last) = (*first, *last);
            let state = self.index.group(group);
            state.last = state.last.max(last);
            let end = rows.times.get(RECORD_ROWS).copied().unwrap_or(i64::MAX);
            let head = rows.split_before(end);
            state.pending_rows += head.times.len();
            state.pending_since = state.pending_since.min(first);
            let record = pending::render((group, first), &head);
            self.pending.insert((group, first), record.as_slice())?;
            self.blocks.sizes[0] += part::allocated(record.len() as u64);
        }
        Ok(())
    }

    /// Seals what is full, and what is left of members that are gone.
    fn seal_full_groups(&mut self, now: i64) -> Result<(), Trouble> {
        let newest = self.index.groups.values().map(|it| it.last).max();
        let gone = newest.map_or(now, |it| it.min(now)).saturating_sub(GONE);
        let full = |state: &GroupState| {
            let complete = state.pending_since < aligned(state.last);
            state.pending_rows >= BLOCK_ROWS && complete
        };
        let groups = self.index.groups.iter();
        let ended = |state: &GroupState| state.pending_rows > 0 && state.last < gone;
        let due = groups.filter_map(|(group, state)| {
            let end = if ended(state) {
                i64::MAX
            } else if full(state) {
                aligned(state.last)
            } else {
                return None;
            };
            Some((*group, end))
        });
        let due: Vec<(GroupId, i64)> = due.take(SEALS_MAX).collect();
        for (group, end) in due {
            self.seal(group, end)?;
            let state = self.index.group(group);
            // What was sealed is complete: a row of the same ten minutes would cut a bucket in two.
            state.last = state
                .last
                .max(aligned(state.last.min(end - 1)) + ALIGNMENT - 1);
        }
        Ok(())
    }

    /// Makes blocks of the rows of a group before a time; no bucket of the group is cut in two by it.
    fn seal(&mut self, group: GroupId, end: i64) -> Result<(), Trouble> {
        let mut rows = self.take_pending(group, end)?;
        let mut head = rows.split_before(end);
        self.add(group, rows)?;
        while let Some(end) = piece_end(&head.times) {
            let piece = head.split_before(end);
            let buckets = piece.downsample(TIERS[COARSEST]);
            self.blocks.put(COARSEST, group, 0, &buckets)?;
            self.blocks.put(0, group, 0, &piece)?;
        }
        Ok(())
    }

    /// Takes the pending records of a group that begin before a time out of the file; what is damaged is counted.
    pub(super) fn take_pending(&mut self, group: GroupId, before: i64) -> Result<Rows, Trouble> {
        let mut rows = Rows::default();
        let mut keys = Vec::new();
        let range = (group, i64::MIN)..=(group, before.saturating_sub(1));
        scan::each(&self.pending, range, |key, record| {
            match Pending::read(key, record) {
                Ok(pending) => rows.extend(pending.into_rows()),
                Err(BadBlock) => self.blocks.damaged += 1,
            }
            keys.push((key, record.len() as u64));
            Ok(())
        })?;
        for (key, bytes) in keys {
            self.remove_pending(key, bytes)?;
        }
        let left = scan::first(&self.pending, (group, before)..=(group, i64::MAX))?;
        let since = left.map(|(key, _)| key.1);
        let state = self.index.group(group);
        state.pending_rows = state.pending_rows.saturating_sub(rows.times.len());
        if since.is_none() {
            state.pending_rows = 0;
        }
        state.pending_since = since.unwrap_or(i64::MAX);
        Ok(rows)
    }

    fn remove_pending(&mut self, key: PendingKey, bytes: u64) -> Result<(), Trouble> {
        self.pending.remove(key)?;
        let size = &mut self.blocks.sizes[0];
        *size = size.saturating_sub(part::allocated(bytes));
        Ok(())
    }

    /// Removes what readers could not read, if it still cannot be read.
    fn drop_damaged(&mut self, damaged: &BTreeSet<Damaged>) -> Result<(), Trouble> {
        for one in damaged {
            match *one {
                Damaged::Block(tier, group, start) => {
                    self.blocks.drop_damaged(tier, group, start)?;
                }
                Damaged::Pending(key) => self.drop_damaged_pending(key)?,
            }
        }
        Ok(())
    }

    fn drop_damaged_pending(&mut self, key: PendingKey) -> Result<(), Trouble> {
        let bytes = match self.pending.get(key)? {
            Some(record) if Pending::read(key, record.value()).is_err() => {
                record.value().len() as u64
            }
            _ => return Ok(()),
        };
        self.blocks.damaged += 1;
        self.remove_pending(key, bytes)
    }

    /// Forgets the names of members that have nothing left in the file.
    pub(crate) fn forget_empty_groups(&mut self) -> Result<(), Trouble> {
        let groups = self.index.groups.iter();
        let idle = groups.filter(|(_, state)| state.pending_rows == 0);
        let idle: Vec<GroupId> = idle.map(|(group, _)| *group).collect();
        for group in idle {
            if self.is_empty(group)? {
                self.forget(group)?;
            }
        }
        Ok(())
    }

    fn is_empty(&self, group: GroupId) -> Result<bool, Trouble> {
        for tier in 0..TIERS.len() {
            if self.blocks.oldest(tier, group)?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn forget(&mut self, group: GroupId) -> Result<(), Trouble> {
        self.index.groups.remove(&group);
        let names = Arc::make_mut(&mut self.index.names);
        names.retain(|id, _| id.0 != group);
        self.names
            .retain_in((group, 0)..=(group, u64::MAX), |_, _| false)?;
        Ok(())
    }
}

/// Until when rows make one block: all of them, or as many ten minutes as fit; `None` where there are no rows.
fn piece_end(times: &[i64]) -> Option<i64> {
    let first = times.first()?;
    let fits = times.get(SEALED_ROWS).map(|it| aligned(*it));
    Some(fits.map_or(i64::MAX, |end| end.max(aligned(*first) + ALIGNMENT)))
}
