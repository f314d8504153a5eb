mod flow;
mod hostile;

use super::*;
use crate::http2::hpack::{put_integer, put_string};

/// What a test heard: client and end, in words.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard(Vec<(u32, String)>);

impl Ends for Heard {
    fn ended(&mut self, client: u32, end: End<'_>) {
        let text = match end {
            End::Answered(message) => format!("answered {}", message.len()),
            End::Status(code, text) => format!("status {code} {text}"),
            End::NotProcessed => "not processed".to_owned(),
            End::Reset(code) => format!("reset {code}"),
            End::NotGrpc(reason) => reason.to_owned(),
            End::HttpStatus(status) => format!("HTTP {status}"),
        };
        self.0.push((client, text));
    }
}

pub(super) fn connection(clients: u32) -> Connection {
    Connection::new(RequestHeaders::new(false, "127.0.0.1:2379", None), clients)
}

pub(super) fn put(value_bytes: usize) -> Request {
    let mut request = Request::default();
    let (key, value) = request.begin_put();
    key.extend_from_slice(b"key");
    value.resize(value_bytes, b'v');
    request
}

/// The other side, as far as a test plays it.
#[derive(Debug, Default)]
pub(super) struct Server(pub(super) Vec<u8>);

impl Server {
    pub(super) fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> &mut Self {
        frame::put_head(&mut self.0, payload.len(), kind, flags, stream);
        self.0.extend_from_slice(payload);
        self
    }

    pub(super) fn settings(&mut self, settings: &[(u16, u32)]) -> &mut Self {
        frame::put_settings(&mut self.0, settings);
        self
    }

    pub(super) fn number(&mut self, kind: u8, stream: u32, number: u32) -> &mut Self {
        frame::put_number(&mut self.0, kind, stream, number);
        self
    }

    pub(super) fn begin(&mut self, stream: u32) -> &mut Self {
        let mut block = vec![0x20, 0x88];
        put_integer(&mut block, 0, 4, 31);
        put_string(&mut block, b"application/grpc");
        self.frame(kind::HEADERS, flag::END_HEADERS, stream, &block)
    }

    pub(super) fn data(&mut self, stream: u32, message: &[u8]) -> &mut Self {
        let mut data = vec![0];
        data.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
        data.extend_from_slice(message);
        for part in data.chunks(PAYLOAD_BYTES_MAX) {
            self.frame(kind::DATA, 0, stream, part);
        }
        self
    }

    pub(super) fn end(&mut self, stream: u32, status: &str, message: &str) -> &mut Self {
        let mut block = Vec::new();
        for (name, value) in [("grpc-status", status), ("grpc-message", message)] {
            block.push(0);
            put_string(&mut block, name.as_bytes());
            put_string(&mut block, value.as_bytes());
        }
        self.frame(
            kind::HEADERS,
            flag::END_HEADERS | flag::END_STREAM,
            stream,
            &block,
        )
    }

