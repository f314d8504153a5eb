//! Frames: nine bytes of head, and what they carry.

use super::ProtocolError;

/// What a client says first.
pub(crate) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes of a frame's head.
pub(crate) const HEAD_BYTES: usize = 9;

/// The largest payload that may be sent to us: we never ask for more than the least that all must take.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 16_384;

/// The largest window there is.
pub(crate) const WINDOW_MAX: i64 = (1 << 31) - 1;

/// The window of a connection, and of its streams, before anyone says otherwise.
pub(crate) const WINDOW_DEFAULT: i64 = 65_535;

/// Kinds of frames.
pub(crate) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const PUSH_PROMISE: u8 = 5;
    pub(crate) const PING: u8 = 6;
    pub(crate) const GOAWAY: u8 = 7;
    pub(crate) const WINDOW_UPDATE: u8 = 8;
    pub(crate) const CONTINUATION: u8 = 9;
}

/// Flags of frames.
pub(crate) mod flag {
    pub(crate) const ACK: u8 = 0x1;
    pub(crate) const END_STREAM: u8 = 0x1;
    pub(crate) const END_HEADERS: u8 = 0x4;
    pub(crate) const PADDED: u8 = 0x8;
    pub(crate) const PRIORITY: u8 = 0x20;
}

/// Settings.
pub(crate) mod setting {
    pub(crate) const HEADER_TABLE_SIZE: u16 = 1;
    pub(crate) const ENABLE_PUSH: u16 = 2;
    pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 3;
    pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;
    pub(crate) const MAX_FRAME_SIZE: u16 = 5;
}

/// Codes of errors.
pub(crate) mod code {
    pub(crate) const REFUSED_STREAM: u32 = 7;
    pub(crate) const CANCEL: u32 = 8;
}

/// A frame's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) length: usize,
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
}

impl Head {
    /// The head at the start of these bytes; `None` where they are too few.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, kind, flags, s @ ..] = bytes.first_chunk::<HEAD_BYTES>()?;
        Some(Self {
            length: u32::from_be_bytes([0, *a, *b, *c]) as usize,
            kind: *kind,
            flags: *flags,
            // The highest bit means nothing.
            stream: u32::from_be_bytes(*s) & 0x7fff_ffff,
        })
    }

    pub(crate) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// Writes a head. A length beyond 2^24 - 1 cannot be written, and is never asked for: payloads are cut before.
pub(crate) fn put_head(out: &mut Vec<u8>, length: usize, kind: u8, flags: u8, stream: u32) {
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let mut head = [0; HEAD_BYTES];
    head[..3].copy_from_slice(&length[1..]);
    head[3] = kind;
    head[4] = flags;
    head[5..].copy_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(&head);
}

/// Writes a frame whose payload is one number.
pub(crate) fn put_number(out: &mut Vec<u8>, kind: u8, stream: u32, number: u32) {
    put_head(out, 4, kind, 0, stream);
    out.extend_from_slice(&number.to_be_bytes());
}

/// Writes settings.
pub(crate) fn put_settings(out: &mut Vec<u8>, settings: &[(u16, u32)]) {
    put_head(out, 6 * settings.len(), kind::SETTINGS, 0, 0);
    for (name, value) in settings {
        out.extend_from_slice(&name.to_be_bytes());
        out.extend_from_slice(&value.to_be_bytes());
    }
}

/// Settings in a payload.
pub(crate) fn settings(payload: &[u8]) -> Result<impl Iterator<Item = (u16, u32)>, ProtocolError> {
    let (pairs, rest) = payload.as_chunks::<6>();
    if !rest.is_empty() {
        return Err(ProtocolError(
            "SETTINGS of a length that is no multiple of 6",
        ));
    }
    Ok(pairs.iter().map(|[a, b, c, d, e, f]| {
        (
            u16::from_be_bytes([*a, *b]),
            u32::from_be_bytes([*c, *d, *e, *f]),
        )
    }))
}

/// The number that is the first four bytes of a payload.
pub(crate) fn number(payload: &[u8]) -> Option<u32> {
    payload
        .first_chunk()
        .map(|bytes| u32::from_be_bytes(*bytes))
}

/// The payload without its padding, and without the priority that HEADERS may have.
pub(crate) fn unpadded(head: Head, payload: &[u8]) -> Result<&[u8], ProtocolError> {
    let mut rest = payload;
    let mut padding = 0;
    if head.has(flag::PADDED) {
        let (first, after) = rest
            .split_first()
            .ok_or(ProtocolError("padding without its length"))?;
        (padding, rest) = (usize::from(*first), after);
    }
    if head.kind == kind::HEADERS && head.has(flag::PRIORITY) {
        rest = rest
            .get(5..)
            .ok_or(ProtocolError("HEADERS too short for their priority"))?;
    }
    let end = rest.len().checked_sub(padding);
    end.and_then(|end| rest.get(..end))
        .ok_or(ProtocolError("more padding than payload"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let mut out = Vec::new();
        put_head(
            &mut out,
            16_384,
            kind::HEADERS,
            flag::END_HEADERS,
            0x7fff_ffff,
        );
        let head = Head::read(&out).unwrap();
        assert_eq!(
            (head.length, head.kind, head.stream),
            (16_384, kind::HEADERS, 0x7fff_ffff)
        );
        assert!(head.has(flag::END_HEADERS) && !head.has(flag::END_STREAM));
        assert_eq!(Head::read(&out[..8]), None);
    }

    #[test]
    fn padding_and_priority_are_taken_off_and_lies_about_them_refused() {
        let head = |flags| Head {
            length: 0,
            kind: kind::HEADERS,
            flags,
            stream: 1,
        };
        let payload = [2, 9, 9, 9, 9, 9, b'x', 0, 0];
        assert_eq!(
            unpadded(head(flag::PADDED | flag::PRIORITY), &payload).unwrap(),
            b"x"
        );
        assert_eq!(unpadded(head(0), &payload).unwrap(), payload);
        assert!(unpadded(head(flag::PADDED), &[3, 0, 0]).is_err());
        assert!(unpadded(head(flag::PADDED), &[]).is_err());
        assert!(unpadded(head(flag::PRIORITY), &[0; 4]).is_err());
    }

    #[test]
    fn settings_come_in_sixes() {
        let mut out = Vec::new();
        put_settings(
            &mut out,
            &[
                (setting::ENABLE_PUSH, 0),
                (setting::MAX_FRAME_SIZE, 1 << 20),
            ],
        );
        let read: Vec<_> = settings(&out[HEAD_BYTES..]).unwrap().collect();
        assert_eq!(read, [(2, 0), (5, 1 << 20)]);
        assert!(settings(&out[HEAD_BYTES..out.len() - 1]).is_err());
    }
}
