//! Answers: only as deep as the measurement needs them.

use crate::request::{Answer, OperationKind};

/// Why an answer cannot be read.
type Unreadable = &'static str;

const BROKEN_OFF: Unreadable = "the answer breaks off in the middle of a field";

/// What an answer says to a request of this kind.
pub(crate) fn answer(kind: OperationKind, message: &[u8]) -> Result<Answer, Unreadable> {
    let mut read = Answer::default();
    let mut has_header = false;
    let (mut deleted, mut succeeded, mut found) = (0, false, None);
    for field in Fields(message) {
        match (field?, kind) {
            (Field::Bytes(1, header), _) => {
                has_header = true;
                read.revision = number(header, 3)?.cast_signed();
            }
            (Field::Bytes(2, _), OperationKind::Range) => read.keys += 1,
            (Field::Varint(2, value), OperationKind::Delete) => deleted = value,
            (Field::Varint(2, value), OperationKind::Txn) => succeeded = value != 0,
            (Field::Bytes(3, part), OperationKind::Txn) => {
                found = first_modified_at(part)?.or(found);
            }
            _ => {}
        }
    }
    if !has_header {
        return Err("the answer has no header");
    }
    match kind {
        OperationKind::Put => read.changed = true,
        OperationKind::Delete => (read.keys, read.changed) = (deleted, deleted > 0),
        OperationKind::Txn => {
            read.changed = succeeded;
            read.first_modified_at = found.filter(|_| !succeeded);
        }
        _ => {}
    }
    Ok(read)
}

/// Of a `ResponseOp` that is a range: the revision at which its first key was changed, 0 where there is none.
fn first_modified_at(part: &[u8]) -> Result<Option<i64>, Unreadable> {
    let Some(range) = bytes(part, 1)? else {
        return Ok(None);
    };
    let pair = bytes(range, 2)?;
    let revision = pair.map_or(Ok(0), |pair| number(pair, 3))?;
    Ok(Some(revision.cast_signed()))
}

/// The first field of this number that is bytes.
fn bytes(message: &[u8], wanted: u64) -> Result<Option<&[u8]>, Unreadable> {
    for field in Fields(message) {
        if let Field::Bytes(number, bytes) = field?
            && number == wanted
        {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

/// The field of this number that is a varint; 0 where it is not there, as for every reader of protobuf.
fn number(message: &[u8], wanted: u64) -> Result<u64, Unreadable> {
    let mut found = 0;
    for field in Fields(message) {
        if let Field::Varint(number, value) = field?
            && number == wanted
        {
            found = value;
        }
    }
    Ok(found)
}

/// One field of a message; those of fixed length are none that are looked at.
enum Field<'a> {
    Varint(u64, u64),
    Bytes(u64, &'a [u8]),
    Fixed,
}

struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Result<Field<'a>, Unreadable> {
        let tag = self.varint()?;
        let number = tag >> 3;
        match tag & 7 {
            0 => Ok(Field::Varint(number, self.varint()?)),
            1 => self.take(8).map(|_| Field::Fixed),
            2 => {
                let length = self.varint()?;
                let length = usize::try_from(length).map_err(|_| BROKEN_OFF)?;
                Ok(Field::Bytes(number, self.take(length)?))
            }
            5 => self.take(4).map(|_| Field::Fixed),
            _ => Err("the answer has a field of no kind"),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Unreadable> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(BROKEN_OFF)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn varint(&mut self) -> Result<u64, Unreadable> {
        // Nearly all are one byte long.
        if let Some((&byte, rest)) = self.0.split_first()
            && byte < 0x80
        {
            self.0 = rest;
            return Ok(byte.into());
        }
        let read = match self.0.first_chunk() {
            Some(bytes) => whole_varint(bytes),
            None => varint(self.0),
        };
        let (value, length) = read.ok_or(BROKEN_OFF)?;
        self.0 = self.0.get(length..).unwrap_or_default();
        Ok(value)
    }
}

/// Bytes of the longest varint.
const VARINT_BYTES_MAX: usize = 10;

/// A varint and its length; `None` where it does not end.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (place, &byte) in (0..).zip(bytes.iter().take(VARINT_BYTES_MAX)) {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((value, place + 1));
        }
    }
    None
}

/// The same without a loop, where that many bytes are there: each answer begins with two ids of nine or ten bytes.
fn whole_varint(bytes: &[u8; VARINT_BYTES_MAX]) -> Option<(u64, usize)> {
    let [low @ .., ninth, tenth] = *bytes;
    let word = u64::from_le_bytes(low);
    let ends = !word & 0x8080_8080_8080_8080;
    if ends != 0 {
        // The lowest byte without the high bit is the last; the mask ends with it.
        let length = ends.trailing_zeros() as usize / 8 + 1;
        return Some((sevens(word & (ends ^ (ends - 1))), length));
    }
    let value = sevens(word) | u64::from(ninth & 0x7f) << 56;
    match (ninth, tenth) {
        (..0x80, _) => Some((value, 9)),
        (_, ..0x80) => Some((value | u64::from(tenth) << 63, 10)),
        _ => None,
    }
}

/// The low seven bits of each byte, one after the other.
fn sevens(word: u64) -> u64 {
    let word = (word & 0x007f_007f_007f_007f) | ((word & 0x7f00_7f00_7f00_7f00) >> 1);
    let word = (word & 0x0000_3fff_0000_3fff) | ((word & 0x3fff_0000_3fff_0000) >> 2);
    (word & 0x0fff_ffff) | ((word & 0x0fff_ffff_0000_0000) >> 4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn varints_read_at_once_are_those_read_byte_by_byte(
            bytes: [u8; VARINT_BYTES_MAX],
            high in 0..=VARINT_BYTES_MAX,
        ) {
            let mut bytes = bytes;
            // Most random bytes end early.
            for byte in &mut bytes[..high] {
                *byte |= 0x80;
            }
            prop_assert_eq!(whole_varint(&bytes), varint(&bytes));
        }
    }
}
