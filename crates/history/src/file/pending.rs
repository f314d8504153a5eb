//! Rows that are not yet a block: what one flush brought of one member, made small without looking far.
//!
//! A record: CRC-32 over its key and its content; time of the last row; rows; then, by snappy, the times, the series, and of
//! each series its values, each xored with the one before, first all first bytes, then all second bytes and so on.

use crate::bytes::{BadBlock, Reader, put_varint};
use crate::column::ROWS_MAX;
use crate::rows::{Rows, SeriesId};

/// Group, time of the first row.
pub(crate) type PendingKey = (u64, i64);

/// Most bytes that a record may have when it is unpacked: far more than a flush brings.
const UNPACKED_MAX: usize = 64 << 20;

/// A record that was read and is whole.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) times: Vec<i64>,
    series: Vec<SeriesId>,
    planes: Vec<u8>,
}

/// Renders rows of samples for the key under which they will lie.
pub(crate) fn render(key: PendingKey, rows: &Rows) -> Vec<u8> {
    let mut plain = Vec::new();
    for time in &rows.times {
        plain.extend(time.to_le_bytes());
    }
    put_varint(&mut plain, rows.series.len() as u64);
    for series in rows.series.keys() {
        plain.extend(series.to_le_bytes());
    }
    for columns in rows.series.values() {
        put_planes(&mut plain, &columns[0]);
    }
    let last = rows.times.last().copied().unwrap_or_default();
    let mut bytes = vec![0; 4];
    bytes.extend(last.to_le_bytes());
    put_varint(&mut bytes, rows.times.len() as u64);
    let packed = snap::raw::Encoder::new().compress_vec(&plain);
    bytes.extend(packed.expect("a flush is smaller than the 4 GiB that snappy takes"));
    let checksum = checksum_of(key, &bytes[4..]);
    bytes[..4].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Count of rows and time of the last one, without unpacking.
pub(crate) fn head(key: PendingKey, bytes: &[u8]) -> Result<(usize, i64), BadBlock> {
    verified(key, bytes).map(|(rows, last, _)| (rows, last))
}

impl Pending {
    /// Reads what lies under a key.
    pub(crate) fn read(key: PendingKey, bytes: &[u8]) -> Result<Self, BadBlock> {
        let (rows, _, packed) = verified(key, bytes)?;
        let unpacked = snap::raw::decompress_len(packed).map_err(|_| BadBlock)?;
        if rows > ROWS_MAX || unpacked > UNPACKED_MAX {
            return Err(BadBlock);
        }
        let plain = snap::raw::Decoder::new()
            .decompress_vec(packed)
            .map_err(|_| BadBlock)?;
        let mut reader = Reader(&plain);
        let times: Vec<i64> = words(&mut reader, rows)?.map(u64::cast_signed).collect();
        let count = reader.count(8)?;
        let series: Vec<SeriesId> = words(&mut reader, count)?.collect();
        let planes = reader.take(count * rows * 8)?.to_vec();
        Ok(Self {
            times,
            series,
            planes,
        })
    }

    /// The column of one series; `None` where it is not here.
    pub(crate) fn column(&self, series: SeriesId) -> Option<Vec<f64>> {
        let index = self.series.iter().position(|it| *it == series)?;
        Some(self.column_at(index))
    }

    /// All rows.
    pub(crate) fn into_rows(self) -> Rows {
        let columns = (0..self.series.len()).map(|index| vec![self.column_at(index)]);
        Rows {
            series: self.series.iter().copied().zip(columns).collect(),
            times: self.times,
        }
    }

    fn column_at(&self, index: usize) -> Vec<f64> {
        let rows = self.times.len();
        let planes = &self.planes[index * rows * 8..][..rows * 8];
        let mut before = 0;
        let word = |row: usize| {
            (0..8).fold(0_u64, |word, plane| {
                word | u64::from(planes[plane * rows + row]) << (plane * 8)
            })
        };
        (0..rows)
            .map(|row| {
                before ^= word(row);
                f64::from_bits(before)
            })
            .collect()
    }
}

fn verified(key: PendingKey, bytes: &[u8]) -> Result<(usize, i64, &[u8]), BadBlock> {
    let mut reader = Reader(bytes);
    let checksum = reader.take(4)?;
    if checksum != checksum_of(key, reader.0).to_le_bytes() {
        return Err(BadBlock);
    }
    let last = reader.word()?.cast_signed();
    let rows = usize::try_from(reader.varint()?).map_err(|_| BadBlock)?;
    Ok((rows, last, reader.0))
}

fn words<'a>(
    reader: &mut Reader<'a>,
    count: usize,
) -> Result<impl Iterator<Item = u64> + 'a, BadBlock> {
    let bytes = reader.take(count * 8)?;
    Ok(bytes.as_chunks().0.iter().map(|it| u64::from_le_bytes(*it)))
}

fn put_planes(plain: &mut Vec<u8>, values: &[f64]) {
    let mut before = 0;
    let changes = values.iter().map(|value| {
        let change = before ^ value.to_bits();
        before = value.to_bits();
        change.to_le_bytes()
    });
    let changes: Vec<[u8; 8]> = changes.collect();
    for plane in 0..8 {
        plain.extend(changes.iter().map(|it| it[plane]));
    }
}

fn checksum_of((group, first): PendingKey, content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&group.to_le_bytes());
    hasher.update(&first.to_le_bytes());
    hasher.update(content);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows() -> Rows {
        let mut rows = Rows::default();
        rows.push(10, [(3, 1.5), (9, 4096.0)].into_iter());
        rows.push(20, [(3, 1.75)].into_iter());
        rows.push(30, [(3, 2.0), (9, 4097.0)].into_iter());
        rows
    }

    #[test]
    fn rows_come_back_whole_and_by_column() {
        let bytes = render((7, 10), &rows());
        assert_eq!(head((7, 10), &bytes), Ok((3, 30)));
        let pending = Pending::read((7, 10), &bytes).unwrap();
        assert_eq!(pending.column(3).unwrap(), [1.5, 1.75, 2.0]);
        assert!(pending.column(9).unwrap()[1].is_nan());
        assert!(pending.column(4).is_none());
        assert_eq!(pending.into_rows().times, rows().times);
    }

    proptest! {
        #[test]
        fn a_record_that_is_cut_or_flipped_or_misplaced_is_bad(at in 0_usize..1 << 20, bit in 0_u8..8, cutting: bool) {
            let mut bytes = render((7, 10), &rows());
            prop_assert_eq!(Pending::read((7, 11), &bytes).unwrap_err(), BadBlock);
            let at = at % bytes.len();
            if cutting {
                bytes.truncate(at);
            } else {
                bytes[at] ^= 1 << bit;
            }
            prop_assert_eq!(Pending::read((7, 10), &bytes).unwrap_err(), BadBlock);
        }
    }
}
