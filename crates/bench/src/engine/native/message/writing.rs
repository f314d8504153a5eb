//! Requests as protobuf: first how long they are, then their bytes, without a buffer in between.

use crate::request::{OperationKind, Request};

/// Kinds of fields, as the low bits of a tag.
const VARINT: u8 = 0;
const BYTES: u8 = 2;

/// `Compare.CompareTarget.MOD`.
const TARGET_MOD: u64 = 2;

/// Bytes of a request's message.
pub(crate) fn length(request: &Request) -> usize {
    let mut counted = Counted(0);
    message(request, &mut counted);
    counted.0
}

/// Appends a request's message.
pub(crate) fn write(request: &Request, out: &mut Vec<u8>) {
    message(request, out);
}

/// Takes the bytes of a message, or only counts them.
trait Sink {
    fn byte(&mut self, byte: u8);
    fn bytes(&mut self, bytes: &[u8]);
}

struct Counted(usize);

impl Sink for Counted {
    fn byte(&mut self, _: u8) {
        self.0 += 1;
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

impl Sink for Vec<u8> {
    fn byte(&mut self, byte: u8) {
        self.push(byte);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

fn message(request: &Request, out: &mut impl Sink) {
    match request.kind {
        OperationKind::Put => pair(out, &request.key, &request.value),
        OperationKind::Range => range(out, request),
        OperationKind::Delete => pair(out, &request.key, &request.end),
        _ => txn(out, request),
    }
}

/// `PutRequest` of a key and a value, and `DeleteRangeRequest` of a key and an end: both are the fields 1 and 2.
fn pair(out: &mut (impl Sink + ?Sized), first: &[u8], second: &[u8]) {
    bytes_field(out, 1, first);
    bytes_field(out, 2, second);
}

fn range(out: &mut impl Sink, request: &Request) {
    pair(out, &request.key, &request.end);
    let shape = request.range;
    varint_field(out, 3, shape.limit.cast_unsigned());
    varint_field(out, 7, shape.serializable.into());
    varint_field(out, 8, shape.keys_only.into());
    varint_field(out, 9, shape.count_only.into());
}

fn txn(out: &mut impl Sink, request: &Request) {
    let first = request.txn_puts().first();
    let condition = request.if_first_modified_at.zip(first);
    if let Some((revision, (key, _))) = condition {
        nested(out, 1, |out| compare(out, key, revision));
    }
    for (key, value) in request.txn_puts() {
        // `RequestOp.request_put`.
        nested(out, 2, |out| nested(out, 2, |out| pair(out, key, value)));
    }
    if let Some((_, (key, _))) = condition {
        // `RequestOp.request_range`, of the key alone.
        nested(out, 3, |out| {
            nested(out, 1, |out| {
                bytes_field(out, 1, key);
                varint_field(out, 8, 1);
            });
        });
    }
}

/// `Compare`: that a key was last changed at a revision. The result `EQUAL` is 0 and so not written.
fn compare(out: &mut (impl Sink + ?Sized), key: &[u8], revision: i64) {
    varint_field(out, 2, TARGET_MOD);
    bytes_field(out, 3, key);
    // One of several: written also where it is 0.
    tag(out, 6, VARINT);
    varint(out, revision.cast_unsigned());
}

/// A message in a message: its length comes first, so that it is made twice.
fn nested(out: &mut (impl Sink + ?Sized), field: u8, inner: impl Fn(&mut dyn Sink)) {
    let mut counted = Counted(0);
    inner(&mut counted);
    tag(out, field, BYTES);
    varint(out, counted.0 as u64);
    // Through a sink of its own, since this one may have no size.
    inner(&mut Through(out));
}

struct Through<'a, S: ?Sized>(&'a mut S);

impl<S: Sink + ?Sized> Sink for Through<'_, S> {
    fn byte(&mut self, byte: u8) {
        self.0.byte(byte);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.bytes(bytes);
    }
}

/// What is empty is not written, as by every writer of protobuf's third syntax.
fn bytes_field(out: &mut (impl Sink + ?Sized), field: u8, bytes: &[u8]) {
    if !bytes.is_empty() {
        tag(out, field, BYTES);
        varint(out, bytes.len() as u64);
        out.bytes(bytes);
    }
}

fn varint_field(out: &mut (impl Sink + ?Sized), field: u8, value: u64) {
    if value != 0 {
        tag(out, field, VARINT);
        varint(out, value);
    }
}

fn tag(out: &mut (impl Sink + ?Sized), field: u8, kind: u8) {
    out.byte(field << 3 | kind);
}

fn varint(out: &mut (impl Sink + ?Sized), value: u64) {
    let mut rest = value;
    while rest >= 0x80 {
        out.byte(u8::try_from(rest & 0x7f).unwrap_or(0) | 0x80);
        rest >>= 7;
    }
    out.byte(u8::try_from(rest).unwrap_or(0));
}
