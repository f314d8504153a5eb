//! A table of samples of one member: a time for each row, a column for each series, NaN where a value was not measured.

use std::collections::BTreeMap;

use etcd_monitor_model::Point;
use jiff::Timestamp;

use crate::bytes::{BadBlock, Reader, put_varint};
use crate::column;

/// What a series is kept by within its member; never 0.
pub(crate) type SeriesId = u64;

/// The columns of a series in a table of buckets: minimum, maximum, sum, count. A table of samples has one.
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

    /// Adds the rows of a later table with as many columns for each series.
    pub(crate) fn extend(&mut self, later: Self) {
        let before = self.times.len();
        for (series, columns) in later.series {
            let width = columns.len();
            let mine = self
                .series
                .entry(series)
                .or_insert_with(|| vec![Vec::new(); width]);
            for (mine, more) in mine.iter_mut().zip(columns) {
                mine.resize(before, f64::NAN);
                mine.extend(more);
            }
        }
        self.times.extend(later.times);
        self.fill();
    }

    /// The rows before a time, taken out of the table.
    pub(crate) fn split_before(&mut self, time: i64) -> Self {
        let count = self.times.partition_point(|it| *it < time);
        let take = |columns: &mut Vec<Vec<f64>>| -> Vec<Vec<f64>> {
            let head = |column: &mut Vec<f64>| column.drain(..count).collect();
            columns.iter_mut().map(head).collect()
        };
        Self {
            times: self.times.drain(..count).collect(),
            series: self
                .series
                .iter_mut()
                .map(|(id, it)| (*id, take(it)))
                .collect(),
        }
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

    /// Samples as buckets of `step` milliseconds, each from a multiple of it.
    pub(crate) fn downsample(&self, step: i64) -> Self {
        let mut times: Vec<i64> = self
            .times
            .iter()
            .map(|it| it.div_euclid(step) * step)
            .collect();
        let bucket_of: Vec<usize> = times
            .iter()
            .scan((0, times.first().copied()), |(index, of), time| {
                if *of != Some(*time) {
                    (*index, *of) = (*index + 1, Some(*time));
                }
                Some(*index)
            })
            .collect();
        times.dedup();
        let buckets =
            |columns: &Vec<Vec<f64>>| bucket_columns(&columns[0], &bucket_of, times.len());
        let series = self.series.iter().map(|(id, it)| (*id, buckets(it)));
        Self {
            series: series.collect(),
            times,
        }
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
    /// All rows again.
    pub(crate) fn expand(&self) -> Result<Rows, BadBlock> {
        let expand = |(id, cell): &(SeriesId, Box<[u8]>)| Ok((*id, expand_cell(cell, self.rows)?));
        Ok(Rows {
            times: column::decode_times(&self.times, self.rows)?,
            series: self
                .cells
                .iter()
                .map(expand)
                .collect::<Result<_, BadBlock>>()?,
        })
    }

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
        mean: value(2)? / f64::from(count),
        count,
    })
}

fn bucket_columns(values: &[f64], bucket_of: &[usize], buckets: usize) -> Vec<Vec<f64>> {
    let mut columns = vec![vec![f64::NAN; buckets]; BUCKET_COLUMNS];
    let mut sums = vec![(0.0, 0_u32); buckets];
    for (value, bucket) in values.iter().zip(bucket_of) {
        if value.is_nan() {
            continue;
        }
        // The minimum and the maximum of a NaN and a number are the number.
        columns[0][*bucket] = columns[0][*bucket].min(*value);
        columns[1][*bucket] = columns[1][*bucket].max(*value);
        let (sum, count) = &mut sums[*bucket];
        *sum += value;
        *count += 1;
    }
    for (bucket, (sum, count)) in sums.into_iter().enumerate().filter(|(_, it)| it.1 > 0) {
        columns[2][bucket] = sum;
        columns[3][bucket] = f64::from(count);
    }
    columns
}

/// A value as the file keeps it: whole numbers exactly; others to 11 significant bits (off by at most 1 in 4,096), or to the
/// next whole number where that is finer, from 2,048 on.
pub(crate) fn as_kept(value: f64) -> f64 {
    const DROPPED_BITS: u32 = 52 - 10;
    const WHOLE_FROM: f64 = 2048.0;
    if value.is_nan() || column::whole(value).is_some() {
        value
    } else if value.abs() >= WHOLE_FROM {
        value.round()
    } else {
        let half = 1_u64 << (DROPPED_BITS - 1);
        f64::from_bits((value.to_bits() + half) & !((1 << DROPPED_BITS) - 1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    #[test]
    fn tables_join_and_split() {
        let mut whole = table(&[(10, &[(1, 1.0)]), (20, &[(1, 2.0), (2, 5.0)])]);
        let head = whole.split_before(20);
        assert_eq!((head.times.len(), whole.times.len()), (1, 1));
        let mut joined = head;
        joined.extend(whole);
        joined.extend(table(&[(30, &[(3, 9.0)])]));
        let block = joined.compress().unwrap();
        assert_eq!((block.first, block.last, block.rows), (10, 30, 3));
        assert_eq!(block.points(2, 0, 100).unwrap().len(), 1);
        assert_eq!(block.points(3, 0, 100).unwrap()[0].mean, 9.0);
    }

    #[test]
    fn buckets_hold_minimum_maximum_mean_and_count_of_what_was_measured() {
        let rows = table(&[
            (60_000, &[(1, 1.0)]),
            (70_000, &[(2, 8.0)]),
            (80_000, &[(1, 4.0)]),
            (120_000, &[(1, 7.0)]),
        ]);
        let block = rows.downsample(60_000).compress().unwrap();
        let found = block.points(1, 0, 200_000).unwrap();
        let of = |it: &Point| (it.at.as_second(), it.min, it.max, it.mean, it.count);
        assert_eq!(
            found.iter().map(of).collect::<Vec<_>>(),
            [(60, 1.0, 4.0, 2.5, 2), (120, 7.0, 7.0, 7.0, 1)]
        );
        assert_eq!(block.points(2, 0, 200_000).unwrap().len(), 1);
    }

    proptest! {
        #[test]
        fn what_is_kept_is_near_what_was_measured(value in -1e12_f64..1e12) {
            let kept = as_kept(value);
            prop_assert!((kept - value).abs() <= (value.abs() / 4096.0).min(0.5), "{value} is kept as {kept}");
            prop_assert_eq!(as_kept(kept), kept);
        }

        #[test]
        fn whole_numbers_are_kept_exactly(value in -(1_i64 << 53)..(1_i64 << 53)) {
            prop_assert_eq!(as_kept(value as f64), value as f64);
        }
    }
}
