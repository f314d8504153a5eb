//! Reading and writing of small binary records. What is read is not trusted.

/// Bytes that are not what was written: damaged, or of another format. Carries nothing, since nothing in them is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a block of the history is damaged")]
pub(crate) struct BadBlock;

/// Reads a record from its beginning.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], BadBlock> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(BadBlock)?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, BadBlock> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn word(&mut self) -> Result<u64, BadBlock> {
        let bytes = self.take(8)?.try_into().map_err(|_| BadBlock)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// An unsigned LEB128 number.
    pub(crate) fn varint(&mut self) -> Result<u64, BadBlock> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(BadBlock)
    }

    /// A count of things of which each takes at least `bytes_each` of what is left: no more room than that is made.
    pub(crate) fn count(&mut self, bytes_each: usize) -> Result<usize, BadBlock> {
        let count = usize::try_from(self.varint()?).map_err(|_| BadBlock)?;
        let needed = count.checked_mul(bytes_each).ok_or(BadBlock)?;
        if needed > self.0.len() {
            return Err(BadBlock);
        }
        Ok(count)
    }
}

/// Appends an unsigned LEB128 number.
pub(crate) fn put_varint(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    into.push(value.to_le_bytes()[0]);
}

/// Maps small negative numbers to small unsigned ones.
pub(crate) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// The inverse of [`zigzag`].
pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(value: i64) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, zigzag(value));
            let mut reader = Reader(&bytes);
            prop_assert_eq!(unzigzag(reader.varint().unwrap()), value);
            prop_assert!(reader.0.is_empty());
        }
    }

    #[test]
    fn what_ends_too_soon_or_never_is_bad() {
        assert_eq!(Reader(&[0x80]).varint(), Err(BadBlock));
        assert_eq!(Reader(&[0xff; 11]).varint(), Err(BadBlock));
        assert_eq!(Reader(&[3, 0, 0]).count(1), Err(BadBlock));
    }
}
