//! One column of numbers, compressed. A gap is NaN, and every gap comes back as one.
//!
//! The first byte says what follows: the kind, and whether gaps are listed. Gaps are lengths of runs, present and absent
//! in turn. What is present is one constant, or what pco makes of whole numbers or of floats.

use pco::ChunkConfig;
use pco::data_types::Number;
use pco::wrapped::{FileCompressor, FileDecompressor};

use crate::bytes::{BadBlock, Reader, put_varint, unzigzag, zigzag};

const KIND_EMPTY: u8 = 0;
const KIND_CONSTANT_WHOLE: u8 = 1;
const KIND_CONSTANT: u8 = 2;
const KIND_WHOLES: u8 = 3;
const KIND_FLOATS: u8 = 4;
const WITH_GAPS: u8 = 0x80;

/// Whole numbers up to this one are exact in a float.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Rows that a column may have: more than any block is written with, so that a damaged count costs no memory.
pub(crate) const ROWS_MAX: usize = 1 << 16;

/// Compresses the values of one column.
pub(crate) fn encode(values: &[f64]) -> Vec<u8> {
    let present: Vec<f64> = values.iter().copied().filter(|it| !it.is_nan()).collect();
    let mut bytes = vec![0];
    if present.is_empty() {
        return bytes;
    }
    let gaps = if present.len() < values.len() {
        put_gaps(&mut bytes, values);
        WITH_GAPS
    } else {
        0
    };
    bytes[0] = gaps | put_present(&mut bytes, &present);
    bytes
}

/// Reads a column of so many rows.
pub(crate) fn decode(bytes: &[u8], rows: usize) -> Result<Vec<f64>, BadBlock> {
    if rows > ROWS_MAX {
        return Err(BadBlock);
    }
    let mut reader = Reader(bytes);
    let head = reader.byte()?;
    let runs = if head & WITH_GAPS == 0 {
        vec![rows]
    } else {
        read_gaps(&mut reader, rows)?
    };
    let present = runs.iter().step_by(2).sum();
    let values = match head & !WITH_GAPS {
        KIND_EMPTY => return Ok(vec![f64::NAN; rows]),
        KIND_CONSTANT_WHOLE => vec![unzigzag(reader.varint()?) as f64; present],
        KIND_CONSTANT => vec![f64::from_bits(reader.word()?); present],
        KIND_WHOLES => {
            let wholes = unpack::<i64>(reader.0, present)?;
            wholes.into_iter().map(|it| it as f64).collect()
        }
        KIND_FLOATS => unpack(reader.0, present)?,
        _ => return Err(BadBlock),
    };
    Ok(if runs.len() == 1 {
        values
    } else {
        spread(&values, &runs, rows)
    })
}

/// Compresses times: milliseconds in growing order.
pub(crate) fn encode_times(times: &[i64]) -> Vec<u8> {
    pack(times)
}

/// Reads so many times.
pub(crate) fn decode_times(bytes: &[u8], rows: usize) -> Result<Vec<i64>, BadBlock> {
    if rows > ROWS_MAX {
        return Err(BadBlock);
    }
    unpack(bytes, rows)
}

fn put_present(bytes: &mut Vec<u8>, present: &[f64]) -> u8 {
    let wholes: Option<Vec<i64>> = present.iter().map(|it| whole(*it)).collect();
    let first = present[0].to_bits();
    let constant = present.iter().all(|it| it.to_bits() == first);
    match wholes {
        Some(wholes) if constant => {
            put_varint(bytes, zigzag(wholes[0]));
            KIND_CONSTANT_WHOLE
        }
        None if constant => {
            bytes.extend(first.to_le_bytes());
            KIND_CONSTANT
        }
        Some(wholes) => {
            bytes.extend(pack(&wholes));
            KIND_WHOLES
        }
        None => {
            bytes.extend(pack(present));
            KIND_FLOATS
        }
    }
}

