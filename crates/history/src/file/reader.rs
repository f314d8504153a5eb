//! Reading points: some blocks at a time, each time in a read transaction of its own, so that a slow reader holds back no
//! page of the file.

use etcd_monitor_model::Point;
use redb::{Database, ReadOnlyTable, ReadableDatabase};

use super::error::Trouble;
use super::index::{tier_byte, whole_group};
use super::part::{Part, PartKey, TIMES};
use super::pending::{Pending, PendingKey};
use super::scan;
use super::schema::{GroupId, PARTS, PENDING};
use crate::bytes::BadBlock;
use crate::rows::{SeriesId, points};
use crate::tier::{ALIGNMENT, COARSEST, TIERS, aligned};

/// Blocks read at a time.
const BLOCKS_MAX: usize = 16;

/// Where the reading of one series stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor {
    pub(crate) group: GroupId,
    pub(crate) series: SeriesId,
    /// The tier that is wanted; where it no longer has anything, a coarser one answers.
    pub(crate) tier: usize,
    /// From when on, inclusive, in Unix milliseconds.
    pub(crate) from: i64,
    /// Until when, exclusive.
    pub(crate) end: i64,
}

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) points: Vec<Point>,
    /// Where to go on; `None` at the end.
    pub(crate) next: Option<Cursor>,
    /// What could not be read.
    pub(crate) damaged: Vec<Damaged>,
}

/// Something that a reader could not read, for the writer to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Damaged {
    /// A block, or parts of it: tier, group, start.
    Block(usize, GroupId, i64),
    /// A pending record.
    Pending(PendingKey),
}

type Parts = ReadOnlyTable<PartKey, &'static [u8]>;

/// Reads the next points of a series.
pub(crate) fn read(db: &Database, cursor: Cursor) -> Result<Chunk, Trouble> {
    let txn = db.begin_read()?;
    let parts = txn.open_table(PARTS)?;
    let mut walk = Walk {
        from: cursor.from,
        left: BLOCKS_MAX,
        parts: &parts,
        cursor,
        chunk: Chunk::default(),
    };
    for (tier, until) in segments(&parts, &cursor)? {
        walk.tier(tier, until)?;
        if walk.left == 0 {
            walk.chunk.next = Some(Cursor {
                from: walk.from,
                ..cursor
            });
            return Ok(walk.chunk);
        }
    }
    // What is pending is later than every block.
    read_pending(
        &txn.open_table(PENDING)?,
        &cursor,
        walk.from,
        &mut walk.chunk,
    )?;
    Ok(walk.chunk)
}

/// A reading on its way through the blocks.
struct Walk<'a> {
    parts: &'a Parts,
    cursor: Cursor,
    /// What is before it was read.
    from: i64,
    /// Blocks that may still be read.
    left: usize,
    chunk: Chunk,
}

impl Walk<'_> {
    /// Reads blocks of a tier, up to a time. Where some are missing, the coarsest tier stands in.
    fn tier(&mut self, tier: usize, until: i64) -> Result<(), Trouble> {
        let end = self.cursor.end.min(until);
        while self.from < end && self.left > 0 {
            let start = block_at(self.parts, tier, self.cursor.group, self.from)?;
            let start = start.filter(|it| *it < end);
            self.stand_in(tier, start.unwrap_or(end))?;
            match start {
                Some(start) if self.left > 0 => self.block(tier, start, end)?,
                _ => break,
            }
        }
        if self.left > 0 && until < i64::MAX {
            self.from = self.from.max(until);
        }
        Ok(())
    }

    /// Reads whole buckets of the coarsest tier before a time.
    fn stand_in(&mut self, tier: usize, before: i64) -> Result<(), Trouble> {
        let until = aligned(before);
        while tier < COARSEST
            && aligned(self.from.saturating_sub(1)) < until.saturating_sub(ALIGNMENT)
        {
            let start = block_at(self.parts, COARSEST, self.cursor.group, self.from)?;
            match start.filter(|it| *it < until && self.left > 0) {
                Some(start) => self.block(COARSEST, start, until)?,
                None => break,
            }
        }
        Ok(())
    }

    /// Reads one block, up to a time. After one that is damaged it goes on with the next.
    fn block(&mut self, tier: usize, start: i64, end: i64) -> Result<(), Trouble> {
        self.left -= 1;
        let before = self.from;
        let range = (self.from, end);
        if let Ok((found, last)) = read_block(self.parts, tier, &self.cursor, start, range)? {
            self.chunk.points.extend(found);
            self.from = last.max(start).saturating_add(1).min(end);
        } else {
            let damaged = Damaged::Block(tier, self.cursor.group, start);
            self.chunk.damaged.push(damaged);
            let next = next_start(self.parts, tier, self.cursor.group, start)?;
            let next = next.unwrap_or(end).min(end);
            self.stand_in(tier, next)?;
            self.from = self.from.max(next);
        }
        if self.from > before {
            Ok(())
        } else {
            Err(scan::out_of_order())
        }
    }
}

