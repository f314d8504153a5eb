//! `HashKV` on every version: what it answers, and how it refuses.

use std::time::Duration;

use etcd_monitor_client::{ErrorKind, HashKvAnswer, MemberClient};
use etcd_monitor_testkit::Cluster;

use crate::{client_of, options};

const DEADLINE: Duration = Duration::from_secs(10);

async fn revision(member: &MemberClient) -> i64 {
    member.status().await.unwrap().revision
}

async fn compact(cluster: &Cluster, revision: i64) {
    let mut client = etcd_client::Client::connect([cluster.member(0).client_url()], None)
        .await
        .unwrap();
    let physical = etcd_client::CompactionOptions::new().with_physical();
    client.compact(revision, Some(physical)).await.unwrap();
}

/// Three changes of one key, hashed before and after compaction.
async fn of_version(version: &str, tells_revision: bool) {
    let cluster = Cluster::builder()
        .members(1)
        .version(version)
        .start()
        .await
        .unwrap();
    let member = client_of(cluster.member(0));
    for value in ["one", "two", "three"] {
        cluster.put("k", value).await.unwrap();
    }
    let latest = revision(&member).await;
    let hash = async |revision| member.hash_kv(revision, DEADLINE).await;
    let before: HashKvAnswer = hash(latest - 1).await.unwrap();
    assert_eq!(before.member_id, cluster.member(0).id());
    assert_eq!(before.cluster_id, member.status().await.unwrap().cluster_id);
    assert_eq!((before.compact_revision, before.revision), (-1, latest));
    let told = tells_revision.then_some(latest - 1);
    assert_eq!(before.hash_revision, told, "{version}");
    assert_ne!(hash(latest).await.unwrap().hash, before.hash);

    let error = hash(latest + 5).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FutureRevision, "{error}");
    compact(&cluster, latest - 1).await;
    let error = hash(latest - 2).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Compacted, "{error}");
    let fresh = hash(latest).await.unwrap();
    assert_eq!(fresh.compact_revision, latest - 1, "{version}");
    // Of the revision up to which it has compacted it tells the hash that it made then, as of the compaction before.
    compact(&cluster, latest).await;
    let kept = hash(latest).await.unwrap();
    assert_eq!(kept.compact_revision, latest - 1, "{version}");
    cluster.put("k", "four").await.unwrap();
    let fresh = hash(latest + 1).await.unwrap();
    assert_eq!(fresh.compact_revision, latest, "{version}");
}

#[tokio::test]
async fn three_seven_is_hashed() {
    of_version("3.7.3", true).await;
}

#[tokio::test]
async fn three_six_is_hashed() {
    of_version("3.6.16", true).await;
}

#[tokio::test]
async fn three_five_is_hashed_and_does_not_tell_up_to_where() {
    of_version("3.5.35", false).await;
}

#[tokio::test]
async fn a_learner_does_not_hash() {
    let mut cluster = Cluster::builder().members(1).start().await.unwrap();
    let index = cluster.add_learner().await.unwrap();
    let learner = client_of(cluster.member(index));
    let error = learner.hash_kv(0, DEADLINE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported, "{error}");
}

#[tokio::test]
async fn the_deadline_is_that_of_the_call() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let url = cluster.member(0).client_url();
    let member = crate::client(url, options());
    member.status().await.unwrap();
    let error = member.hash_kv(0, Duration::ZERO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(error.to_string().contains("HashKV"), "{error}");
    cluster.member(0).stop().unwrap();
    let patience = Duration::from_millis(300);
    let error = member.hash_kv(0, patience).await.unwrap_err();
    assert!(error.to_string().contains("within 0.3 s"), "{error}");
    cluster.member(0).cont().unwrap();
}
