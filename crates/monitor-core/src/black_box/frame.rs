//! Frames: blocks of records, compressed, each with checksums, so that a damaged one costs itself and no other.
//!
//! A frame is a head of 20 bytes (a mark; the stored and the raw length; the checksum of what is stored; the checksum of
//! the head so far; each four bytes, little-endian) and the block, compressed with LZ4.

use std::ops::Range;

use memchr::memmem;

/// Largest block before compression. A block is closed at 48 KiB, and one record on top of that may have 4 MiB.
pub(super) const RAW_BYTES_MAX: usize = 8 << 20;

const MARK: [u8; 4] = *b"EMbb";
const HEAD_BYTES: usize = 20;

/// A block as a frame.
///
/// The caller keeps blocks within [`RAW_BYTES_MAX`]; what is longer is not read back.
pub(super) fn encode(raw: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; HEAD_BYTES + lz4_flex::block::get_maximum_output_size(raw.len())];
    let stored = lz4_flex::block::compress_into(raw, &mut frame[HEAD_BYTES..])
        .expect("there is room for the largest output");
    frame.truncate(HEAD_BYTES + stored);
    // It may wait for the disk, and is a tenth of the room that it could have needed.
    frame.shrink_to_fit();
    let checksum = crc32fast::hash(&frame[HEAD_BYTES..]);
    frame[..4].copy_from_slice(&MARK);
    frame[4..8].copy_from_slice(&length(stored));
    frame[8..12].copy_from_slice(&length(raw.len()));
    frame[12..16].copy_from_slice(&checksum.to_le_bytes());
    let checksum = crc32fast::hash(&frame[..16]);
    frame[16..20].copy_from_slice(&checksum.to_le_bytes());
    frame
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

/// What reading frames came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    /// Frames that were damaged and left out.
    pub(super) damaged: u64,
    /// True when the last frame is not complete: its writer ended while it wrote.
    pub(super) torn: bool,
}

/// Hands every sound block of `bytes` to `take`, in order. Takes time in proportion to the bytes, whatever they are.
pub(super) fn decode(bytes: &[u8], mut take: impl FnMut(&[u8])) -> Read {
    let mut read = Read::default();
    let mut at = 0;
    while at < bytes.len() {
        let head = Head::at(bytes, at);
        if let Some(head) = head.as_ref().filter(|head| head.stored.end <= bytes.len()) {
            match head.block(bytes) {
                Some(block) => take(&block),
                None => read.damaged += 1,
            }
            at = head.stored.end;
        } else if let Some(next) = next_head(bytes, at + 1) {
            read.damaged += 1;
            at = next;
        } else {
            // A whole head that speaks of more than there is, or less than a head: a write that was cut off.
            read.torn = head.is_some() || bytes.len() - at < HEAD_BYTES;
            read.damaged += u64::from(!read.torn);
            break;
        }
    }
    read
}

/// How many of the bytes are whole frames, as far as their heads say.
pub(super) fn whole(bytes: &[u8]) -> usize {
    let mut end = 0;
    while let Some(head) = Head::at(bytes, end).filter(|head| head.stored.end <= bytes.len()) {
        end = head.stored.end;
    }
    end
}

struct Head {
    stored: Range<usize>,
    raw_bytes: usize,
    checksum: u32,
}

impl Head {
    fn at(bytes: &[u8], at: usize) -> Option<Self> {
        let head = bytes.get(at..at + HEAD_BYTES)?;
        let number = |from: usize| {
            u32::from_le_bytes([head[from], head[from + 1], head[from + 2], head[from + 3]])
        };
        let sound = head[..4] == MARK && crc32fast::hash(&head[..16]) == number(16);
        let begin = at + HEAD_BYTES;
        sound.then_some(Self {
            stored: begin..begin + number(4) as usize,
            raw_bytes: number(8) as usize,
            checksum: number(12),
        })
    }

    fn block(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let stored = &bytes[self.stored.clone()];
        if crc32fast::hash(stored) != self.checksum || self.raw_bytes > RAW_BYTES_MAX {
            return None;
        }
        let block = lz4_flex::block::decompress(stored, self.raw_bytes).ok()?;
        (block.len() == self.raw_bytes).then_some(block)
    }
}

fn next_head(bytes: &[u8], from: usize) -> Option<usize> {
    memmem::find_iter(bytes.get(from..)?, &MARK)
        .map(|found| from + found)
        .find(|at| Head::at(bytes, *at).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blocks(bytes: &[u8]) -> (Vec<Vec<u8>>, Read) {
        let mut blocks = Vec::new();
        let read = decode(bytes, |block| blocks.push(block.to_vec()));
        (blocks, read)
    }

    fn three() -> (Vec<Vec<u8>>, Vec<u8>) {
        let raw: Vec<Vec<u8>> = (1..=3_u8)
            .map(|seed| vec![seed; 100 * usize::from(seed)])
            .collect();
        let bytes = raw.iter().flat_map(|block| encode(block)).collect();
        (raw, bytes)
    }

    #[test]
    fn what_is_written_is_read() {
        let (raw, bytes) = three();
        assert_eq!(blocks(&bytes), (raw, Read::default()));
        assert_eq!(blocks(&[]), (Vec::new(), Read::default()));
    }

    #[test]
    fn a_file_cut_at_any_byte_gives_the_frames_before_the_cut() {
        let (raw, bytes) = three();
        let ends: Vec<usize> = (1..=3)
            .map(|count| raw[..count].iter().map(|block| encode(block).len()).sum())
            .collect();
        for cut in 0..bytes.len() {
            let (read, how) = blocks(&bytes[..cut]);
            let whole = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(read, raw[..whole], "cut at {cut}");
            assert_eq!(
                super::whole(&bytes[..cut]),
                ends[..whole].last().copied().unwrap_or(0)
            );
            let between = cut == 0 || ends.contains(&cut);
            assert_eq!((how.torn, how.damaged), (!between, 0), "cut at {cut}");
        }
    }

    #[test]
    fn a_flipped_byte_costs_its_frame_alone() {
        let (raw, bytes) = three();
        for position in 0..bytes.len() {
            for bit in [0x01, 0x80] {
                let mut flipped = bytes.clone();
                flipped[position] ^= bit;
                let (read, how) = blocks(&flipped);
                assert_eq!(read.len(), 2, "byte {position}");
                assert!(read.iter().all(|block| raw.contains(block)));
                assert_eq!(how.damaged + u64::from(how.torn), 1, "byte {position}");
            }
        }
    }

    #[test]
    fn a_head_that_promises_too_much_room_is_refused() {
        let mut frame = encode(b"small");
        frame[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        let checksum = crc32fast::hash(&frame[..16]);
        frame[16..20].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(blocks(&frame).1.damaged, 1);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0_usize..300) {
            let (_, mut framed) = three();
            let at = at.min(framed.len());
            framed.splice(at..at, bytes);
            blocks(&framed);
        }
    }
}
