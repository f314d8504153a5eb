//! Links are proved on real etcd: each direction alone, both, and healing.

use std::time::Duration;

use etcd_client::{Client, ConnectOptions};
use etcd_monitor_testkit::{Cluster, Error, TlsMode};
use tokio::time::{interval, timeout};

/// An election takes a second or two; a busy machine more.
const LIMIT: Duration = Duration::from_secs(20);

/// Longer than an answer, shorter than etcd's own limit of 7 s.
const READ_LIMIT: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_follower_that_is_not_heard_keeps_its_leader_and_cannot_read() -> Result<(), Error> {
    let cluster = Cluster::builder().start().await?;
    let (leader, follower) = roles(&cluster).await;
    cluster.link(follower, leader).cut();

    assert!(
        !reads(&cluster, follower).await,
        "a linearizable read asks the leader"
    );
    // Longer than an election timeout: a follower that missed heartbeats would have lost its
    // leader.
    let lost = timeout(Duration::from_secs(4), until_leader(&cluster, follower, 0)).await;
    assert!(lost.is_err(), "the follower still hears its leader");
    assert!(reads(&cluster, leader).await, "the others have a quorum");

    cluster.link(follower, leader).restore();
    until_reads(&cluster, follower).await;
    Ok(())
}

#[tokio::test]
async fn a_follower_that_hears_nothing_loses_its_leader() -> Result<(), Error> {
    let cluster = Cluster::builder().tls(TlsMode::Mutual).start().await?;
    let (leader, follower) = roles(&cluster).await;
    let id = cluster.member(leader).id();
    cluster.link(leader, follower).cut();
    until_leader(&cluster, follower, 0).await;
    assert_eq!(
        cluster.leader_index().await,
        Some(leader),
        "the others keep theirs"
    );
    cluster.heal();
    until_leader(&cluster, follower, id).await;
    until_reads(&cluster, follower).await;

    cluster.isolate(follower);
    until_leader(&cluster, follower, 0).await;
    cluster.heal();
    until_leader(&cluster, follower, id).await;
    Ok(())
}

#[tokio::test]
async fn an_isolated_leader_is_replaced_and_follows_after_healing() -> Result<(), Error> {
    let cluster = Cluster::builder().start().await?;
    let (leader, follower) = roles(&cluster).await;
    cluster.isolate(leader);
    until_leader(&cluster, leader, 0).await;
    let next = async {
        let mut ticks = interval(Duration::from_millis(100));
        loop {
            ticks.tick().await;
            match cluster.leader_index().await {
                Some(index) if index != leader => break index,
                _ => {}
            }
        }
    };
    let next = timeout(LIMIT, next).await.expect("the majority elects");
    assert!(reads(&cluster, follower).await);
    cluster.heal();
    until_leader(&cluster, leader, cluster.member(next).id()).await;
    cluster.wait_ready(LIMIT).await
}

#[tokio::test]
async fn clients_are_cut_off_and_dead_members_refuse() -> Result<(), Error> {
    let cluster = Cluster::builder().members(1).start().await?;
    let address = cluster
        .member(0)
        .client_url()
        .trim_start_matches("http://")
        .to_owned();
    assert!(reads_at(cluster.member(0).client_url()).await);
    cluster.isolate_from_clients(0);
    assert!(!reads_at(cluster.member(0).client_url()).await);
    assert!(reads_at(cluster.member(0).direct_client_url()).await);
    cluster.heal();
    assert!(reads_at(cluster.member(0).client_url()).await);

    cluster.member(0).kill().await?;
    let refusal = tokio::net::TcpStream::connect(&address)
        .await
        .expect_err("nobody listens");
    assert_eq!(refusal.kind(), std::io::ErrorKind::ConnectionRefused);
    cluster.member(0).restart().await?;
    assert!(reads_at(cluster.member(0).client_url()).await);
    Ok(())
}

#[tokio::test]
async fn a_delayed_link_delays_reads_through_it() -> Result<(), Error> {
    let cluster = Cluster::builder().start().await?;
    let (leader, follower) = roles(&cluster).await;
    cluster
        .link(leader, follower)
        .delay(Duration::from_millis(300));
    let started = std::time::Instant::now();
    assert!(reads(&cluster, follower).await);
    assert!(started.elapsed() >= Duration::from_millis(300));
    Ok(())
}

/// The index of the leader and that of a follower.
async fn roles(cluster: &Cluster) -> (usize, usize) {
    let leader = cluster
        .leader_index()
        .await
        .expect("a ready cluster has a leader");
    (leader, (leader + 1) % cluster.members().len())
}

/// Returns once this member's leader is the one with this id (0: none).
async fn until_leader(cluster: &Cluster, index: usize, leader: u64) {
    let looked = async {
        let mut ticks = interval(Duration::from_millis(50));
        let mut client = client(cluster, index).await;
        while client.status().await.map(|status| status.leader()).ok() != Some(leader) {
            ticks.tick().await;
        }
    };
    timeout(LIMIT, looked)
        .await
        .unwrap_or_else(|_| panic!("m{index} never had leader {leader:x}"));
}

async fn until_reads(cluster: &Cluster, index: usize) {
    let looked = async { while !reads(cluster, index).await {} };
    timeout(LIMIT, looked)
        .await
        .unwrap_or_else(|_| panic!("m{index} never read again"));
}

async fn reads(cluster: &Cluster, index: usize) -> bool {
    let mut client = client(cluster, index).await;
    let read = timeout(READ_LIMIT, client.get("key", None)).await;
    matches!(read, Ok(Ok(_)))
}

async fn reads_at(url: &str) -> bool {
    let mut client = Client::connect([url], None)
        .await
        .expect("connecting is lazy");
    let read = timeout(READ_LIMIT, client.get("key", None)).await;
    matches!(read, Ok(Ok(_)))
}

/// A client of one member, as a user would connect.
async fn client(cluster: &Cluster, index: usize) -> Client {
    let mut options = ConnectOptions::new();
    if let (Some(ca), Some(certificate), Some(key)) = (
        cluster.ca_file(),
        cluster.client_cert_file(),
        cluster.client_key_file(),
    ) {
        let read = |path| std::fs::read(path).expect("the cluster's files are readable");
        let tls = etcd_client::TlsOptions::new()
            .ca_certificate(etcd_client::Certificate::from_pem(read(ca)))
            .identity(etcd_client::Identity::from_pem(
                read(certificate),
                read(key),
            ));
        options = options.with_tls(tls);
    }
    let url = cluster.member(index).client_url();
    Client::connect([url], Some(options))
        .await
        .expect("connecting is lazy")
}
