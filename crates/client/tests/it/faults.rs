//! Members that are down, hang, or come back.

use std::time::{Duration, Instant};

use etcd_monitor_client::{Consistency, ErrorKind};
use etcd_monitor_testkit::Cluster;

use crate::{DEADLINE, client, client_of, eventually, options};

#[tokio::test]
async fn a_member_that_is_down_is_refused_at_once_and_reached_when_it_returns() {
    let cluster = Cluster::builder()
        .members(1)
        .links(false)
        .start()
        .await
        .unwrap();
    let member = client_of(cluster.member(0));
    member.status().await.unwrap();
    cluster.member(0).kill().await.unwrap();
    let began = Instant::now();
    for _ in 0..50 {
        let error = member.status().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert!(
            error.to_string().contains(cluster.member(0).client_url()),
            "{error}"
        );
    }
    assert!(began.elapsed() < DEADLINE);
    assert_eq!(
        member.metrics_page().await.unwrap_err().kind(),
        ErrorKind::Refused
    );
    cluster.member(0).restart().await.unwrap();
    eventually(Duration::from_secs(2), async || member.status().await).await;
}

#[tokio::test]
async fn a_member_that_hangs_ends_each_call_at_its_deadline() {
    let cluster = Cluster::builder()
        .members(1)
        .links(false)
        .start()
        .await
        .unwrap();
    let member = client_of(cluster.member(0));
    member.status().await.unwrap();
    member.metrics_page().await.unwrap();
    cluster.member(0).stop().unwrap();
    let began = Instant::now();
    let (status, read, page) = tokio::join!(
        member.status(),
        member.read(b"k", Consistency::Linearizable),
        member.metrics_page(),
    );
    for error in [status.unwrap_err(), read.unwrap_err(), page.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    }
    // Under a new connection, which the kernel accepts for the stopped process.
    assert_eq!(
        member.status().await.unwrap_err().kind(),
        ErrorKind::TimedOut
    );
    assert!(began.elapsed() < 3 * DEADLINE, "{:?}", began.elapsed());
    cluster.member(0).cont().unwrap();
    eventually(Duration::from_secs(2), async || member.status().await).await;
}

#[tokio::test]
async fn names_and_addresses_that_lead_nowhere_are_told_apart() {
    let error = client("http://no-such-host.invalid:2379", options())
        .status()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NameResolution, "{error}");
    for url in [
        "http://0.0.0.0:2379",
        "http://169.254.169.254:80",
        "http://[::ffff:0.0.0.0]:1",
    ] {
        let member = client(url, options());
        assert_eq!(
            member.status().await.unwrap_err().kind(),
            ErrorKind::NotAllowed,
            "{url}"
        );
        assert_eq!(
            member.metrics_page().await.unwrap_err().kind(),
            ErrorKind::NotAllowed,
            "{url}"
        );
    }
}