/// The value as a whole number, when it is one to the bit: the negative zero is not.
pub(crate) fn whole(value: f64) -> Option<i64> {
    if value.abs() > WHOLE_MAX {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
    let whole = value as i64;
    ((whole as f64).to_bits() == value.to_bits()).then_some(whole)
}

fn put_gaps(bytes: &mut Vec<u8>, values: &[f64]) {
    let mut runs = Vec::new();
    let (mut present, mut length) = (true, 0);
    for value in values {
        if value.is_nan() == present {
            runs.push(length);
            (present, length) = (!present, 0);
        }
        length += 1;
    }
    runs.push(length);
    put_varint(bytes, runs.len() as u64);
    for run in runs {
        put_varint(bytes, run);
    }
}

fn read_gaps(reader: &mut Reader<'_>, rows: usize) -> Result<Vec<usize>, BadBlock> {
    let count = reader.count(1)?;
    let mut runs = Vec::with_capacity(count);
    let mut left = rows;
    for _ in 0..count {
        let run = usize::try_from(reader.varint()?).map_err(|_| BadBlock)?;
        left = left.checked_sub(run).ok_or(BadBlock)?;
        runs.push(run);
    }
    if left == 0 { Ok(runs) } else { Err(BadBlock) }
}

fn spread(values: &[f64], runs: &[usize], rows: usize) -> Vec<f64> {
    let mut all = Vec::with_capacity(rows);
    let mut values = values.iter().copied();
    for (index, run) in runs.iter().enumerate() {
        if index % 2 == 0 {
            all.extend(values.by_ref().take(*run));
        } else {
            all.extend(std::iter::repeat_n(f64::NAN, *run));
        }
    }
    all
}

fn pack<T: Number>(numbers: &[T]) -> Vec<u8> {
    const IN_MEMORY: &str =
        "numbers below the limit of rows, with the default settings, compress into memory";
    let compressor = FileCompressor::default();
    let bytes = compressor.write_header(Vec::new()).expect(IN_MEMORY);
    if numbers.is_empty() {
        return bytes;
    }
    let mut chunk = compressor
        .chunk_compressor(numbers, &ChunkConfig::default())
        .expect(IN_MEMORY);
    let bytes = chunk.write_meta(bytes).expect(IN_MEMORY);
    chunk.write_page(0, bytes).expect(IN_MEMORY)
}

fn unpack<T: Number + Default>(bytes: &[u8], count: usize) -> Result<Vec<T>, BadBlock> {
    let (decompressor, bytes) = FileDecompressor::new(bytes).map_err(|_| BadBlock)?;
    let mut numbers = vec![T::default(); count];
    if count == 0 {
        return Ok(numbers);
    }
    let (mut chunk, bytes) = decompressor
        .chunk_decompressor::<T, _>(bytes)
        .map_err(|_| BadBlock)?;
    let mut page = chunk
        .page_decompressor(bytes, count)
        .map_err(|_| BadBlock)?;
    let progress = page.read(&mut numbers).map_err(|_| BadBlock)?;
    if progress.n_processed == count {
        Ok(numbers)
    } else {
        Err(BadBlock)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            3 => (-1000_i64..1000).prop_map(|it| it as f64),
            2 => any::<f64>().prop_filter("finite", |it| it.is_finite()),
            1 => Just(f64::NAN),
            1 => Just(-0.0),
        ]
    }

    fn bits(values: &[f64]) -> Vec<u64> {
        // All gaps are one gap.
        let canonical = |it: &f64| if it.is_nan() { f64::NAN } else { *it };
        values.iter().map(|it| canonical(it).to_bits()).collect()
    }

    proptest! {
        #[test]
        fn every_value_comes_back_to_the_bit(values in prop::collection::vec(value(), 0..300)) {
            let decoded = decode(&encode(&values), values.len()).unwrap();
            prop_assert_eq!(bits(&decoded), bits(&values));
        }

        #[test]
        fn noise_is_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), rows in 0_usize..2000) {
            let _ = decode(&bytes, rows);
            let _ = decode_times(&bytes, rows);
        }
    }

    #[test]
    fn a_constant_takes_a_few_bytes() {
        assert_eq!(encode(&[3.0; 1000]).len(), 2);
        assert_eq!(encode(&[0.25; 1000]).len(), 9);
        assert_eq!(encode(&[f64::NAN; 1000]).len(), 1);
    }

    #[test]
    fn more_rows_than_any_block_has_are_refused() {
        assert_eq!(decode(&[KIND_EMPTY], ROWS_MAX + 1), Err(BadBlock));
    }
}
