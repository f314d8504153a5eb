//! What one request may say.

use crate::listening::{Serving, impatient};
use crate::wire::{Reply, send};

/// An attack in one request: its name, what is sent, the status, and the code of the problem document. The server's HTTP
/// reader refuses some before there could be a document.
type Line = (&'static str, String, u16, &'static str);

const NO_DOCUMENT: &str = "";

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
}

fn with(headers: &str) -> String {
    format!("GET /api/v1/cluster/status HTTP/1.1\r\n{headers}\r\nConnection: close\r\n\r\n")
}

fn posted(headers: &str, body: &str) -> String {
    format!("POST /api/v1/cluster/status HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n\r\n{body}")
}

async fn hold(lines: Vec<Line>) {
    let server = Serving::start(impatient()).await;
    for (name, bytes, status, code) in lines {
        let reply = send(server.address, bytes).await;
        assert_eq!(
            (reply.status(), reply.code()),
            (status, code),
            "{name}: {}",
            reply.text
        );
    }
    let after = send(server.address, get("/health")).await;
    assert_eq!(after.status(), 200, "the server goes on: {}", after.text);
}

#[rustfmt::skip]
#[tokio::test]
async fn no_file_but_those_that_are_served() {
    hold(vec![
        ("up from the root", get("/../../etc/passwd"), 404, "route_unknown"),
        ("up from a file", get("/app.js/../../../etc/passwd"), 404, "route_unknown"),
        ("up, encoded", get("/%2e%2e/%2e%2e/etc/passwd"), 404, "route_unknown"),
        ("up, encoded twice", get("/%252e%252e/etc/passwd"), 404, "route_unknown"),
        ("up, backslashes", get("/..\\..\\etc\\passwd"), 404, "route_unknown"),
        ("an absolute path", get("//etc/passwd"), 404, "route_unknown"),
        ("a recording above", get("/api/v1/blackbox/..%2f..%2fetc%2fpasswd"), 404, "recording_unknown"),
        ("a recording with an absolute path", get("/api/v1/blackbox/%2fetc%2fpasswd"), 404, "recording_unknown"),
        ("a recording that is the folder", get("/api/v1/blackbox/%2e%2e"), 404, "recording_unknown"),
        ("a name cut short", get("/api/v1/blackbox/a%00.seen"), 404, "recording_unknown"),
        ("bytes that are no text", get("/api/v1/blackbox/%ff%fe"), 400, "bad_path"),
    ])
    .await;
}

#[rustfmt::skip]
#[tokio::test]
async fn no_more_than_a_request_may_have() {
    let many = "X: 1\r\n".repeat(101);
    let long = "a".repeat(40 << 10);
    let chunk = format!("11000\r\n{}\r\n0\r\n\r\n", "a".repeat(0x11000));
    hold(vec![
        ("too many headers", with(&format!("Host: 127.0.0.1\r\n{many}X: 1")), 431, NO_DOCUMENT),
        ("a header too long", with(&format!("Host: 127.0.0.1\r\nX: {long}")), 431, NO_DOCUMENT),
        ("a path too long", get(&format!("/{long}")), 431, NO_DOCUMENT),
        ("a body that is said to be too long", posted("Content-Length: 65537", ""), 413, "body_too_large"),
        ("a body without end that is said", posted("Content-Length: 99999999999999", ""), 413, "body_too_large"),
        ("a body in chunks that is too long", posted("Transfer-Encoding: chunked", &chunk), 413, "body_too_large"),
        ("a body that ends early, waited for", posted("Content-Length: 10", "abc"), 408, "body_too_slow"),
    ])
    .await;
}

