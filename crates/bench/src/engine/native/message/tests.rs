use proptest::prelude::*;

use super::*;
use crate::request::{Answer, OperationKind, Request};

fn written(request: &Request) -> Vec<u8> {
    let mut out = Vec::new();
    write(request, &mut out);
    assert_eq!(out.len(), length(request));
    out
}

#[test]
fn a_put_is_its_key_and_value() {
    let mut request = Request::default();
    let (key, value) = request.begin_put();
    key.extend_from_slice(b"k");
    value.resize(300, 7);
    let out = written(&request);
    assert_eq!(out[..6], [0x0a, 1, b'k', 0x12, 0xac, 0x02]);
    assert_eq!(out[6..], [7; 300]);
    // What is empty is not written.
    request.value.clear();
    assert_eq!(written(&request), [0x0a, 1, b'k']);
}

#[test]
fn a_range_says_what_is_wanted() {
    let mut request = Request::default();
    let (key, end) = request.begin_span(OperationKind::Range);
    key.push(b'a');
    end.push(b'b');
    request.range.limit = 500;
    request.range.serializable = true;
    request.range.count_only = true;
    let wanted = [
        0x0a, 1, b'a', 0x12, 1, b'b', 0x18, 0xf4, 0x03, 0x38, 1, 0x48, 1,
    ];
    assert_eq!(written(&request), wanted);
}

#[test]
fn a_transaction_compares_puts_and_otherwise_looks() {
    let mut request = Request::default();
    for (key, value) in request.begin_txn(1) {
        key.push(b'k');
        value.push(b'v');
    }
    request.if_first_modified_at = Some(0);
    let wanted = [
        &[0x0a, 7, 0x10, 2, 0x1a, 1, b'k', 0x30, 0][..],
        &[0x12, 8, 0x12, 6, 0x0a, 1, b'k', 0x12, 1, b'v'],
        &[0x1a, 7, 0x0a, 5, 0x0a, 1, b'k', 0x40, 1],
    ];
    assert_eq!(written(&request), wanted.concat());
}

/// A header of this revision (below 128), as the first field of an answer.
fn header(revision: u8) -> Vec<u8> {
    vec![0x0a, 6, 0x08, 9, 0x18, revision, 0x20, 2]
}

#[test]
fn answers_say_what_is_counted() {
    let put = answer(OperationKind::Put, &header(7)).unwrap();
    assert_eq!((put.revision, put.changed), (7, true));

    let pair = [0x12, 5, 0x0a, 1, b'k', 0x18, 4];
    let range = [&header(7)[..], &pair, &pair, &[0x20, 9]].concat();
    let read = answer(OperationKind::Range, &range).unwrap();
    assert_eq!((read.keys, read.changed), (2, false));

    let deleted = [&header(7)[..], &[0x10, 3]].concat();
    let read = answer(OperationKind::Delete, &deleted).unwrap();
    assert_eq!((read.keys, read.changed), (3, true));
    assert!(!answer(OperationKind::Delete, &header(7)).unwrap().changed);

    let made = [&header(8)[..], &[0x10, 1, 0x1a, 2, 0x12, 0]].concat();
    let read = answer(OperationKind::Txn, &made).unwrap();
    assert_eq!((read.changed, read.first_modified_at), (true, None));
    let not_made = [&header(8)[..], &[0x1a, 9, 0x0a, 7], &pair].concat();
    let read = answer(OperationKind::Txn, &not_made).unwrap();
    assert_eq!((read.changed, read.first_modified_at), (false, Some(4)));
}

#[test]
fn what_is_no_answer_is_refused() {
    for wrong in [
        &[][..],
        &[0x10, 1],
        &[0x0a, 9, 1],
        &[0x0a, 1, 0x18],
        &[0x0f],
        &[0x80; 12],
    ] {
        assert!(answer(OperationKind::Put, wrong).is_err(), "{wrong:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for kind in [OperationKind::Put, OperationKind::Range, OperationKind::Delete, OperationKind::Txn] {
            let read: Result<Answer, _> = answer(kind, &bytes);
            prop_assert!(read.is_err() || bytes.len() >= 2);
        }
    }
}
