//! Header compression (RFC 7541): reading what the other side wrote, and the pieces of writing.

mod huffman;
mod static_table;

use std::collections::VecDeque;

use super::ProtocolError;

/// Bytes that the headers of one block may have when laid open: gRPC's are some hundred.
const HEADERS_BYTES_MAX: usize = 64 << 10;

/// What an entry of the table costs beside its name and value (RFC 7541, 4.1).
const ENTRY_BYTES: usize = 32;

/// Entries of the static table.
const STATIC_ENTRIES: usize = static_table::ENTRIES.len();

/// A name and a value.
type Entry = (Box<[u8]>, Box<[u8]>);

/// Reads blocks of headers.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// Newest first.
    entries: VecDeque<Entry>,
    size: usize,
    /// What the other side may use now.
    size_max: usize,
    /// What we allow at most.
    limit: usize,
}

const BROKEN_OFF: ProtocolError = ProtocolError("a block of headers that breaks off");

impl Decoder {
    /// For another side that was told `SETTINGS_HEADER_TABLE_SIZE` = `limit`.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            size: 0,
            size_max: limit,
            limit,
        }
    }

    /// Shows each header of a block, in order.
    pub(crate) fn decode(
        &mut self,
        block: &[u8],
        mut header: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), ProtocolError> {
        let mut rest = block;
        let (mut name, mut value) = (Vec::new(), Vec::new());
        let mut total = 0;
        let mut is_first = true;
        while let Some(&first) = rest.first() {
            if first & 0xe0 == 0x20 {
                if !is_first {
                    return Err(ProtocolError("a table size in the middle of headers"));
                }
                self.resize(integer(&mut rest, 5)?)?;
                continue;
            }
            is_first = false;
            self.next(first, &mut rest, &mut name, &mut value)?;
            total += name.len() + value.len() + ENTRY_BYTES;
            if total > HEADERS_BYTES_MAX {
                return Err(ProtocolError("headers of more than 64 KiB"));
            }
            header(&name, &value);
        }
        Ok(())
    }

    fn next(
        &mut self,
        first: u8,
        rest: &mut &[u8],
        name: &mut Vec<u8>,
        value: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        if first & 0x80 != 0 {
            let index = integer(rest, 7)?;
            return self.entry(index, name, Some(value));
        }
        let is_kept = first & 0x40 != 0;
        let index = integer(rest, if is_kept { 6 } else { 4 })?;
        if index == 0 {
            string(rest, name)?;
        } else {
            self.entry(index, name, None)?;
        }
        string(rest, value)?;
        if is_kept {
            self.keep(name, value);
        }
        Ok(())
    }

    /// The entry of an index, from 1 on.
    fn entry(
        &self,
        index: usize,
        name: &mut Vec<u8>,
        value: Option<&mut Vec<u8>>,
    ) -> Result<(), ProtocolError> {
        const NONE: ProtocolError = ProtocolError("an index of a header that is not there");
        let place = index.checked_sub(1).ok_or(NONE)?;
        let (known_name, known_value): (&[u8], &[u8]) = match static_table::ENTRIES.get(place) {
            Some((name, value)) => (name.as_bytes(), value.as_bytes()),
            None => match self.entries.get(place - STATIC_ENTRIES) {
                Some((name, value)) => (name, value),
                None => return Err(NONE),
            },
        };
        name.clear();
        name.extend_from_slice(known_name);
        if let Some(value) = value {
            value.clear();
            value.extend_from_slice(known_value);
        }
        Ok(())
    }

    fn keep(&mut self, name: &[u8], value: &[u8]) {
        let bytes = name.len() + value.len() + ENTRY_BYTES;
        self.shrink(self.size_max.saturating_sub(bytes));
        // One that is larger than the table empties it, and is not kept.
        if bytes <= self.size_max {
            self.entries.push_front((name.into(), value.into()));
            self.size += bytes;
        }
    }

    fn resize(&mut self, size: usize) -> Result<(), ProtocolError> {
        if size > self.limit {
            return Err(ProtocolError("a table of headers beyond the limit"));
        }
        self.size_max = size;
        self.shrink(size);
        Ok(())
    }

    fn shrink(&mut self, size: usize) {
        while self.size > size {
            let Some((name, value)) = self.entries.pop_back() else {
                return;
            };
            self.size -= name.len() + value.len() + ENTRY_BYTES;
        }
    }
}

/// An integer whose first byte has `bits` bits of it (RFC 7541, 5.1).
fn integer(rest: &mut &[u8], bits: u8) -> Result<usize, ProtocolError> {
    let (&first, mut after) = rest.split_first().ok_or(BROKEN_OFF)?;
    let mask = (1_u16 << bits) - 1;
    let mut value = u64::from(u16::from(first) & mask);
    if value == u64::from(mask) {
        // Four bytes more reach 2^28, beyond everything that is allowed anywhere.
        let mut shift = 0;
        loop {
            let (&byte, next) = after.split_first().ok_or(BROKEN_OFF)?;
            after = next;
            value += u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
            if shift > 21 {
                return Err(ProtocolError("an integer of headers without an end"));
            }
        }
    }
    *rest = after;
    usize::try_from(value).map_err(|_| BROKEN_OFF)
}

fn string(rest: &mut &[u8], text: &mut Vec<u8>) -> Result<(), ProtocolError> {
    let is_huffman = rest.first().ok_or(BROKEN_OFF)? & 0x80 != 0;
    let length = integer(rest, 7)?;
    let (bytes, after) = rest.split_at_checked(length).ok_or(BROKEN_OFF)?;
    *rest = after;
    text.clear();
    if is_huffman {
        huffman::decode(bytes, text)
    } else {
        text.extend_from_slice(bytes);
        Ok(())
    }
}

/// Writes an integer; the bits of `first` above `bits` are kept.
pub(crate) fn put_integer(out: &mut Vec<u8>, first: u8, bits: u8, value: usize) {
    let mask = (1_usize << bits) - 1;
    let low = |value: usize| u8::try_from(value & 0xff).unwrap_or(u8::MAX);
    if value < mask {
        out.push(first | low(value));
        return;
    }
    out.push(first | low(mask));
    let mut rest = value - mask;
    while rest >= 0x80 {
        out.push(low(rest & 0x7f) | 0x80);
        rest >>= 7;
    }
    out.push(low(rest));
}

/// Writes a string as it is.
pub(crate) fn put_string(out: &mut Vec<u8>, text: &[u8]) {
    put_integer(out, 0, 7, text.len());
    out.extend_from_slice(text);
}

/// The indexes of static entries that requests and answers are written with.
pub(crate) mod index {
    pub(crate) const AUTHORITY: usize = 1;
    pub(crate) const METHOD_POST: u8 = 0x83;
    pub(crate) const PATH: usize = 4;
    pub(crate) const SCHEME_HTTP: u8 = 0x86;
    pub(crate) const SCHEME_HTTPS: u8 = 0x87;
    pub(crate) const STATUS_200: u8 = 0x88;
    pub(crate) const CONTENT_TYPE: usize = 31;
    pub(crate) const USER_AGENT: usize = 58;
}

#[cfg(test)]
mod tests;
