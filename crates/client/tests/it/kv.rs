//! Key-value calls on a real member.

use etcd_monitor_client::{Consistency, ErrorKind, PutsQuery, RangeQuery};
use etcd_monitor_testkit::Cluster;

use crate::client_of;

#[tokio::test]
async fn ranges_deletions_and_transactions_tell_what_they_did() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let member = client_of(cluster.member(0));
    for number in 0..5 {
        let key = format!("k{number}");
        let revision = member.put(key.as_bytes(), b"value").await.unwrap();
        assert_eq!(revision, member.status().await.unwrap().revision);
    }
    let all = RangeQuery {
        end: b"l",
        limit: 2,
        ..RangeQuery::key(b"k")
    };
    let two = member.range(&all).await.unwrap();
    assert_eq!((two.count, two.pairs, two.bytes), (5, 2, 14));
    assert_eq!(two.last_key, b"k1");
    let counted = RangeQuery {
        count_only: true,
        consistency: Consistency::Serializable,
        ..all
    };
    let counted = member.range(&counted).await.unwrap();
    assert_eq!((counted.count, counted.pairs), (5, 0));
    let keys = RangeQuery {
        keys_only: true,
        limit: 0,
        ..all
    };
    assert_eq!(member.range(&keys).await.unwrap().bytes, 10);

    let one = member.delete(b"k0", b"").await.unwrap();
    assert_eq!(one.deleted, 1);
    let rest = member.delete(b"k", b"l").await.unwrap();
    assert_eq!((rest.deleted, rest.revision), (4, one.revision + 1));
    let nothing = member.delete(b"k", b"l").await.unwrap();
    assert_eq!((nothing.deleted, nothing.revision), (0, rest.revision));
}

#[tokio::test]
async fn puts_are_made_together_where_the_first_key_is_as_it_was() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let member = client_of(cluster.member(0));
    let puts = [
        (b"a".to_vec(), b"1".to_vec()),
        (b"b".to_vec(), b"2".to_vec()),
    ];
    let query = |if_first_modified_at| PutsQuery {
        puts: &puts,
        if_first_modified_at,
    };
    let made = member.puts(&query(Some(0))).await.unwrap();
    assert!(made.succeeded && made.first_modified_at.is_none());
    let refused = member.puts(&query(Some(0))).await.unwrap();
    assert!(!refused.succeeded);
    assert_eq!(refused.first_modified_at, Some(made.revision));
    assert_eq!(refused.revision, made.revision);
    assert!(
        member
            .puts(&query(Some(made.revision)))
            .await
            .unwrap()
            .succeeded
    );
    assert!(member.puts(&query(None)).await.unwrap().succeeded);

    let twice = [puts[0].clone(), puts[0].clone()];
    let error = member
        .puts(&PutsQuery {
            puts: &twice,
            if_first_modified_at: None,
        })
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Other, "{error}");
}