/// The tiers to read, the coarsest first, each until where the next finer one begins. Only the coarsest is there of all
/// times; minutes are made of samples when those leave the file, so that one follows the other.
fn segments(parts: &Parts, cursor: &Cursor) -> Result<Vec<(usize, i64)>, Trouble> {
    if cursor.tier == COARSEST {
        return Ok(vec![(COARSEST, i64::MAX)]);
    }
    let mut until = i64::MAX;
    let mut found = Vec::new();
    for tier in 0..TIERS.len() {
        found.push((tier, until));
        if let Some((key, _)) = scan::first(parts, whole_group(tier, cursor.group))? {
            until = until.min(aligned(key.2));
        }
    }
    found.reverse();
    Ok(found)
}

/// Start of the block that holds a time, or else of the next one.
fn block_at(parts: &Parts, tier: usize, group: GroupId, time: i64) -> Result<Option<i64>, Trouble> {
    let byte = tier_byte(tier);
    let until = (byte, group, i64::MIN, 0)..=(byte, group, time, u64::MAX);
    let Some((before, _)) = scan::last(parts, until)? else {
        return next_start(parts, tier, group, time);
    };
    let key = (byte, group, before.2, TIMES);
    let first = parts.get(key)?;
    let last = first.and_then(|it| Part::read(key, it.value()).ok().map(|part| part.last));
    // One that cannot be read is taken as holding it.
    if last.is_none_or(|last| last >= time) {
        return Ok(Some(key.2));
    }
    next_start(parts, tier, group, time)
}

/// Start of the first block that begins after a time.
fn next_start(
    parts: &Parts,
    tier: usize,
    group: GroupId,
    time: i64,
) -> Result<Option<i64>, Trouble> {
    let byte = tier_byte(tier);
    let after = (byte, group, time.saturating_add(1), 0)..=(byte, group, i64::MAX, u64::MAX);
    Ok(scan::first(parts, after)?.map(|(key, _)| key.2))
}

type Found = Result<(Vec<Point>, i64), BadBlock>;

/// The points of a series in one block, and the time of the block's last row.
fn read_block(
    parts: &Parts,
    tier: usize,
    cursor: &Cursor,
    start: i64,
    (from, end): (i64, i64),
) -> Result<Found, Trouble> {
    let byte = tier_byte(tier);
    let head_key = (byte, cursor.group, start, TIMES);
    let Some(head) = parts.get(head_key)? else {
        return Ok(Err(BadBlock));
    };
    let key = (byte, cursor.group, start, cursor.series);
    let Some((key, bytes)) = scan::last(parts, head_key..=key)? else {
        return Ok(Err(BadBlock));
    };
    Ok(Part::read(head_key, head.value()).and_then(|head| {
        let times = head.times()?;
        let columns = Part::read(key, bytes.value())?.series(cursor.series)?;
        let found = columns.map(|columns| points(&times, &columns, from, end).collect());
        Ok((found.unwrap_or_default(), head.last))
    }))
}

fn read_pending(
    pending: &ReadOnlyTable<PendingKey, &'static [u8]>,
    cursor: &Cursor,
    from: i64,
    chunk: &mut Chunk,
) -> Result<(), Trouble> {
    let range = (cursor.group, i64::MIN)..=(cursor.group, cursor.end);
    scan::each(pending, range, |key, record| {
        if let Ok(found) = pending_points(key, record, cursor, from) {
            chunk.points.extend(found);
        } else {
            chunk.damaged.push(Damaged::Pending(key));
        }
        Ok(())
    })
}

fn pending_points(
    key: PendingKey,
    record: &[u8],
    cursor: &Cursor,
    from: i64,
) -> Result<Vec<Point>, BadBlock> {
    let (_, last) = super::pending::head(key, record)?;
    if last < from {
        return Ok(Vec::new());
    }
    let rows = Pending::read(key, record)?;
    let column = rows.column(cursor.series);
    let found = column.map(|it| points(&rows.times, &[it], from, cursor.end).collect());
    Ok(found.unwrap_or_default())
}
