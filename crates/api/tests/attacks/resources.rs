//! What a client may take from the others: time, connections, memory.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use etcd_monitor_api::router;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::listening::{Serving, impatient};
use crate::serving::{patient, source};
use crate::wire::{LIMIT, read_to_end, send};

const HEALTH: &str = "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";

/// A byte now and then, for as long as the server takes them.
async fn trickle(server: SocketAddr, first: &str, then: &str) -> String {
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_all(first.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let mut answer = Vec::new();
    let writing = async {
        while writer.write_all(then.as_bytes()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = writing => {}
        // A reset is an end, too.
        ended = tokio::time::timeout(LIMIT, reader.read_to_end(&mut answer)) => {
            let _ = ended.expect("the server ends the connection");
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_client_that_says_nothing_is_not_waited_for() {
    let server = Serving::start(impatient()).await;
    let reply = send(server.address, "").await;
    assert_eq!(reply.text, "");
}

#[tokio::test]
async fn headers_that_trickle_end_the_connection() {
    let server = Serving::start(impatient()).await;
    let answer = trickle(
        server.address,
        "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
        "a",
    )
    .await;
    assert!(!answer.contains("200 OK"), "{answer}");
}

#[tokio::test]
async fn headers_that_trickle_after_a_first_request_end_the_connection() {
    let server = Serving::start(impatient()).await;
    let first = HEALTH.replace("Connection: close\r\n", "");
    let answer = trickle(
        server.address,
        &format!("{first}GET / HTTP/1.1\r\nX: "),
        "a",
    )
    .await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

/// Who may wait for long before a request may not be slow in one.
#[tokio::test]
async fn a_further_head_has_no_more_time_than_the_first() {
    let mut options = patient();
    options.limits.first_request = Duration::from_millis(300);
    let server = Serving::start(options).await;
    let keep = HEALTH.replace("Connection: close\r\n", "");
    let answer = trickle(server.address, &format!("{keep}GET / HTTP/1.1\r\nX: "), "a").await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");

    // Nothing of a further head has come: it waits, and is answered.
    let mut waiting = TcpStream::connect(server.address).await.unwrap();
    waiting.write_all(keep.as_bytes()).await.unwrap();
    assert_eq!(waiting.read_u8().await.unwrap(), b'H');
    tokio::time::sleep(Duration::from_millis(600)).await;
    waiting.write_all(HEALTH.as_bytes()).await.unwrap();
    let rest = read_to_end(&mut waiting).await;
    assert!(rest.text.contains("HTTP/1.1 200 OK"), "{}", rest.text);
}

#[tokio::test]
async fn a_body_that_trickles_is_answered_and_ends_the_connection() {
    let server = Serving::start(impatient()).await;
    let head = "POST /health HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60000\r\n\r\n";
    let answer = trickle(server.address, head, "a").await;
    assert!(
        answer.contains(" 408 ") && answer.contains("body_too_slow"),
        "{answer}"
    );
}

/// A client that asks for a lot and takes nothing of it.
#[tokio::test]
async fn a_reader_that_stalls_loses_its_connection() {
    let server = Serving::start(impatient()).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stalled = socket.connect(server.address).await.unwrap();
    let ask = "GET /app.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    let asking = async { while stalled.write_all(ask.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(LIMIT, asking)
        .await
        .expect("the server ends the connection");
    assert_eq!(send(server.address, HEALTH).await.status(), 200);
}

#[tokio::test]
async fn a_flood_of_connections_is_closed_and_those_that_are_served_go_on() {
    let mut options = patient();
    options.limits.connections = 8;
    let server = Serving::start(options).await;
    let mut held = Vec::new();
    for _ in 0..8 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let keep = HEALTH.replace("Connection: close\r\n", "");
        stream.write_all(keep.as_bytes()).await.unwrap();
        // The first byte of the answer: it is taken.
        assert_eq!(stream.read_u8().await.unwrap(), b'H');
        held.push(stream);
    }
    for _ in 0..100 {
        assert_eq!(send(server.address, HEALTH).await.text, "");
    }
    let mut first = held.remove(0);
    first.write_all(HEALTH.as_bytes()).await.unwrap();
    assert!(read_to_end(&mut first).await.text.contains("200 OK"));
    drop(first);
    let room = async {
        while send(server.address, HEALTH).await.text.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, room)
        .await
        .expect("there is room again");
    let metrics = HEALTH.replace("/health", "/metrics");
    let metrics = send(server.address, metrics).await.text;
    let refused = "etcd_monitor_http_refused_connections_total{limit=\"total\"} ";
    let refused = metrics.lines().find_map(|line| line.strip_prefix(refused));
    assert!(
        refused.unwrap().parse::<f64>().unwrap() >= 100.0,
        "{metrics}"
    );
}

#[tokio::test]
async fn clients_of_live_events_are_so_many_and_no_more() {
    let stop = CancellationToken::new();
    let routes = router(source(&stop), patient());
    let follow = || {
        let request = Request::get("/api/v1/events").header("host", "127.0.0.1");
        routes.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let mut held = Vec::new();
    for _ in 0..1_000 {
        let response = follow().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        held.push(response);
    }
    assert_eq!(
        follow().await.unwrap().status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    held.pop();
    assert_eq!(follow().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn the_stop_ends_live_events_and_idle_connections_at_once() {
    let server = Serving::start(patient()).await;
    let mut events = TcpStream::connect(server.address).await.unwrap();
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    let follow = HEALTH.replace("/health", "/api/v1/events");
    events.write_all(follow.as_bytes()).await.unwrap();
    idle.write_all(HEALTH.replace("Connection: close\r\n", "").as_bytes())
        .await
        .unwrap();
    assert_eq!(
        (
            events.read_u8().await.unwrap(),
            idle.read_u8().await.unwrap()
        ),
        (b'H', b'H')
    );
    server.stop.cancel();
    let ended = tokio::time::timeout(Duration::from_millis(1_900), server.ended).await;
    ended.expect("before anything is cut off").unwrap().unwrap();
    assert!(read_to_end(&mut events).await.text.contains("event-stream"));
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off_after_the_stop() {
    let mut options = patient();
    options.limits.drain = Duration::from_millis(200);
    let server = Serving::start(options).await;
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /health HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut continued = [0; 12];
    slow.read_exact(&mut continued).await.unwrap();
    assert_eq!(&continued, b"HTTP/1.1 100");
    server.stop.cancel();
    let ended = tokio::time::timeout(LIMIT, server.ended).await;
    ended.expect("it is not waited for").unwrap().unwrap();
}
