//! What a client of HTTP/2 may take from the others, frame by frame over TLS.

use std::fs;
use std::time::{Duration, Instant};

use crate::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, PING, RESET, SETTINGS,
    Secured, frame, get, head, header, post,
};
use crate::listening::impatient;

const PROTOCOL_ERROR: u32 = 1;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;
const ENHANCE_YOUR_CALM: u32 = 11;

const INITIAL_WINDOW_SIZE: u16 = 4;

/// What the process may grow by in an attack: a part of what the attack sends or asks for.
const GROWTH_MAX_BYTES: u64 = 48 << 20;

/// Memory of the process, server and attacker together.
fn resident_bytes() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// What memory the process had, to see how little it has grown by.
struct Memory(u64);

impl Memory {
    fn now() -> Self {
        Self(resident_bytes())
    }

    fn has_not_grown(&self) {
        let grown = resident_bytes().saturating_sub(self.0);
        assert!(grown < GROWTH_MAX_BYTES, "{} MiB", grown >> 20);
    }
}

/// CVE-2023-44487.
#[tokio::test]
async fn streams_that_are_taken_back_at_once_end_the_connection() {
    let server = Secured::start(impatient()).await;
    let memory = Memory::now();
    let mut attacker = server.connect(&[]).await;
    let mut batch = Vec::new();
    for number in 0..2_000 {
        let stream = 2 * number + 1;
        batch.extend(get(stream, "/metrics"));
        batch.extend(frame(RESET, 0, stream, &CANCEL.to_be_bytes()));
    }
    attacker.send(&batch).await;
    let end = attacker.until(|frame| frame.kind == GOAWAY && frame.error() != 0);
    let end = end.await.expect("it says why");
    assert_eq!(end.error(), ENHANCE_YOUR_CALM, "{end:?}");
    server.answers_others().await;
    memory.has_not_grown();
}

/// CVE-2024-27316 and its kin.
#[tokio::test]
async fn a_head_without_end_ends_the_connection() {
    let server = Secured::start(impatient()).await;
    let memory = Memory::now();
    for piece in [header("x", &[b'a'; 16_000], false), Vec::new()] {
        let mut attacker = server.connect(&[]).await;
        let first = frame(HEADERS, END_STREAM, 1, &head("GET", "/health"));
        assert!(attacker.send(&first).await);
        let more = frame(CONTINUATION, 0, 1, &piece);
        assert!(attacker.flood(&more, 20_000).await, "it takes all of it");
    }
    server.answers_others().await;
    memory.has_not_grown();
}

#[tokio::test]
async fn a_head_that_is_too_large_is_not_answered() {
    let server = Secured::start(impatient()).await;
    let memory = Memory::now();
    // 40 KiB as they are; and 4 KiB that are to be remembered, a thousand times in a byte each.
    let plain: Vec<u8> = (0..10)
        .flat_map(|_| header("x", &[b'a'; 4_000], false))
        .collect();
    let bomb = [header("x", &[b'a'; 3_900], true), vec![0xbe; 10_000]].concat();
    for rest in [plain, bomb] {
        let mut attacker = server.connect(&[]).await;
        let whole = [head("GET", "/health"), rest].concat();
        let (first, more) = whole.split_at(10_000);
        let pieces = more
            .chunks(16_000)
            .map(|piece| frame(CONTINUATION, 0, 1, piece));
        let pieces: Vec<u8> = pieces.flatten().collect();
        let last = frame(CONTINUATION, END_HEADERS, 1, &[]);
        let first = frame(HEADERS, END_STREAM, 1, first);
        attacker.send(&[first, pieces, last].concat()).await;
        let is_told = |frame: &Frame| [HEADERS, RESET, GOAWAY].contains(&frame.kind);
        let told = attacker.until(is_told).await;
        // 431, or an end of the stream or of the connection.
        let is_well = told.is_some_and(|told| told.kind == HEADERS && told.payload[0] == 0x88);
        assert!(!is_well);
        server.answers_others().await;
    }
    memory.has_not_grown();
}

