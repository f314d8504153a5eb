//! Pages and answers that no etcd would give.

use std::sync::atomic::Ordering;
use std::time::Instant;

use etcd_monitor_client::{ErrorKind, exposition};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::local::LocalServer;
use crate::{DEADLINE, client, options};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_page_without_end_is_cut_at_the_limit() {
    for header in [OK, b"HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n"] {
        let server = LocalServer::start(move |mut stream| async move {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let mut alive = stream.write_all(header).await;
            for _ in 0..100 {
                if alive.is_ok() {
                    alive = stream.write_all(&vec![b'a'; 1 << 20]).await;
                }
            }
        })
        .await;
        let error = client(&server.url, options())
            .metrics_page()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadAnswer, "{error}");
        assert!(
            error.to_string().contains("larger than 4194304 bytes"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_page_that_drips_ends_at_the_deadline() {
    let server = LocalServer::start(|mut stream| async move {
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).await;
        let mut ticks = tokio::time::interval(DEADLINE / 20);
        let mut alive = stream.write_all(OK).await;
        while alive.is_ok() {
            ticks.tick().await;
            alive = stream.write_all(b"a 1\n").await;
        }
    })
    .await;
    let began = Instant::now();
    let error = client(&server.url, options())
        .metrics_page()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(began.elapsed() < 2 * DEADLINE);
}

#[tokio::test]
async fn garbage_is_named_as_such() {
    let garbage: &[(&[u8], &str)] = &[
        (b"\x00\x01\x02 no http at all\r\n\r\n", "no HTTP answer"),
        (
            b"HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n404 page not found\n",
            "--metrics-url",
        ),
        (
            b"HTTP/1.1 302 Found\r\nlocation: http://10.0.0.1/\r\nconnection: close\r\n\r\n",
            "302",
        ),
        (
            b"HTTP/1.1 500 X\r\nconnection: close\r\n\r\na\x1b[31mred\r\nline",
            "a [31mred line",
        ),
    ];
    for (bytes, part) in garbage {
        let server = LocalServer::saying(bytes).await;
        let error = client(&server.url, options())
            .metrics_page()
            .await
            .unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
        assert!(!error.to_string().contains(char::is_control), "{error:?}");
        assert!(matches!(error.kind(), ErrorKind::BadAnswer), "{error}");
    }
}

#[tokio::test]
async fn a_page_that_breaks_off_is_no_page() {
    let server = LocalServer::saying(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\na 1").await;
    let error = client(&server.url, options())
        .metrics_page()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("broke off"), "{error}");
}

#[tokio::test]
async fn a_page_of_garbage_has_no_samples() {
    let server = LocalServer::saying(b"HTTP/1.1 200 OK\r\n\r\n<html>\n\xff\xfe\na 1\n").await;
    let page = client(&server.url, options()).metrics_page().await.unwrap();
    let mut scan = exposition::scan(&page, &["a"]);
    assert_eq!((scan.by_ref().count(), scan.skipped()), (1, 2));
}

#[tokio::test]
async fn a_health_answer_that_is_none_is_a_bad_answer() {
    let server = LocalServer::saying(b"HTTP/1.1 200 OK\r\n\r\n<html>").await;
    let member = client(&server.url, options());
    assert_eq!(
        member.health().await.unwrap_err().kind(),
        ErrorKind::BadAnswer
    );
    assert_eq!(
        member.version().await.unwrap_err().kind(),
        ErrorKind::BadAnswer
    );
}

#[tokio::test]
async fn calls_to_a_port_that_is_no_grpc_are_bad_answers_without_a_storm() {
    let server = LocalServer::saying(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let member = client(&server.url, options());
    for _ in 0..50 {
        let error = member.status().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadAnswer, "{error}");
        assert!(error.to_string().contains("HTTP/1"), "{error}");
    }
    let connections = server.connections.load(Ordering::Relaxed);
    assert!(connections <= 10, "{connections} connections for 50 calls");
}

#[tokio::test]
async fn a_port_that_accepts_and_closes_is_refused() {
    let server = LocalServer::start(|stream| async move { drop(stream) }).await;
    let error = client(&server.url, options()).status().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
}
