//! Blocks in a write transaction: putting, taking, merging. Counts the bytes that they take.

use std::ops::Bound;

use redb::{ReadableTable, WriteTransaction};

use super::error::Trouble;
use super::index::{SIZES, tier_byte, whole_group};
use super::part::{self, Part, PartKey, TIMES};
use super::schema::{GroupId, PARTS, Parts};
use crate::rows::Rows;

/// So many blocks of one level become one of the next.
const MERGED: usize = 6;

/// Rows of the largest block that a merge makes.
const MERGED_ROWS_MAX: usize = 2048;

/// The blocks of the file, in a write transaction.
pub(crate) struct Blocks<'txn> {
    parts: Parts<'txn>,
    /// Bytes allocated, about: of pending rows, and of each tier.
    pub(crate) sizes: [u64; SIZES],
    /// Parts that could not be read, and are gone.
    pub(crate) damaged: u64,
}

impl<'txn> Blocks<'txn> {
    pub(crate) fn open(txn: &'txn WriteTransaction, sizes: [u64; SIZES]) -> Result<Self, Trouble> {
        Ok(Self {
            parts: txn.open_table(PARTS)?,
            sizes,
            damaged: 0,
        })
    }

    /// Adds rows as a block, and merges small blocks before it.
    pub(crate) fn put(
        &mut self,
        tier: usize,
        group: GroupId,
        level: u8,
        rows: &Rows,
    ) -> Result<(), Trouble> {
        let Some(block) = rows.compress() else {
            return Ok(());
        };
        for (key, bytes) in part::cut(tier_byte(tier), group, level, &block) {
            self.parts.insert(key, bytes.as_slice())?;
            self.sizes[tier + 1] += part::allocated(bytes.len() as u64);
        }
        self.merge(tier, group, level)
    }

    /// Starts of the blocks of a group in a tier that begin before a time, the oldest first.
    pub(crate) fn starts_before(
        &self,
        tier: usize,
        group: GroupId,
        time: i64,
    ) -> Result<Vec<i64>, Trouble> {
        let from = (tier_byte(tier), group, i64::MIN, 0);
        let mut starts: Vec<i64> = Vec::new();
        for entry in self.parts.range(from..(tier_byte(tier), group, time, 0))? {
            starts.push(entry?.0.value().2);
        }
        starts.dedup();
        Ok(starts)
    }

    /// The first key of a group in a tier.
    pub(crate) fn oldest(&self, tier: usize, group: GroupId) -> Result<Option<i64>, Trouble> {
        let first = self.parts.range(whole_group(tier, group))?.next();
        Ok(first.transpose()?.map(|(key, _)| key.value().2))
    }

    /// Time of the last row of a block; `None` where it cannot be read.
    pub(crate) fn last_row(
        &self,
        tier: usize,
        group: GroupId,
        start: i64,
    ) -> Result<Option<i64>, Trouble> {
        let first = self.parts.range(whole_block(tier, group, start))?.next();
        let Some((key, bytes)) = first.transpose()? else {
            return Ok(None);
        };
        Ok(Part::read(key.value(), bytes.value())
            .ok()
            .map(|part| part.last))
    }

    /// Removes a block.
    pub(crate) fn remove(
        &mut self,
        tier: usize,
        group: GroupId,
        start: i64,
    ) -> Result<(), Trouble> {
        for (key, bytes) in self.read(tier, group, start)? {
            self.parts.remove(key)?;
            let size = &mut self.sizes[tier + 1];
            *size = size.saturating_sub(part::allocated(bytes));
        }
        Ok(())
    }

    fn read(
        &self,
        tier: usize,
        group: GroupId,
        start: i64,
    ) -> Result<Vec<(PartKey, u64)>, Trouble> {
        let parts = self.parts.range(whole_block(tier, group, start))?;
        let size = |entry: redb::Result<
            (
                redb::AccessGuard<'_, PartKey>,
                redb::AccessGuard<'_, &'static [u8]>,
            ),
            redb::StorageError,
        >| {
            let (key, bytes) = entry?;
            Ok((key.value(), bytes.value().len() as u64))
        };
        parts.map(size).collect()
    }

    /// Makes one block of the newest, where there are enough of one level.
    fn merge(&mut self, tier: usize, group: GroupId, level: u8) -> Result<(), Trouble> {
        let newest = self.newest(tier, group)?;
        let alike = newest.iter().filter(|it| it.1 == level);
        let rows: usize = alike.clone().map(|it| it.2).sum();
        if alike.count() < MERGED || rows > MERGED_ROWS_MAX {
            return Ok(());
        }
        let mut joined = Rows::default();
        for (start, ..) in newest.iter().rev() {
            joined.extend(self.expand(tier, group, *start)?);
            self.remove(tier, group, *start)?;
        }
        self.put(tier, group, level.saturating_add(1), &joined)
    }

    /// Start, level and rows of the newest blocks that can be read, the newest first.
    fn newest(&self, tier: usize, group: GroupId) -> Result<Vec<(i64, u8, usize)>, Trouble> {
        let mut found = Vec::with_capacity(MERGED);
        let first = Bound::Included((tier_byte(tier), group, i64::MIN, 0));
        let mut before = Bound::Included((tier_byte(tier), group, i64::MAX, u64::MAX));
        while found.len() < MERGED
            && let Some(entry) = self.parts.range((first, before))?.next_back()
        {
            let start = entry?.0.value().2;
            let key = (tier_byte(tier), group, start, TIMES);
            before = Bound::Excluded(key);
            if let Some(bytes) = self.parts.get(key)?
                && let Ok(part) = Part::read(key, bytes.value())
            {
                found.push((start, part.level, part.rows));
            }
        }
        Ok(found)
    }

    /// The rows of a block, less what is damaged, which is counted.
    fn expand(&mut self, tier: usize, group: GroupId, start: i64) -> Result<Rows, Trouble> {
        let mut rows = Rows::default();
        let mut damaged = 0;
        for entry in self.parts.range(whole_block(tier, group, start))? {
            let (key, bytes) = entry?;
            let added = Part::read(key.value(), bytes.value()).and_then(|part| {
                if key.value().3 == TIMES {
                    rows.times = part.times()?;
                }
                part.expand_into(&mut rows)
            });
            damaged += u64::from(added.is_err());
        }
        self.damaged += damaged;
        // Without times the values belong to no moment.
        let count = rows.times.len();
        rows.series.retain(|_, columns| columns[0].len() == count);
        Ok(rows)
    }
}

/// The keys of the parts of one block.
pub(crate) fn whole_block(
    tier: usize,
    group: GroupId,
    start: i64,
) -> std::ops::RangeInclusive<PartKey> {
    let tier = tier_byte(tier);
    (tier, group, start, 0)..=(tier, group, start, u64::MAX)
}