/// What has to be answered, from a client that reads no answer.
#[tokio::test]
async fn floods_of_what_is_answered_are_no_longer_read_and_then_end() {
    let server = Secured::start(impatient()).await;
    let memory = Memory::now();
    let window = [
        &INITIAL_WINDOW_SIZE.to_be_bytes()[..],
        &70_000_u32.to_be_bytes(),
    ]
    .concat();
    for flood in [frame(PING, 0, 0, &[7; 8]), frame(SETTINGS, 0, 0, &window)] {
        let mut attacker = server.connect(&[]).await;
        // So many that the buffers of the kernel hold no more.
        assert!(attacker.flood(&flood.repeat(1_000), 20_000).await);
        server.answers_others().await;
    }
    memory.has_not_grown();
}

#[tokio::test]
async fn a_slow_body_is_refused_and_the_other_streams_go_on() {
    let server = Secured::start(impatient()).await;
    let mut client = server.connect(&[]).await;
    assert!(client.send(&post(1, "/api/v1/session")).await);
    assert!(client.send(&frame(DATA, 0, 1, b"{")).await);
    assert!(client.send(&get(3, "/health")).await);
    let told = client.until(|frame| frame.kind == DATA && frame.stream == 1);
    let told = String::from_utf8(told.await.unwrap().payload).unwrap();
    assert!(told.contains("body_too_slow"), "{told}");
    assert!(client.send(&get(5, "/health")).await);
    let other = client.until(|frame| frame.kind == HEADERS && frame.stream == 5);
    assert!(other.await.is_some());
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let server = Secured::start(impatient()).await;
    let memory = Memory::now();
    let mut attacker = server.connect(&[]).await;
    assert!(attacker.send(&post(1, "/api/v1/session")).await);
    // As much as the window allows, and then as much as it does not.
    for _ in 0..8 {
        attacker.send(&frame(DATA, 0, 1, &[b'a'; 10_000])).await;
    }
    let told = attacker
        .until(|frame| [DATA, RESET, GOAWAY].contains(&frame.kind))
        .await;
    assert!(told.is_some());
    server.answers_others().await;
    memory.has_not_grown();
}

#[tokio::test]
async fn streams_are_so_many_and_no_more() {
    let mut options = impatient();
    options.limits.streams = 8;
    let server = Secured::start(options).await;
    let mut client = server.connect(&[]).await;
    // Only who has heard of a limit can break it.
    client
        .until(|frame| frame.kind == SETTINGS && frame.flags == 0)
        .await;
    client.send(&frame(SETTINGS, 1, 0, &[])).await;
    for number in 0..9 {
        assert!(client.send(&post(2 * number + 1, "/api/v1/session")).await);
    }
    let told = client.until(|frame| frame.kind == RESET).await.unwrap();
    assert_eq!((told.stream, told.error()), (17, REFUSED_STREAM));
    // Without end it is no mistake any more.
    let mut stream = 19;
    let end = loop {
        if !client.send(&post(stream, "/api/v1/session")).await {
            break None;
        }
        stream += 2;
        if stream > 10_000 {
            break client
                .until(|frame| frame.kind == GOAWAY && frame.error() != 0)
                .await;
        }
    };
    assert!(end.is_none_or(|end| end.error() == ENHANCE_YOUR_CALM));
    server.answers_others().await;
}

/// A client that asks for much and has no room for it; its pings say that it lives.
#[tokio::test]
async fn a_reader_without_a_window_loses_its_connection() {
    let server = Secured::start(impatient()).await;
    let memory = Memory::now();
    for window in [0, 5_000] {
        let mut attacker = server.connect(&[(INITIAL_WINDOW_SIZE, window)]).await;
        for number in 0..32 {
            assert!(attacker.send(&get(2 * number + 1, "/app.js")).await);
        }
        attacker.ends_in_spite_of(&frame(PING, 0, 0, &[7; 8])).await;
    }
    server.answers_others().await;
    memory.has_not_grown();
}

#[tokio::test]
async fn a_connection_that_asks_for_nothing_ends_whatever_it_sends() {
    let server = Secured::start(impatient()).await;
    let mut idle = server.connect(&[]).await;
    assert!(idle.send(&get(1, "/health")).await);
    idle.ends_in_spite_of(&frame(PING, 0, 0, &[7; 8])).await;
}

