//! What a history is given of a snapshot.

use std::collections::BTreeSet;

use etcd_monitor_model::{FailureKind, MemberId, SampleBatch, Snapshot};

use super::scene::{Scene, Watch, after_healthy, at_first_sight, id, ok, page};
use crate::samples;

/// The value of a series in the batch of a member, or of the cluster.
pub(super) fn value(snapshot: &Snapshot, member: Option<MemberId>, metric: &str) -> Option<f64> {
    let batches = samples(snapshot);
    let batch = batches.iter().find(|batch| of(batch) == member)?;
    let mut found = batch.samples.iter();
    let sample = found.find(|sample| sample.metric == metric && sample.peer.is_none())?;
    Some(sample.value)
}

fn of(batch: &SampleBatch) -> Option<MemberId> {
    batch.member.as_ref().map(|member| member.id)
}

/// Every series stands once, and every value is a number.
pub(super) fn check(snapshot: &Snapshot) {
    let mut batches = BTreeSet::new();
    for batch in samples(snapshot) {
        assert!(batches.insert(of(&batch)), "{:?} stands twice", of(&batch));
        assert_eq!((&batch.cluster, batch.at), (&snapshot.cluster, snapshot.at));
        let mut series = BTreeSet::new();
        for sample in &batch.samples {
            let key = (sample.metric.clone(), sample.peer);
            assert!(series.insert(key), "{sample:?} stands twice");
            assert!(sample.value.is_finite(), "{sample:?}");
        }
    }
}

#[test]
fn a_batch_stands_for_each_member_that_answered_and_one_for_the_cluster() {
    let snapshot = after_healthy(Scene::of(3));
    let batches: Vec<_> = samples(&snapshot).iter().map(of).collect();
    assert_eq!(batches, [Some(id(1)), Some(id(2)), Some(id(3)), None]);
    check(&snapshot);
    let of_first = |metric| value(&snapshot, Some(id(1)), metric);
    assert_eq!(of_first("database_allocated_bytes"), Some(20_971_520.0));
    assert_eq!(of_first("database_quota_bytes"), Some(104_857_600.0));
    assert_eq!(of_first("raft_term"), Some(2.0));
    assert_eq!(of_first("read_p99_seconds"), Some(0.002));
    assert_eq!(value(&snapshot, None, "healthy"), Some(1.0));
    assert_eq!(value(&snapshot, None, "voters_available"), Some(3.0));
}

#[test]
fn what_was_not_measured_is_a_gap() {
    let mut watch = Watch::after_healthy(3);
    let silent = watch.see(Scene::of(3).fails(2, FailureKind::TimedOut));
    let batches: Vec<_> = samples(&silent).iter().map(of).collect();
    assert_eq!(batches, [Some(id(1)), Some(id(3)), None]);
    assert_eq!(value(&silent, Some(id(1)), "watchers"), None);
    let blind = at_first_sight(Scene::of(3).all_fail(FailureKind::TimedOut).late());
    assert_eq!(value(&blind, None, "healthy"), None);
    assert_eq!(value(&blind, None, "voters_available"), None);
    let no_read = watch.see(Scene::of(3).without_quorum_reads());
    assert_eq!(value(&no_read, Some(id(1)), "read_p99_seconds"), None);
}

#[test]
fn a_member_whose_page_alone_answers_has_what_stands_on_it() {
    let scene = Scene::of(3).fails(3, FailureKind::Refused).edit(3, |seen| {
        seen.metrics = ok(page("etcd_debugging_mvcc_watcher_total 4\n"));
    });
    let snapshot = after_healthy(scene);
    assert_eq!(value(&snapshot, Some(id(3)), "watchers"), Some(4.0));
    assert_eq!(value(&snapshot, Some(id(3)), "raft_term"), None);
}

#[test]
fn values_of_a_link_stand_with_who_measured_them() {
    let counted = |second: i64, from: usize, to: usize| {
        let bytes = second * 100 * i64::try_from(from).unwrap();
        format!(
            "etcd_network_peer_sent_bytes_total{{To=\"{0}\"}} {bytes}\n\
             etcd_network_peer_received_bytes_total{{From=\"{0}\"}} {1}\n",
            id(to),
            bytes * 2
        )
    };
    let mut watch = Watch::default();
    let mut snapshot = watch.see(Scene::of(2));
    for _ in 0..8 {
        let second = watch.second + 5;
        let scene = Scene::of(2)
            .page(1, &counted(second, 1, 2))
            .page(2, &counted(second, 2, 1));
        snapshot = watch.see(scene);
    }
    let batches = samples(&snapshot);
    let batch = batches.iter().find(|batch| of(batch) == Some(id(1)));
    let of_peer = |metric: &str| {
        let mut samples = batch.unwrap().samples.iter();
        let found = samples.find(|sample| sample.metric == metric && sample.peer == Some(id(2)));
        found.map(|sample| sample.value)
    };
    assert_eq!(of_peer("peer_sent_bytes_per_second"), Some(100.0));
    assert_eq!(of_peer("peer_received_bytes_per_second"), Some(200.0));
    assert_eq!(of_peer("peer_round_trip_seconds"), None);
    check(&snapshot);
}