#[rustfmt::skip]
#[tokio::test]
async fn no_name_but_those_of_this_server() {
    let status = "/api/v1/cluster/status";
    let absolute = |authority: &str, host: &str| {
        format!(
            "GET http://{authority}{status} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
    };
    hold(vec![
        ("DNS rebinding", with("Host: evil.example"), 421, "host_not_allowed"),
        ("a name that begins as an address", with("Host: 127.0.0.1.evil.example"), 421, "host_not_allowed"),
        ("a name that ends as one of ours", with("Host: evilmonitor.example"), 421, "host_not_allowed"),
        ("a user before the host", with("Host: 127.0.0.1@evil.example"), 421, "host_not_allowed"),
        ("a port that is none", with("Host: 127.0.0.1:80.evil.example"), 421, "host_not_allowed"),
        ("a second host", with("Host: 127.0.0.1\r\nHost: evil.example"), 421, "host_not_allowed"),
        ("a user before one of ours", with("Host: evil@monitor.example"), 421, "host_not_allowed"),
        ("a user in the target", absolute("evil@127.0.0.1", "127.0.0.1"), 421, "host_not_allowed"),
        ("a port and no name", with("Host: :8080"), 421, "host_not_allowed"),
        ("an address of IPv6 without brackets", with("Host: ::1"), 421, "host_not_allowed"),
        ("a name in brackets", with("Host: [localhost]"), 421, "host_not_allowed"),
        ("a name after an address of IPv6", with("Host: [::1].evil.example"), 421, "host_not_allowed"),
        ("an address that is written as a number", with("Host: 2130706433"), 421, "host_not_allowed"),
        ("a path after the name", with("Host: monitor.example/evil"), 421, "host_not_allowed"),
        ("a list of names", with("Host: monitor.example, evil.example"), 421, "host_not_allowed"),
        ("a port too high", with("Host: 127.0.0.1:65536"), 421, "host_not_allowed"),
        ("the same host twice passes", with("Host: 127.0.0.1\r\nHost: 127.0.0.1"), 200, NO_DOCUMENT),
        ("an address of IPv6 with a port passes", with("Host: [::1]:8080"), 200, NO_DOCUMENT),
        ("one of ours with a dot passes", with("Host: monitor.example.:8080"), 200, NO_DOCUMENT),
        ("one of ours in the target passes", absolute("monitor.example", "monitor.example"), 200, NO_DOCUMENT),
        ("an empty host", with("Host:"), 421, "host_not_allowed"),
        ("no host", with("X: 1"), 421, "host_not_allowed"),
        ("another host in the target", absolute("evil.example", "127.0.0.1"), 421, "host_not_allowed"),
        ("another host beside the target", absolute("127.0.0.1", "evil.example"), 421, "host_not_allowed"),
        ("a host in a header of proxies is not believed", with("Host: evil.example\r\nX-Forwarded-Host: 127.0.0.1"), 421, "host_not_allowed"),
        ("a user before the address", with("Host: user@127.0.0.1"), 421, "host_not_allowed"),
        ("a port with a sign", with("Host: 127.0.0.1:+80"), 421, "host_not_allowed"),
        ("an address as a number", with("Host: 2130706433"), 421, "host_not_allowed"),
        ("an address with a zone", with("Host: [fe80::1%25eth0]"), 421, "host_not_allowed"),
        ("a list of hosts", with("Host: 127.0.0.1, evil.example"), 421, "host_not_allowed"),
        ("a path in the host", with("Host: 127.0.0.1/evil.example"), 421, "host_not_allowed"),
        ("a user in the target", absolute("user@127.0.0.1", "127.0.0.1"), 421, "host_not_allowed"),
        ("one of ours in the target", absolute("127.0.0.1:8080", "127.0.0.1:8080"), 200, NO_DOCUMENT),
        ("an IPv6 address with a port", with("Host: [::1]:8080"), 200, NO_DOCUMENT),
        ("a name with the dot of the root", with("Host: monitor.example.:8080"), 200, NO_DOCUMENT),
        ("one of ours passes", with("Host: monitor.example:8080"), 200, NO_DOCUMENT),
    ])
    .await;
}

#[rustfmt::skip]
#[tokio::test]
async fn no_request_within_another() {
    let both = "Content-Length: 4\r\nTransfer-Encoding: chunked";
    let hidden = "0\r\n\r\nGET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    hold(vec![
        ("two lengths", posted("Content-Length: 5\r\nContent-Length: 6", "abcdef"), 400, NO_DOCUMENT),
        ("a length that is a list", posted("Content-Length: 5, 6", "abcdef"), 400, NO_DOCUMENT),
        ("a length with a sign", posted("Content-Length: +5", "abcde"), 400, NO_DOCUMENT),
        ("length and chunks: what follows is not answered", posted(both, hidden), 415, "json_required"),
        ("chunks and what follows", posted("Transfer-Encoding: chunked", hidden), 415, "json_required"),
        ("an encoding that is not chunks", posted("Transfer-Encoding: xchunked", hidden), 400, NO_DOCUMENT),
        ("chunks that are not last", posted("Transfer-Encoding: chunked, identity", hidden), 400, NO_DOCUMENT),
        ("a space before the colon", posted("Content-Length : 5", "abcde"), 400, NO_DOCUMENT),
        ("a header over two lines", posted("X: a\r\n b", ""), 400, NO_DOCUMENT),
        ("a chunk without a length", posted("Transfer-Encoding: chunked", "zz\r\n"), 400, "body_unreadable"),
        ("no HTTP at all", "\u{16}\u{3}\u{1}\u{2}\r\n\r\n".to_owned(), 400, NO_DOCUMENT),
        ("chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(), 400, NO_DOCUMENT),
    ])
    .await;
}