/// Live events are an answer under way: no limit of idle connections ends them.
#[tokio::test]
async fn live_events_go_on() {
    let server = Secured::start(impatient()).await;
    let mut client = server.connect(&[]).await;
    assert!(client.send(&get(1, "/api/v1/events")).await);
    assert!(client.until(|frame| frame.kind == DATA).await.is_some());
    let until = Instant::now() + 3 * impatient().limits.idle;
    while Instant::now() < until {
        assert!(client.send(&frame(PING, 0, 0, &[7; 8])).await);
        let pong = client.until(|frame| frame.kind == PING && frame.flags == 1);
        assert!(pong.await.is_some());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(client.send(&get(3, "/health")).await);
    let other = client.until(|frame| frame.kind == HEADERS && frame.stream == 3);
    assert!(other.await.is_some());
}

/// What HTTP/1 says once, HTTP/2 can say in two places.
#[tokio::test]
async fn no_name_but_those_of_this_server_in_either_place() {
    let server = Secured::start(impatient()).await;
    let named = |authority: &str, host: &str| {
        let authority = header(":authority", authority.as_bytes(), false);
        let host = header("host", host.as_bytes(), false);
        let rest = [header(":path", b"/health", false), host].concat();
        let method = header(":method", b"GET", false);
        let scheme = header(":scheme", b"https", false);
        let head = [method, scheme, authority, rest].concat();
        frame(HEADERS, END_HEADERS | END_STREAM, 1, &head)
    };
    for (authority, host) in [
        ("evil.example", "127.0.0.1"),
        ("127.0.0.1", "evil.example"),
        ("evil.example", "evil.example"),
    ] {
        let mut client = server.connect(&[]).await;
        assert!(client.send(&named(authority, host)).await);
        let told = client.until(|frame| [DATA, RESET].contains(&frame.kind));
        let told = told.await.unwrap();
        let text = String::from_utf8_lossy(&told.payload).into_owned();
        assert!(
            text.contains("host_not_allowed"),
            "{authority} {host}: {told:?}"
        );
    }
}

/// The page of a browser that marks its requests by their origin alone, as it does over HTTP/1.
#[tokio::test]
async fn the_own_page_is_known_by_the_authority() {
    let server = Secured::start(impatient()).await;
    for (origin, code) in [
        ("https://127.0.0.1", "no_authentication"),
        ("https://evil.example", "cross_site"),
    ] {
        let mut client = server.connect(&[]).await;
        let kind = header("content-type", b"application/json", false);
        let origin = header("origin", origin.as_bytes(), false);
        let head = [head("POST", "/api/v1/session"), kind, origin].concat();
        let asked = frame(HEADERS, END_HEADERS, 1, &head);
        let body = frame(DATA, END_STREAM, 1, b"{}");
        assert!(client.send(&[asked, body].concat()).await);
        let told = client.until(|frame| frame.kind == DATA).await.unwrap();
        let text = String::from_utf8_lossy(&told.payload).into_owned();
        assert!(text.contains(code), "{text}");
    }
}

#[tokio::test]
async fn what_is_no_frame_ends_the_connection() {
    let server = Secured::start(impatient()).await;
    let lines = [
        ("a body of no request", frame(DATA, 0, 1, b"a")),
        ("settings of a stream", frame(SETTINGS, 0, 1, &[])),
        (
            "a head of no stream",
            frame(HEADERS, END_HEADERS, 0, &head("GET", "/")),
        ),
        (
            "a stream of the server",
            frame(HEADERS, END_HEADERS, 2, &head("GET", "/")),
        ),
        (
            "a window that is too large",
            frame(8, 0, 0, &u32::MAX.to_be_bytes()),
        ),
        (
            "a frame that is too large",
            frame(DATA, 0, 1, &vec![0; 20_000]),
        ),
        (
            "a head that is no HPACK",
            frame(HEADERS, END_HEADERS, 1, &[0xff; 100]),
        ),
    ];
    for (name, bytes) in lines {
        let mut attacker = server.connect(&[]).await;
        attacker.send(&bytes).await;
        let end = attacker.until(|frame| frame.kind == GOAWAY && frame.error() != 0);
        let end = end.await.map(|end| end.error());
        assert!(end.is_none_or(|error| error >= PROTOCOL_ERROR), "{name}");
    }
    server.answers_others().await;
}
