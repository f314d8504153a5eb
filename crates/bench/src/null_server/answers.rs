//! The bytes of answers.

use crate::http2::frame::{self, flag, kind};
use crate::http2::hpack::{index, put_integer, put_string};

/// Calls whose answers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Put,
    /// `DeleteRange` and `Txn`: their second field says that something was changed.
    Change,
    Status,
    Other,
}

impl Call {
    pub(super) fn of_path(path: &[u8]) -> Self {
        match path {
            b"/etcdserverpb.KV/Put" => Self::Put,
            b"/etcdserverpb.KV/DeleteRange" | b"/etcdserverpb.KV/Txn" => Self::Change,
            b"/etcdserverpb.Maintenance/Status" => Self::Status,
            _ => Self::Other,
        }
    }

    pub(super) fn is_change(self) -> bool {
        matches!(self, Self::Put | Self::Change)
    }
}

/// Ids as etcd has them: 64 bits.
const CLUSTER_ID: u64 = 0xcdf8_181e_3277_a5b2;
const MEMBER_ID: u64 = 0x8e9e_05c5_2164_694d;

/// The parts of an answer that never change, written out once.
#[derive(Debug)]
pub(super) struct Answers {
    begin: Vec<u8>,
    end: Vec<u8>,
    /// The beginning of a response header, up to the revision.
    ids: Vec<u8>,
    status: Vec<u8>,
}

impl Answers {
    pub(super) fn new() -> Self {
        let mut begin = vec![index::STATUS_200];
        put_integer(&mut begin, 0, 4, index::CONTENT_TYPE);
        put_string(&mut begin, b"application/grpc");
        let mut end = Vec::new();
        for (name, value) in [("grpc-status", "0"), ("grpc-message", "")] {
            end.push(0);
            put_string(&mut end, name.as_bytes());
            put_string(&mut end, value.as_bytes());
        }
        let mut ids = vec![0x08];
        put_varint(&mut ids, CLUSTER_ID);
        ids.push(0x10);
        put_varint(&mut ids, MEMBER_ID);
        let mut status = vec![0x12, 4];
        status.extend_from_slice(b"null");
        // The leader is itself, the raft index 1, the term 2.
        status.push(0x20);
        put_varint(&mut status, MEMBER_ID);
        status.extend_from_slice(&[0x28, 1, 0x30, 2]);
        Self {
            begin,
            end,
            ids,
            status,
        }
    }

    /// Appends a whole answer; returns the bytes of its data.
    pub(super) fn write(&self, out: &mut Vec<u8>, stream: u32, call: Call, revision: u64) -> usize {
        frame::put_head(
            out,
            self.begin.len(),
            kind::HEADERS,
            flag::END_HEADERS,
            stream,
        );
        out.extend_from_slice(&self.begin);
        let more: &[u8] = match call {
            Call::Change => &[0x10, 1],
            Call::Status => &self.status,
            Call::Put | Call::Other => &[],
        };
        let mut number = [0; 10];
        let number = varint(&mut number, revision);
        let header = self.ids.len() + 1 + number.len() + 2;
        let message = 2 + header + more.len();
        let data = 5 + message;
        frame::put_head(out, data, kind::DATA, 0, stream);
        // All is far below 128 bytes, so that each length is one byte.
        let short = |length: usize| u8::try_from(length).unwrap_or(u8::MAX);
        out.extend_from_slice(&[0, 0, 0, 0, short(message), 0x0a, short(header)]);
        out.extend_from_slice(&self.ids);
        out.push(0x18);
        out.extend_from_slice(number);
        out.extend_from_slice(&[0x20, 2]);
        out.extend_from_slice(more);
        let flags = flag::END_HEADERS | flag::END_STREAM;
        frame::put_head(out, self.end.len(), kind::HEADERS, flags, stream);
        out.extend_from_slice(&self.end);
        data
    }
}

fn put_varint(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(varint(&mut [0; 10], value));
}

fn varint(buffer: &mut [u8; 10], value: u64) -> &[u8] {
    let mut rest = value;
    let mut length = 0;
    for byte in buffer.iter_mut() {
        let low = u8::try_from(rest & 0x7f).unwrap_or(0);
        rest >>= 7;
        length += 1;
        *byte = if rest == 0 { low } else { low | 0x80 };
        if rest == 0 {
            break;
        }
    }
    buffer.get(..length).unwrap_or_default()
}
