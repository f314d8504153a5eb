//! Blocks in a write transaction: putting, taking, merging. Counts the bytes that they take.

use redb::{ReadableTable, WriteTransaction};

use super::error::Trouble;
use super::index::{SIZES, tier_byte, whole_group};
use super::part::{self, Part, PartKey, TIMES};
use super::scan;
use super::schema::{GroupId, PARTS, Parts};
use super::setback::Around;
use crate::rows::Rows;
use crate::tier::TIERS;

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
        let mut starts: Vec<i64> = Vec::new();
        scan::each(&self.parts, before(tier, group, time), |key, _| {
            starts.push(key.2);
            Ok(())
        })?;
        starts.dedup();
        Ok(starts)
    }

    /// The first key of a group in a tier.
    pub(crate) fn oldest(&self, tier: usize, group: GroupId) -> Result<Option<i64>, Trouble> {
        let first = scan::first(&self.parts, whole_group(tier, group))?;
        Ok(first.map(|(key, _)| key.2))
    }

    /// The rows of a group in a tier around a time.
    pub(crate) fn around(&self, tier: usize, group: GroupId, at: i64) -> Result<Around, Trouble> {
        let byte = tier_byte(tier);
        let from = (byte, group, at, 0)..=(byte, group, i64::MAX, u64::MAX);
        let next = scan::first(&self.parts, from)?.map(|(key, _)| key.2);
        let start = self.last_start(tier, group, at)?;
        let around = Around {
            before: start,
            next,
        };
        let Some(start) = start else {
            return Ok(around);
        };
        let key = (byte, group, start, TIMES);
        let head = self.parts.get(key)?;
        let times = head.and_then(|it| Part::read(key, it.value()).ok()?.times().ok());
        Ok(around.join(Around::of(&times.unwrap_or_default(), at)))
    }

    /// Time of the newest row of a group in a tier; the start of the newest block where that cannot be read.
    pub(crate) fn newest_row(&self, tier: usize, group: GroupId) -> Result<Option<i64>, Trouble> {
        let Some(start) = self.last_start(tier, group, i64::MAX)? else {
            return Ok(None);
        };
        Ok(self.last_row(tier, group, start)?.or(Some(start)))
    }

    /// Removes the rows of a group in a tier from a time on.
    pub(crate) fn cut(&mut self, tier: usize, group: GroupId, at: i64) -> Result<(), Trouble> {
        for start in self.starts_before(tier, group, i64::MAX)? {
            if start >= at {
                self.remove(tier, group, start)?;
            } else if self
                .last_row(tier, group, start)?
                .is_some_and(|it| it >= at)
            {
                let mut rows = self.expand(tier, group, start)?;
                self.remove(tier, group, start)?;
                self.put(tier, group, 0, &rows.split_before(at))?;
            }
        }
        Ok(())
    }

    /// Time of the last row of a block; `None` where it cannot be read.
    pub(crate) fn last_row(
        &self,
        tier: usize,
        group: GroupId,
        start: i64,
    ) -> Result<Option<i64>, Trouble> {
        let first = scan::first(&self.parts, whole_block(tier, group, start))?;
        let part = first
            .as_ref()
            .map(|(key, bytes)| Part::read(*key, bytes.value()));
        Ok(part.and_then(Result::ok).map(|part| part.last))
    }

    /// Removes a block.
    pub(crate) fn remove(
        &mut self,
        tier: usize,
        group: GroupId,
        start: i64,
    ) -> Result<(), Trouble> {
        let parts = self.lengths(tier, group, start)?;
        parts
            .into_iter()
            .try_for_each(|(key, bytes)| self.remove_part(tier, key, bytes))
    }

    /// The parts of a block, with their lengths.
    fn lengths(
        &self,
        tier: usize,
        group: GroupId,
        start: i64,
    ) -> Result<Vec<(PartKey, u64)>, Trouble> {
        let mut found = Vec::new();
        scan::each(
            &self.parts,
            whole_block(tier, group, start),
            |key, bytes| {
                found.push((key, bytes.len() as u64));
                Ok(())
            },
        )?;
        Ok(found)
    }

    /// Makes minutes of a block of samples, where a minute has so many rows in the mean; else the block just goes.
    pub(crate) fn coarsen(
        &mut self,
        group: GroupId,
        start: i64,
        rows_of_a_minute: usize,
    ) -> Result<(), Trouble> {
        let rows = self.expand(0, group, start)?;
        self.remove(0, group, start)?;
        let minutes = rows.downsample(TIERS[1]);
        if minutes.times.len() * rows_of_a_minute <= rows.times.len() {
            self.put(1, group, 0, &minutes)?;
        }
        Ok(())
    }

    /// Removes parts of a block that cannot be read, which are counted; without its times the whole block.
    pub(crate) fn drop_damaged(
        &mut self,
        tier: usize,
        group: GroupId,
        start: i64,
    ) -> Result<(), Trouble> {
        let mut damaged = Vec::new();
        scan::each(
            &self.parts,
            whole_block(tier, group, start),
            |key, bytes| {
                if Part::read(key, bytes).is_err() {
                    damaged.push((key, bytes.len() as u64));
                }
                Ok(())
            },
        )?;
        let with_times = self
            .parts
            .get((tier_byte(tier), group, start, TIMES))?
            .is_some();
        self.damaged += damaged.len() as u64;
        if !with_times || damaged.iter().any(|(key, _)| key.3 == TIMES) {
            return self.remove(tier, group, start);
        }
        damaged
            .into_iter()
            .try_for_each(|(key, bytes)| self.remove_part(tier, key, bytes))
    }

    fn remove_part(&mut self, tier: usize, key: PartKey, bytes: u64) -> Result<(), Trouble> {
        self.parts.remove(key)?;
        let size = &mut self.sizes[tier + 1];
        *size = size.saturating_sub(part::allocated(bytes));
        Ok(())
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

    /// Start, level and rows of the newest blocks, the newest first. Those that cannot be read leave the file.
    fn newest(&mut self, tier: usize, group: GroupId) -> Result<Vec<(i64, u8, usize)>, Trouble> {
        let mut found = Vec::with_capacity(MERGED);
        let mut before = i64::MAX;
        while found.len() < MERGED
            && let Some(start) = self.last_start(tier, group, before)?
        {
            before = start;
            let key = (tier_byte(tier), group, start, TIMES);
            let head = self.parts.get(key)?;
            let head = head.and_then(|it| {
                let part = Part::read(key, it.value()).ok()?;
                Some((start, part.level, part.rows))
            });
            match head {
                Some(head) => found.push(head),
                None => self.drop_damaged(tier, group, start)?,
            }
        }
        Ok(found)
    }

    /// Start of the newest block that begins before a time.
    fn last_start(&self, tier: usize, group: GroupId, before: i64) -> Result<Option<i64>, Trouble> {
        let last = scan::last(&self.parts, self::before(tier, group, before))?;
        Ok(last.map(|(key, _)| key.2))
    }

    /// The rows of a block, less what is damaged, which is counted.
    fn expand(&mut self, tier: usize, group: GroupId, start: i64) -> Result<Rows, Trouble> {
        let mut rows = Rows::default();
        let mut damaged = 0;
        scan::each(
            &self.parts,
            whole_block(tier, group, start),
            |key, bytes| {
                let added = Part::read(key, bytes).and_then(|part| {
                    if key.3 == TIMES {
                        rows.times = part.times()?;
                    }
                    part.expand_into(&mut rows)
                });
                damaged += u64::from(added.is_err());
                Ok(())
            },
        )?;
        self.damaged += damaged;
        // Without times the values belong to no moment.
        let count = rows.times.len();
        rows.series.retain(|_, columns| columns[0].len() == count);
        Ok(rows)
    }
}

/// The keys of the blocks of a group in a tier that begin before a time.
fn before(tier: usize, group: GroupId, time: i64) -> std::ops::RangeInclusive<PartKey> {
    let tier = tier_byte(tier);
    (tier, group, i64::MIN, 0)..=(tier, group, time.saturating_sub(1), u64::MAX)
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
