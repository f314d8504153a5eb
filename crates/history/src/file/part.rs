//! Parts: how a block lies in the file. A block is cut into parts that fill redb's pages well, each with a checksum over
//! its key and its content, so that a damaged one is known, and one that lies under a wrong key too.
//!
//! A part: CRC-32; level; rows; time of the last row; a directory of series and lengths; the cells. The first part of a
//! block holds the times as the cell of series 0.

use crate::bytes::{BadBlock, Reader, put_varint};
use crate::column;
use crate::rows::{Block, Rows, SeriesId, expand_cell};

/// Tier, group, time of the first row, first series in the part.
pub(crate) type PartKey = (u8, u64, i64, u64);

/// The cell that holds the times.
pub(crate) const TIMES: SeriesId = 0;

/// Bytes of a page of redb, of which a large value takes a power of two.
pub(crate) const PAGE: u64 = 4096;

/// What a part should not exceed: four pages, less what redb keeps beside a value.
const PART_BYTES: usize = 4 * 4096 - 64;

/// Series and length of a cell, at least.
const DIRECTORY_ENTRY: usize = 9;

/// A part that was read and is whole.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    /// How often the rows were merged into a larger block.
    pub(crate) level: u8,
    pub(crate) rows: usize,
    /// Time of the last row of the block.
    pub(crate) last: i64,
    cells: Vec<(SeriesId, &'a [u8])>,
}

/// A block as parts, each with its key.
pub(crate) fn cut(tier: u8, group: u64, level: u8, block: &Block) -> Vec<(PartKey, Vec<u8>)> {
    let times = [(TIMES, &block.times)];
    let cells = block.cells.iter().map(|(id, cell)| (*id, cell));
    let mut parts = Vec::new();
    let mut part: Vec<(SeriesId, &[u8])> = Vec::new();
    let mut bytes = 0;
    for (id, cell) in times.into_iter().chain(cells) {
        let more = cell.len() + DIRECTORY_ENTRY + 2;
        if bytes + more > PART_BYTES && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
            bytes = 0;
        }
        part.push((id, cell));
        bytes += more;
    }
    parts.push(part);
    let keyed = parts.iter().map(|cells| {
        let key = (tier, group, block.first, cells[0].0);
        (key, render(key, level, block, cells))
    });
    keyed.collect()
}

impl<'a> Part<'a> {
    /// Reads what lies under a key.
    pub(crate) fn read(key: PartKey, bytes: &'a [u8]) -> Result<Self, BadBlock> {
        let mut reader = Reader(bytes);
        let checksum = reader.take(4)?;
        if checksum != checksum_of(key, reader.0).to_le_bytes() {
            return Err(BadBlock);
        }
        let level = reader.byte()?;
        let rows = usize::try_from(reader.varint()?).map_err(|_| BadBlock)?;
        let last = reader.word()?.cast_signed();
        let count = reader.count(DIRECTORY_ENTRY)?;
        let entry = |reader: &mut Reader<'a>| Ok((reader.word()?, reader.varint()?));
        let directory: Vec<_> = (0..count)
            .map(|_| entry(&mut reader))
            .collect::<Result<_, BadBlock>>()?;
        let mut cells = Vec::with_capacity(count);
        for (id, length) in directory {
            let length = usize::try_from(length).map_err(|_| BadBlock)?;
            cells.push((id, reader.take(length)?));
        }
        Ok(Self {
            level,
            rows,
            last,
            cells,
        })
    }

    /// The times, of the first part alone.
    pub(crate) fn times(&self) -> Result<Vec<i64>, BadBlock> {
        let (id, bytes) = self.cells.first().ok_or(BadBlock)?;
        if *id != TIMES {
            return Err(BadBlock);
        }
        column::decode_times(bytes, self.rows)
    }

