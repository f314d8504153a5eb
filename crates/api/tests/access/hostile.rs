//! What a request may carry that is believed by others, and not here.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use secrecy::ExposeSecret;

use super::{Server, basic, bearer, request};

const SESSION: &str = "/api/v1/session";

/// Routes that read a body, with the least role that they take: `SESSION` takes none.
const READING: [(Method, &str); 4] = [
    (Method::POST, SESSION),
    (Method::POST, "/api/v1/silences"),
    (Method::POST, "/api/v1/channels/x/test"),
    (Method::POST, "/api/v1/configuration/reload"),
];

#[tokio::test]
async fn deep_documents_are_refused_and_exhaust_no_stack() {
    let server = Server::start();
    let admin = bearer(&server.admin);
    let deep = |open: &str| open.repeat(60_000 / open.len());
    for bomb in [
        deep("["),
        deep("{\"a\":"),
        format!("{{\"token\":{}", deep("[")),
        format!("{{\"comment\":{}", deep("{\"a\":")),
        format!("{{\"url\":{}", deep("[{\"a\":")),
    ] {
        for (method, path) in READING {
            let headers = [("authorization", admin.as_str())];
            let answer = server.answer(request(method, path, &headers, &bomb)).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {answer:?}");
        }
    }
}

/// `{"user": "alice", "password": "secret"}`, which signs in, packed by gzip.
#[rustfmt::skip]
const PACKED: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0x2a, 0x2d, 0x4e, 0x2d,
    0x52, 0xb2, 0x52, 0x50, 0x4a, 0xcc, 0xc9, 0x4c, 0x4e, 0x55, 0xd2, 0x51, 0x50, 0x2a, 0x48, 0x2c,
    0x2e, 0x2e, 0xcf, 0x2f, 0x4a, 0x01, 0x09, 0x16, 0xa7, 0x26, 0x17, 0xa5, 0x96, 0x28, 0xd5, 0x02,
    0x00, 0xf4, 0xef, 0xd1, 0x86, 0x27, 0x00, 0x00, 0x00,
];

/// Nothing unpacks a body: a small one stays small.
#[tokio::test]
async fn a_compressed_body_is_not_unpacked() {
    let server = Server::start();
    let headers = [("content-encoding", "gzip")];
    let mut asked = request(Method::POST, SESSION, &headers, "");
    *asked.body_mut() = Body::from(PACKED);
    let answer = server.answer(asked).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    assert!(answer.header("set-cookie").is_empty());
}

/// A server that believed them could be told of another client, another scheme, another method or another path.
#[tokio::test]
async fn headers_of_proxies_are_not_believed() {
    let server = Server::start();
    let body = format!("{{\"token\": \"{}\"}}", server.admin.token.expose_secret());
    let proxied = [
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=127.0.0.1;proto=https;host=127.0.0.1"),
        ("x-forwarded-prefix", "/evil"),
    ];
    let signed_in = server
        .answer(request(Method::POST, SESSION, &proxied, &body))
        .await;
    let cookie = signed_in.header("set-cookie").to_owned();
    assert!(
        cookie.contains("; Path=/;") && !cookie.contains("Secure"),
        "{cookie}"
    );

    let viewer = bearer(&server.viewer);
    for (name, value) in [
        ("x-http-method-override", "POST"),
        ("x-method-override", "DELETE"),
        ("x-original-url", "/api/v1/nothing"),
        ("x-rewrite-url", "/api/v1/nothing"),
        ("x-forwarded-user", "admin"),
        ("x-remote-user", "admin"),
    ] {
        let headers = [("authorization", viewer.as_str()), (name, value)];
        let session = server.get(SESSION, &headers).await;
        assert!(
            session.text.contains("\"role\":\"viewer\""),
            "{name}: {session:?}"
        );
        let stranger = server.get(SESSION, &[(name, value)]).await;
        assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "{name}");
    }

    for number in 0..20 {
        let client = format!("192.0.2.{number}");
        let wrong = basic("alice", "wrong");
        let headers = [
            ("authorization", wrong.as_str()),
            ("x-forwarded-for", &client),
            ("x-real-ip", &client),
        ];
        server.get(SESSION, &headers).await;
    }
    let wrong = basic("alice", "wrong");
    let headers = [
        ("authorization", wrong.as_str()),
        ("x-forwarded-for", "192.0.2.99"),
    ];
    let answer = server.get(SESSION, &headers).await;
    assert_eq!(answer.code(), "too_many_failures");
}

/// Where a message goes is what the configuration says.
#[tokio::test]
async fn the_trial_of_a_channel_takes_no_address() {
    let server = Server::start();
    let operator = bearer(&server.operator);
    for body in [
        "{\"url\": \"http://169.254.169.254/\"}",
        "{\"channel\": {\"url\": \"http://127.0.0.1:2379/\"}}",
        "[\"http://127.0.0.1/\"]",
        "\"http://127.0.0.1\"",
    ] {
        for path in [
            "/api/v1/channels/x/test",
            "/api/v1/channels/http:%2f%2f127.0.0.1:2379%2f/test",
        ] {
            let headers = [("authorization", operator.as_str())];
            let answer = server
                .answer(request(Method::POST, path, &headers, body))
                .await;
            assert_eq!(answer.code(), "bad_body", "{path} {body}: {answer:?}");
        }
    }
    let path = "/api/v1/channels/http:%2f%2f127.0.0.1:2379%2f/test";
    let headers = [("authorization", operator.as_str())];
    let answer = server
        .answer(request(Method::POST, path, &headers, "{}"))
        .await;
    assert_eq!(answer.code(), "channel_unknown");
}
