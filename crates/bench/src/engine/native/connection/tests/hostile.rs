//! Whatever comes in, it ends in an answer, a named failure, or the end of the connection.

use proptest::prelude::*;

use super::*;

fn refused(connection: &mut Connection, bytes: &[u8]) -> String {
    let mut heard = Heard::default();
    connection
        .receive(bytes, &mut heard)
        .unwrap_err()
        .to_string()
}

#[test]
fn what_breaks_the_protocol_ends_the_connection() {
    let frame = |kind, flags, stream, payload: &[u8]| {
        Server::default().frame(kind, flags, stream, payload).take()
    };
    let wrong = [
        frame(kind::DATA, 0, 2, &[]),
        frame(kind::DATA, 0, 99, &[]),
        frame(kind::DATA, 0, 0, &[]),
        frame(kind::DATA, flag::PADDED, 1, &[9]),
        frame(
            kind::HEADERS,
            flag::END_HEADERS,
            1,
            &[0xff, 0xff, 0xff, 0xff, 0x7f],
        ),
        frame(kind::HEADERS, flag::END_HEADERS, 1, &[0xbe]),
        frame(kind::RST_STREAM, 0, 1, &[0]),
        frame(kind::SETTINGS, flag::ACK, 0, &[0; 6]),
        frame(kind::SETTINGS, 0, 1, &[]),
        frame(kind::SETTINGS, 0, 0, &[0; 5]),
        frame(kind::SETTINGS, 0, 0, &[0, 4, 0x80, 0, 0, 0]),
        frame(kind::SETTINGS, 0, 0, &[0, 5, 0, 0, 0, 1]),
        frame(kind::PUSH_PROMISE, 0, 1, &[0; 4]),
        frame(kind::PING, 0, 0, &[0; 7]),
        frame(kind::GOAWAY, 0, 0, &[0; 3]),
        frame(kind::WINDOW_UPDATE, 0, 0, &[0; 4]),
        frame(kind::WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]),
        frame(kind::WINDOW_UPDATE, 0, 1, &[0x7f, 0xff, 0xff, 0xff]),
        frame(kind::CONTINUATION, flag::END_HEADERS, 1, &[]),
        [
            frame(kind::HEADERS, 0, 1, &[0x88]),
            frame(kind::PING, 0, 0, &[0; 8]),
        ]
        .concat(),
        [
            frame(kind::HEADERS, 0, 1, &[0x88]),
            frame(kind::CONTINUATION, 0, 3, &[0x88]),
        ]
        .concat(),
        [
            frame(kind::HEADERS, 0, 1, &[0x88]),
            frame(kind::CONTINUATION, 0, 1, &[]),
        ]
        .concat(),
        vec![0xff; 9],
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
    ];
    for bytes in wrong {
        let mut connection = calling(2);
        let reason = refused(&mut connection, &bytes);
        assert!(
            reason.starts_with("the other side broke HTTP/2"),
            "{reason} {bytes:?}"
        );
    }
    let mut connection = connection(1);
    refused(&mut connection, &frame(kind::PING, 0, 0, &[0; 8]));
}

#[test]
fn floods_are_bounded() {
    let mut continued = Server::default();
    continued.frame(kind::HEADERS, 0, 1, &[]);
    for _ in 0..100 {
        continued.frame(kind::CONTINUATION, 0, 1, &[0x88; 1_000]);
    }
    refused(&mut calling(1), &continued.take());

    let mut asking = calling(1);
    let pings = Server::default()
        .frame(kind::PING, 0, 0, &[1; 8])
        .take()
        .repeat(1_000);
    let mut turns = 0;
    let mut heard = Heard::default();
    while asking.receive(&pings, &mut heard).is_ok() {
        turns += 1;
        assert!(turns < 1_000, "who does not read is not answered for ever");
    }
    assert!(asking.out().len() < OUT_BYTES_FLOOD + (1 << 20));
}

/// An exchange as etcd has it.
fn exchange() -> Vec<u8> {
    let mut server = Server::default();
    server
        .answer(1, &[0x0a, 2, 0x18, 7])
        .begin(3)
        .data(3, &[2; 300]);
    server.settings(&[(setting::INITIAL_WINDOW_SIZE, 70_000)]);
    server
        .frame(kind::PING, 0, 0, &[3; 8])
        .number(kind::WINDOW_UPDATE, 0, 1_000);
    server
        .end(3, "14", "etcdserver: leader changed")
        .end(5, "0", "")
        .number(kind::RST_STREAM, 7, 8);
    server.frame(kind::GOAWAY, 0, 0, &[0; 8]);
    server.take()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Bytes that were changed, left out, doubled: every call ends once at most, and nothing panics.
    #[test]
    fn mutated_exchanges_do_no_harm(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), 0..4_u8), 1..8),
        parts in 1_usize..40,
    ) {
        let mut bytes = exchange();
        for (at, value, how) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => { bytes.remove(at); }
                1 => bytes.insert(at, value),
                2 => bytes[at] ^= 1 << (value % 8),
                _ => bytes[at] = value,
            }
        }
        let mut connection = calling(5);
        let mut heard = Heard::default();
        for part in bytes.chunks(parts) {
            if connection.receive(part, &mut heard).is_err() {
                break;
            }
        }
        let mut clients: Vec<u32> = heard.0.iter().map(|(client, _)| *client).collect();
        clients.sort_unstable();
        clients.dedup();
        prop_assert_eq!(clients.len(), heard.0.len());
        prop_assert_eq!(connection.open() as usize, 5 - clients.len());
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        let mut connection = calling(3);
        let mut heard = Heard::default();
        let _ = connection.receive(&bytes, &mut heard);
        prop_assert!(connection.out().len() < OUT_BYTES_FLOOD);
    }
}
