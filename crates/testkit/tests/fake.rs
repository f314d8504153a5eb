//! Fake members answer as scripted, over both protocols, in large numbers.

use std::time::{Duration, Instant};

use etcd_client::{AlarmAction, AlarmType, Client};
use etcd_monitor_testkit::{AlarmKind, Error, FakeCluster, FakeMember, FakeRoute, Page};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test]
async fn a_hundred_and_fifty_members_answer_in_one_process() -> Result<(), Error> {
    let cluster = FakeCluster::start(150).await?;
    let endpoints = cluster.endpoints();
    let answers = join_all(endpoints.iter().map(|url| async move {
        let mut client = connect(url).await;
        let status = client.status().await.expect("a status");
        let members = client.member_list().await.expect("a list").members().len();
        (status.leader(), members)
    }));
    for (leader, members) in answers.await {
        assert_eq!((leader, members), (cluster.member(0).id(), 150));
    }
    Ok(())
}

#[tokio::test]
async fn every_answer_can_be_changed() -> Result<(), Error> {
    let fake = FakeMember::builder()
        .cluster_id(0xc1)
        .member_id(0xa1)
        .name("liar")
        .start()
        .await?;
    let mut client = connect(&fake.url()).await;

    let mut status = fake.status();
    status.leader = 0;
    status.errors = vec!["etcdserver: no leader".to_owned()];
    fake.set_status(status);
    let answer = client.status().await.expect("a status");
    assert_eq!((answer.leader(), answer.errors().len()), (0, 1));
    let header = answer.header().expect("a header");
    assert_eq!((header.cluster_id(), header.member_id()), (0xc1, 0xa1));

    fake.set_alarms(vec![(0xa1, AlarmKind::NoSpace)]);
    let alarms = client
        .alarm(AlarmAction::Get, AlarmType::None, None)
        .await
        .expect("alarms");
    assert_eq!(alarms.alarms()[0].alarm(), AlarmType::Nospace);

    fake.set_revision(77);
    let read = client.get("key", None).await.expect("a read");
    assert_eq!(read.header().expect("a header").revision(), 77);

    fake.refuse(FakeRoute::Range, 16, "etcdserver: invalid auth token");
    let refusal = client
        .get("key", None)
        .await
        .expect_err("refused")
        .to_string();
    assert!(refusal.contains("invalid auth token"), "{refusal}");
    fake.accept(FakeRoute::Range);
    client.get("key", None).await.expect("accepted again");
    assert_eq!(fake.requests(FakeRoute::Range), 3);
    client
        .put("key", "value", None)
        .await
        .expect_err("a call that the fake does not know");
    Ok(())
}

#[tokio::test]
async fn pages_can_be_garbage_errors_and_endless() -> Result<(), Error> {
    let fake = FakeMember::builder().start().await?;
    assert!(
        page(&fake, "/health")
            .await
            .ends_with(br#"{"health":"true","reason":""}"#)
    );
    assert!(contains(
        &page(&fake, "/health").await,
        b"content-length: 29"
    ));
    assert!(contains(&page(&fake, "/version").await, b"3.7.3"));
    assert!(page(&fake, "/nothing").await.starts_with(b"HTTP/1.0 404"));

    fake.set_metrics(Page::bytes([0xff, 0xfe, 0x00]));
    assert!(page(&fake, "/metrics").await.ends_with(&[0xff, 0xfe, 0x00]));
    fake.set_health(Page::with_code(503, r#"{"health":"false"}"#));
    assert!(page(&fake, "/health").await.starts_with(b"HTTP/1.0 503"));
    let length = 20 << 20;
    fake.set_metrics(Page::endless("etcd_server_has_leader 1\n", length));
    assert!(page(&fake, "/metrics").await.len() as u64 > length);
    Ok(())
}

#[tokio::test]
async fn a_member_hangs_delays_and_dies() -> Result<(), Error> {
    let fake = FakeMember::builder().start().await?;
    let mut client = connect(&fake.url()).await;
    fake.hang();
    let (mut waiting, limit) = (client.clone(), Duration::from_millis(200));
    assert!(timeout(limit, waiting.status()).await.is_err());
    fake.resume();
    client.status().await.expect("a status");

    fake.set_delay(limit);
    let started = Instant::now();
    client.status().await.expect("a status");
    assert!(started.elapsed() >= limit);

    fake.close();
    let refused = async { while page_of(&fake.url(), "/health").await.is_ok() {} };
    timeout(Duration::from_secs(5), refused)
        .await
        .expect("refuses");
    Ok(())
}

async fn connect(url: &str) -> Client {
    Client::connect([url], None)
        .await
        .expect("connecting is lazy")
}

fn contains(answer: &[u8], part: &[u8]) -> bool {
    answer.windows(part.len()).any(|window| window == part)
}

async fn page(fake: &FakeMember, path: &str) -> Vec<u8> {
    page_of(&fake.url(), path).await.expect("an answer")
}

/// Head and body, over HTTP/1.0, where the body is not cut into chunks.
async fn page_of(url: &str, path: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await?;
    let request = format!("GET {path} HTTP/1.0\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}