#[rustfmt::skip]
#[tokio::test]
async fn no_method_but_those_of_the_route() {
    let asked = |method: &str| get("/api/v1/cluster/status").replacen("GET", method, 1);
    hold(vec![
        ("TRACE repeats nothing", asked("TRACE"), 405, "method_not_allowed"),
        ("a method of its own", asked("BREW"), 405, "method_not_allowed"),
        ("OPTIONS of a page elsewhere", asked("OPTIONS"), 405, "method_not_allowed"),
        ("a tunnel", "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n".to_owned(), 421, "host_not_allowed"),
        ("all of the server", "OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".to_owned(), 404, "route_unknown"),
        ("an authority that is no tunnel", "GET 127.0.0.1:80 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".to_owned(), 404, "route_unknown"),
        ("HTTP/1.0 with a host", "GET /health HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".to_owned(), 200, NO_DOCUMENT),
        ("HTTP/1.0 without one", "GET /health HTTP/1.0\r\n\r\n".to_owned(), 421, "host_not_allowed"),
    ])
    .await;
}

/// What comes back of a header is a header of its own, or nothing.
#[rustfmt::skip]
#[tokio::test]
async fn nothing_is_put_into_the_head_of_an_answer() {
    let server = Serving::start(impatient()).await;
    for (name, headers) in [
        ("an id with an encoded line end", "X-Request-Id: a%0d%0aInjected: 1"),
        ("an id with a bare carriage return", "X-Request-Id: a\rInjected: 1"),
        ("an id with a line end", "X-Request-Id: a\nInjected: 1"),
        ("an id with bytes that are no text", "X-Request-Id: \u{80}Injected"),
        ("an origin with a line end", "Origin: http://a\nInjected: 1"),
        ("a path with a line end", "Host: 127.0.0.1\r\nX-Forwarded-Prefix: /\nInjected: 1"),
    ] {
        let reply: Reply = send(
            server.address,
            with(&format!("Host: 127.0.0.1\r\n{headers}")),
        )
        .await;
        assert!(
            !reply.head().to_lowercase().contains("injected"),
            "{name}: {}",
            reply.text
        );
        assert!(
            [200, 400, 421].contains(&reply.status()),
            "{name}: {}",
            reply.text
        );
    }
    let long = format!("Host: 127.0.0.1\r\nX-Request-Id: {}", "a".repeat(1_000));
    let reply = send(server.address, with(&long)).await;
    assert!(!reply.head().contains("aaaa"), "{}", reply.text);
}
