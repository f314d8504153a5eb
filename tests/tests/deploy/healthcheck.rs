//! `etcd-monitor healthcheck`, the one thing in the image that can ask the daemon.

use std::net::TcpListener;

use etcd_monitor_testkit::Cluster;
use etcd_monitor_tests::harness::{Daemon, run_to_end};

#[tokio::test]
async fn it_tells_a_daemon_that_works_from_one_that_is_not_there() {
    let cluster = Cluster::builder().members(1).start().await;
    let cluster = cluster.unwrap_or_else(|error| panic!("{error}"));
    let daemon = Daemon::start(["--endpoints", cluster.member(0).client_url()]).await;
    for path in ["/health", "/ready"] {
        let url = format!("{}{path}", daemon.url());
        let asked = run_to_end(["healthcheck", "--url", &url]).await;
        assert_eq!(asked.code, Some(0), "{path}: {}", asked.stderr);
    }
    let unknown = format!("{}/nothing", daemon.url());
    let asked = run_to_end(["healthcheck", "--url", &unknown]).await;
    assert_eq!(asked.code, Some(1));
    assert!(asked.stderr.contains("404"), "{}", asked.stderr);

    let port = {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port().to_string()
    };
    let asked = run_to_end(["healthcheck", "--api-port", &port]).await;
    assert_eq!(asked.code, Some(1));
    assert!(asked.stderr.contains("refused"), "{}", asked.stderr);
}

#[tokio::test]
async fn what_accepts_and_says_nothing_is_given_up_within_its_limit() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/health", silent.local_addr().unwrap());
    let asked = run_to_end(["healthcheck", "--url", &url]).await;
    assert_eq!(asked.code, Some(1));
    assert!(
        asked.stderr.contains("no answer within 3 s"),
        "{}",
        asked.stderr
    );
}