    /// The columns of one series; `None` where it is not in this part.
    pub(crate) fn series(&self, series: SeriesId) -> Result<Option<Vec<Vec<f64>>>, BadBlock> {
        let found = self.cells.iter().find(|(id, _)| *id == series);
        found
            .map(|(_, cell)| expand_cell(cell, self.rows))
            .transpose()
    }

    /// Adds every series of this part to the rows of its block.
    pub(crate) fn expand_into(&self, rows: &mut Rows) -> Result<(), BadBlock> {
        for (id, cell) in self.cells.iter().filter(|(id, _)| *id != TIMES) {
            rows.series.insert(*id, expand_cell(cell, self.rows)?);
        }
        Ok(())
    }
}

/// Bytes that a part takes in the file, about: a large value has its own pages, small ones share pages that are not full.
pub(crate) fn allocated(value_bytes: u64) -> u64 {
    const BESIDE: u64 = 40;
    let bytes = value_bytes + BESIDE;
    if bytes <= PAGE * 2 / 3 {
        bytes * 3 / 2
    } else {
        bytes.div_ceil(PAGE).next_power_of_two() * PAGE
    }
}

fn render(key: PartKey, level: u8, block: &Block, cells: &[(SeriesId, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0, 0, level];
    put_varint(&mut bytes, block.rows as u64);
    bytes.extend(block.last.to_le_bytes());
    put_varint(&mut bytes, cells.len() as u64);
    for (id, cell) in cells {
        bytes.extend(id.to_le_bytes());
        put_varint(&mut bytes, cell.len() as u64);
    }
    for (_, cell) in cells {
        bytes.extend(*cell);
    }
    let checksum = checksum_of(key, &bytes[4..]);
    bytes[..4].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn checksum_of((tier, group, first, series): PartKey, content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[tier]);
    hasher.update(&group.to_le_bytes());
    hasher.update(&first.to_le_bytes());
    hasher.update(&series.to_le_bytes());
    hasher.update(content);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(series: u64) -> Block {
        let mut rows = Rows::default();
        for at in 0..700_u32 {
            // Noise that does not compress, so that there are several parts.
            let noise = |id: u64| {
                let mixed = (u64::from(at) * 1000 + id).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                (mixed ^ (mixed >> 29)) as f64 / 977.0
            };
            rows.push(i64::from(at) * 1000, (1..=series).map(|id| (id, noise(id))));
        }
        rows.compress().unwrap()
    }

    #[test]
    fn a_block_comes_back_from_its_parts() {
        let block = block(20);
        let parts = cut(0, 7, 2, &block);
        assert!(parts.len() > 2);
        let mut rows = Rows::default();
        for (key, bytes) in &parts {
            let part = Part::read(*key, bytes).unwrap();
            assert_eq!((part.level, part.rows, part.last), (2, 700, 699_000));
            if key.3 == TIMES {
                rows.times = part.times().unwrap();
            }
            part.expand_into(&mut rows).unwrap();
        }
        assert_eq!(rows, block.expand().unwrap());
    }

    #[test]
    fn a_part_under_another_key_is_bad() {
        let (key, bytes) = cut(0, 7, 0, &block(1)).remove(0);
        for wrong in [
            (1, key.1, key.2, key.3),
            (key.0, 8, key.2, key.3),
            (key.0, key.1, 1, key.3),
            (key.0, key.1, key.2, 1),
        ] {
            assert_eq!(Part::read(wrong, &bytes).unwrap_err(), BadBlock);
        }
    }

    proptest! {
        #[test]
        fn a_part_that_is_cut_or_flipped_is_bad(at in 0_usize..1 << 20, bit in 0_u8..8, cutting: bool) {
            let (key, mut bytes) = cut(0, 7, 0, &block(2)).remove(0);
            let at = at % bytes.len();
            if cutting {
                bytes.truncate(at);
            } else {
                bytes[at] ^= 1 << bit;
            }
            prop_assert_eq!(Part::read(key, &bytes).unwrap_err(), BadBlock);
        }
    }
}
