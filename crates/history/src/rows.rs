//! A table of samples of one member: a time for each row, a column for each series, NaN where a value was not measured.

use std::collections::BTreeMap;

use etcd_monitor_model::Point;
use jiff::Timestamp;

use crate::bytes::{BadBlock, Reader, put_varint};
use crate::column;

/// What a series is kept by within its member; never 0.
pub(crate) type SeriesId = u64;

/// The columns of a series in a table of buckets: minimum, maximum, mean, count. A table of samples has one.
pub(crate) const BUCKET_COLUMNS: usize = 4;

/// Rows in the order of their time.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Rows {
    /// Unix milliseconds, growing.
    pub(crate) times: Vec<i64>,
    /// The columns of each series, as long as the times.
    pub(crate) series: BTreeMap<SeriesId, Vec<Vec<f64>>>,
}

/// Compressed rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Block {
    pub(crate) rows: usize,
    /// Time of the first row.
    pub(crate) first: i64,
    /// Time of the last row.
    pub(crate) last: i64,
    pub(crate) times: Box<[u8]>,
    /// The columns of each series; in order.
    pub(crate) cells: Vec<(SeriesId, Box<[u8]>)>,
}

impl Rows {
    /// Adds one row of samples: the table has one column for each series.
    pub(crate) fn push(&mut self, at: i64, samples: impl Iterator<Item = (SeriesId, f64)>) {
        let before = self.times.len();
        for (series, value) in samples {
            let columns = self
                .series
                .entry(series)
                .or_insert_with(|| vec![Vec::new()]);
            columns[0].resize(before, f64::NAN);
            columns[0].push(value);
        }
        self.times.push(at);
        self.fill();
    }

    /// Compresses; `None` where there are no rows.
    pub(crate) fn compress(&self) -> Option<Block> {
        let (first, last) = (*self.times.first()?, *self.times.last()?);
        let measured = |columns: &&Vec<Vec<f64>>| !columns[0].iter().all(|it| it.is_nan());
        let cells = self.series.iter().filter(|(_, it)| measured(it));
        Some(Block {
            rows: self.times.len(),
            first,
            last,
            times: column::encode_times(&self.times).into(),
            cells: cells.map(|(id, it)| (*id, compress_cell(it))).collect(),
        })
    }

    /// Columns that ended before the last row get gaps.
    fn fill(&mut self) {
        let rows = self.times.len();
        for column in self.series.values_mut().flatten() {
            column.resize(rows, f64::NAN);
        }
    }
}

impl Block {
    /// The points of one series within `start..end`; none where it has none.
    pub(crate) fn points(
        &self,
        series: SeriesId,
        start: i64,
        end: i64,
    ) -> Result<Vec<Point>, BadBlock> {
        let Ok(index) = self.cells.binary_search_by_key(&series, |(id, _)| *id) else {
            return Ok(Vec::new());
        };
        let times = column::decode_times(&self.times, self.rows)?;
        let columns = expand_cell(&self.cells[index].1, self.rows)?;
        Ok(points(&times, &columns, start, end).collect())
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let entry = size_of::<(SeriesId, Box<[u8]>)>();
        let cells: usize = self.cells.iter().map(|(_, cell)| cell.len() + entry).sum();
        self.times.len() + cells
    }
}

/// The columns of one series, each with its length before it.
pub(crate) fn compress_cell(columns: &[Vec<f64>]) -> Box<[u8]> {
    let mut bytes = Vec::new();
    for values in columns {
        let column = column::encode(values);
        put_varint(&mut bytes, column.len() as u64);
        bytes.extend(column);
    }
    bytes.into()
}

/// The inverse of [`compress_cell`].
pub(crate) fn expand_cell(bytes: &[u8], rows: usize) -> Result<Vec<Vec<f64>>, BadBlock> {
    let mut reader = Reader(bytes);
    let mut columns = Vec::with_capacity(BUCKET_COLUMNS);
    while !reader.0.is_empty() {
        let length = reader.count(1)?;
        columns.push(column::decode(reader.take(length)?, rows)?);
    }
    if columns.len() == 1 || columns.len() == BUCKET_COLUMNS {
        Ok(columns)
    } else {
        Err(BadBlock)
    }
}

/// The measured points of one series within `start..end`.
pub(crate) fn points<'a>(
    times: &'a [i64],
    columns: &'a [Vec<f64>],
    start: i64,
    end: i64,
) -> impl Iterator<Item = Point> + 'a {
    let from = times.partition_point(|it| *it < start);
    let until = times.partition_point(|it| *it < end).max(from);
    (from..until).filter_map(move |row| point(times[row], columns, row))
}

fn point(time: i64, columns: &[Vec<f64>], row: usize) -> Option<Point> {
    let at = Timestamp::from_millisecond(time).ok()?;
    let value = |column: usize| columns.get(column).and_then(|it| it.get(row)).copied();
    let first = value(0).filter(|it| !it.is_nan())?;
    if columns.len() < BUCKET_COLUMNS {
        return Some(Point::sample(at, first));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast of a float saturates"
    )]
    let count = value(3)? as u32;
    Some(Point {
        at,
        min: first,
        max: value(1)?,
        mean: value(2)?,
        count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[(i64, &[(SeriesId, f64)])]) -> Rows {
        let mut table = Rows::default();
        for (at, samples) in rows {
            table.push(*at, samples.iter().copied());
        }
        table
    }

    #[test]
    fn what_was_not_measured_is_a_gap_and_no_point() {
        let rows = table(&[(10, &[(1, 1.0)]), (20, &[(2, 5.0)]), (30, &[(1, 3.0)])]);
        let block = rows.compress().unwrap();
        let found: Vec<_> = block
            .points(1, 0, 100)
            .unwrap()
            .iter()
            .map(|it| it.mean)
            .collect();
        assert_eq!(found, [1.0, 3.0]);
        assert_eq!(block.points(2, 0, 20).unwrap(), []);
        assert_eq!(block.points(3, 0, 100).unwrap(), []);
    }
}