    pub(super) fn answer(&mut self, stream: u32, message: &[u8]) -> &mut Self {
        self.begin(stream)
            .data(stream, message)
            .end(stream, "0", "")
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

/// Frames that were written, as kind, flags, stream and payload.
pub(super) fn written(connection: &mut Connection) -> Vec<(u8, u8, u32, Vec<u8>)> {
    let out = connection.out().to_vec();
    connection.written(out.len());
    let mut rest = out.strip_prefix(&frame::PREFACE[..]).unwrap_or(&out);
    let mut frames = Vec::new();
    while let Some(head) = frame::Head::read(rest) {
        let payload = rest[HEAD_BYTES..HEAD_BYTES + head.length].to_vec();
        rest = &rest[HEAD_BYTES + head.length..];
        frames.push((head.kind, head.flags, head.stream, payload));
    }
    assert!(rest.is_empty());
    frames
}

pub(super) fn received(connection: &mut Connection, bytes: &[u8]) -> Vec<(u32, String)> {
    let mut heard = Heard::default();
    connection.receive(bytes, &mut heard).unwrap();
    heard.0
}

fn heard(of: &[(u32, &str)]) -> Vec<(u32, String)> {
    of.iter()
        .map(|(client, end)| (*client, (*end).to_owned()))
        .collect()
}

/// A connection on which calls of the clients 0, 1, … are under way, on the streams 1, 3, …
pub(super) fn calling(calls: u32) -> Connection {
    let mut connection = connection(calls);
    received(
        &mut connection,
        Server::default().settings(&[]).0.as_slice(),
    );
    for client in 0..calls {
        assert_eq!(
            connection.call(client, Rpc::Put, &put(256)),
            Some(2 * client + 1)
        );
    }
    written(&mut connection);
    connection
}

#[test]
fn a_call_is_the_bytes_that_a_server_expects() {
    let mut connection = connection(2);
    let begin = written(&mut connection);
    assert_eq!(
        (begin[0].0, begin[1].0),
        (kind::SETTINGS, kind::WINDOW_UPDATE)
    );
    received(&mut connection, &Server::default().settings(&[]).take());
    connection.call(0, Rpc::Put, &put(256));
    connection.call(1, Rpc::Put, &put(256));
    let frames = written(&mut connection);
    let shapes: Vec<_> = frames
        .iter()
        .map(|(kind, flags, stream, payload)| (*kind, *flags, *stream, payload.len()))
        .collect();
    // Five bytes, then the message: 2 + 3 for the key, 3 + 256 for the value.
    let data = 5 + 5 + 259;
    assert_eq!(shapes[0], (kind::SETTINGS, flag::ACK, 0, 0));
    assert_eq!((shapes[1].0, shapes[1].2), (kind::HEADERS, 1));
    assert_eq!(shapes[2], (kind::DATA, flag::END_STREAM, 1, data));
    // Seven headers, a byte each.
    assert_eq!(shapes[3], (kind::HEADERS, flag::END_HEADERS, 3, 7));
    assert_eq!(shapes[4], (kind::DATA, flag::END_STREAM, 3, data));
    assert_eq!(frames[2].3[..5], [0, 0, 0, 1, 8]);
}

#[test]
fn answers_in_any_order_reach_who_asked_wherever_their_bytes_are_split() {
    let mut server = Server::default();
    server.begin(3).begin(1).data(1, &[1; 20]).end(1, "0", "");
    server
        .data(3, &[3; 30])
        .frame(kind::PING, 0, 0, &[9; 8])
        .end(3, "0", "");
    // Trailers only, padded headers, an unknown frame, a continuation.
    server
        .begin(5)
        .data(5, &vec![5; 40_000])
        .frame(0xee, 0xff, 7, b"whatever");
    server
        .end(5, "5", "not%20there")
        .end(7, "8", "etcdserver: mvcc: database space exceeded");
    let block = vec![0x88, 0x0f, 16, 16];
    server.frame(kind::HEADERS, 0, 9, &block);
    server.frame(
        kind::CONTINUATION,
        flag::END_HEADERS,
        9,
        b"application/grpc",
    );
    server
        .frame(kind::DATA, flag::PADDED, 9, &[2, 0, 0, 0, 0, 0, 0, 0])
        .end(9, "0", "");
    let bytes = server.take();
    let wanted = heard(&[
        (0, "answered 20"),
        (1, "answered 30"),
        (2, "status 5 not there"),
        (3, "status 8 etcdserver: mvcc: database space exceeded"),
        (4, "answered 0"),
    ]);
    let mut whole = calling(5);
    let mut found = received(&mut whole, &bytes);
    found.sort();
    assert_eq!(found, wanted);
    assert_eq!(whole.open(), 0);
    assert!(written(&mut whole).contains(&(kind::PING, flag::ACK, 0, vec![9; 8])));
    for at in (0..300).chain((bytes.len() - 300)..bytes.len()) {
        let mut split = calling(5);
        let (one, other) = bytes.split_at(at);
        let mut found = received(&mut split, one);
        found.extend(received(&mut split, other));
        found.sort();
        assert_eq!(found, wanted, "split at {at}");
    }
    let mut single = calling(5);
    let mut found: Vec<_> = bytes
        .iter()
        .flat_map(|byte| received(&mut single, &[*byte]))
        .collect();
    found.sort();
    assert_eq!(found, wanted);
}

#[test]
fn a_server_that_goes_away_ends_what_it_did_not_look_at_and_nothing_else() {
    let mut connection = calling(3);
    let mut server = Server::default();
    let last = |stream: u32| [stream.to_be_bytes(), 0_u32.to_be_bytes()].concat();
    // etcd first says that it will, without a last stream...
    server.frame(kind::GOAWAY, 0, 0, &last(STREAM_MAX));
    assert_eq!(received(&mut connection, &server.take()), []);
    assert!(connection.is_spent() && !connection.may_call());
    assert_eq!(connection.call(0, Rpc::Put, &put(1)), None);
    // ...and then which one it is.
    server.frame(kind::GOAWAY, 0, 0, &last(3));
    assert_eq!(
        received(&mut connection, &server.take()),
        heard(&[(2, "not processed")])
    );
    server.answer(3, &[]).answer(1, &[]);
    assert_eq!(
        received(&mut connection, &server.take()),
        heard(&[(1, "answered 0"), (0, "answered 0")])
    );
    assert_eq!(connection.open(), 0);
}

#[test]
fn streams_run_out_and_one_that_lasts_long_is_stepped_over() {
    let mut connection = connection(2).starting_at(STREAM_MAX - 2);
    received(&mut connection, &Server::default().settings(&[]).take());
    assert_eq!(connection.call(0, Rpc::Put, &put(1)), Some(STREAM_MAX - 2));
    assert_eq!(connection.call(1, Rpc::Put, &put(1)), Some(STREAM_MAX));
    assert!(connection.is_spent());
    let answer = Server::default().answer(STREAM_MAX, &[]).take();
    assert_eq!(
        received(&mut connection, &answer),
        heard(&[(1, "answered 0")])
    );
    assert_eq!(connection.call(1, Rpc::Put, &put(1)), None);

    let mut connection = calling(2);
    let mut last = 3;
    let mut server = Server::default();
    // Stream 1 is never answered, while its place in the ring comes by again and again.
    for _ in 0..50 {
        assert_eq!(
            received(&mut connection, &server.answer(last, &[]).take()),
            heard(&[(1, "answered 0")])
        );
        last = connection.call(1, Rpc::Put, &put(1)).unwrap();
        assert!(connection.open() == 2 && last % 16 != 1);
    }
    assert_eq!(
        received(&mut connection, &server.answer(1, &[]).take()),
        heard(&[(0, "answered 0")])
    );
}

#[test]
fn what_is_no_grpc_is_named() {
    let mut connection = calling(7);
    let mut server = Server::default();
    server.frame(kind::HEADERS, flag::END_HEADERS, 1, &[0x8d]);
    server.frame(kind::HEADERS, flag::END_HEADERS, 3, &[0x88]);
    server
        .begin(5)
        .data(5, b"x")
        .frame(kind::DATA, flag::END_STREAM, 5, &[]);
    server.frame(kind::DATA, 0, 7, b"early");
    server.begin(9).end(9, "0", "");
    server.number(kind::RST_STREAM, 11, 7);
    server.number(kind::RST_STREAM, 13, 11);
    let wanted = [
        (0, "HTTP 404"),
        (1, "the answer is not of type application/grpc"),
        (2, "the answer ends without a status"),
        (3, "data before headers"),
        (4, "the answer has no message"),
        (5, "not processed"),
        (6, "reset 11"),
    ];
    assert_eq!(received(&mut connection, &server.take()), heard(&wanted));
    assert_eq!(connection.open(), 0);
    // Where the other side would go on, it is told not to; what it says all the same harms nobody.
    let resets: Vec<u32> = written(&mut connection)
        .iter()
        .filter(|frame| frame.0 == kind::RST_STREAM)
        .map(|frame| frame.2)
        .collect();
    assert_eq!(resets, [1, 3, 7]);
    assert_eq!(
        received(&mut connection, &server.answer(1, b"late").take()),
        []
    );
}

#[test]
fn a_call_that_is_given_up_is_not_answered_any_more() {
    let mut connection = calling(2);
    connection.cancel(1);
    assert_eq!(
        written(&mut connection),
        [(kind::RST_STREAM, 0, 1, vec![0, 0, 0, 8])]
    );
    let answers = Server::default().answer(1, &[]).answer(3, &[]).take();
    assert_eq!(
        received(&mut connection, &answers),
        heard(&[(1, "answered 0")])
    );
    // Its place is free again.
    assert_eq!(connection.open(), 0);
    assert!(connection.call(0, Rpc::Put, &put(1)).is_some());
}
