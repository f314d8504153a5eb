//! A record in a file: a mark, its length, what is known of it without unpacking it, a checksum.

use crate::remote::record::Record;

/// What a frame begins with: after damage the next one is looked for by it.
const MARK: [u8; 4] = *b"\xe7rec";

/// Mark, length, samples, time of the newest batch, checksum of all but the mark.
pub(super) const HEAD_BYTES: usize = 24;

/// A frame in some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// Where it begins; what was skipped before it is damaged.
    pub(super) begin: usize,
    /// Where it ends.
    pub(super) end: usize,
    pub(super) samples: u32,
    pub(super) newest: i64,
    pub(super) payload: &'a [u8],
}

/// Bytes of a record as a frame.
pub(super) fn bytes(record: &Record) -> usize {
    HEAD_BYTES + record.payload.len()
}

/// A record as a frame; `None` where its length does not fit.
pub(super) fn encode(record: &Record) -> Option<Vec<u8>> {
    let length = u32::try_from(record.payload.len()).ok()?;
    let mut frame = Vec::with_capacity(bytes(record));
    frame.extend(MARK);
    frame.extend(length.to_le_bytes());
    frame.extend(record.samples.to_le_bytes());
    frame.extend(record.newest.to_le_bytes());
    frame.extend(checksum(&frame, &record.payload).to_le_bytes());
    frame.extend(&record.payload);
    Some(frame)
}

/// The first whole frame from `from` on.
pub(super) fn find(bytes: &[u8], from: usize) -> Option<Frame<'_>> {
    let last = bytes.len().checked_sub(HEAD_BYTES)?;
    (from..=last).find_map(|begin| decode(bytes, begin))
}

fn decode(bytes: &[u8], begin: usize) -> Option<Frame<'_>> {
    let rest = bytes.get(begin..)?;
    let (head, rest) = rest.split_first_chunk::<HEAD_BYTES>()?;
    if head[..4] != MARK {
        return None;
    }
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let payload = rest.get(..word(4) as usize)?;
    let newest = u64::from(word(12)) | u64::from(word(16)) << 32;
    (word(20) == checksum(&head[..20], payload)).then(|| Frame {
        begin,
        end: begin + HEAD_BYTES + payload.len(),
        samples: word(8),
        newest: newest.cast_signed(),
        payload,
    })
}

fn checksum(head: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&head[4..20]);
    hasher.update(payload);
    hasher.finalize()
}
