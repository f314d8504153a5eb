//! The canary on a real cluster: written, watched, and gone when it is closed.

use etcd_monitor_client::Consistency;
use etcd_monitor_model::rule;
use etcd_monitor_testkit::Cluster;

use super::*;
use crate::{AssessState, ClusterProbe, EtcdProbe, Parameters, ProbeOptions, assess};

fn probe_of(cluster: &Cluster) -> EtcdProbe {
    let endpoint = Endpoint::parse(cluster.member(0).client_url(), false).unwrap();
    let mut options = ProbeOptions::new("test", vec![endpoint]);
    let mut canary = CanaryOptions::new("etcd-monitor/canary");
    canary.interval = Duration::from_millis(1);
    options.canary = Some(canary);
    EtcdProbe::new(options).unwrap()
}

async fn value(probe: &EtcdProbe, cluster: &Cluster) -> Option<Vec<u8>> {
    let endpoint = Endpoint::parse(cluster.member(0).client_url(), false).unwrap();
    let member = probe.client.member(&endpoint);
    let read = member.read(b"etcd-monitor/canary", Consistency::Linearizable);
    read.await.unwrap().value
}

#[tokio::test]
async fn every_voter_tells_of_the_write_and_the_key_is_gone_at_the_end() {
    let cluster = Cluster::builder().members(3).start().await.unwrap();
    let mut probe = probe_of(&cluster);
    let first = probe.observe(1, Duration::ZERO).await;
    assert!(first.canary.is_none(), "nobody was known yet");
    let mut state = AssessState::default();
    for cycle in 2..4 {
        let observation = probe.observe(cycle, Duration::ZERO).await;
        let reading = observation.canary.clone().unwrap();
        assert!(reading.put.result.is_ok(), "{reading:?}");
        assert_eq!(reading.events.len(), 3);
        assert!(
            reading
                .events
                .iter()
                .all(|event| event.event.result.is_ok()),
            "{reading:?}"
        );
        let snapshot = assess(&mut state, &observation, &Parameters::default());
        assert_eq!(snapshot.cost.canary_writes, 1);
        let latency = snapshot.canary.unwrap().write_latency.unwrap();
        assert_eq!(latency.count, cycle - 1);
        let canary = [rule::WATCH_LATE, rule::CANARY_WRITE_FAILING];
        let found = snapshot
            .findings
            .iter()
            .filter(|found| canary.contains(&found.rule.as_str()));
        assert!(
            found.clone().count() == 4
                && found.clone().all(|found| found.status.as_str() == "false")
        );
    }
    assert!(value(&probe, &cluster).await.is_some());
    probe.close().await;
    assert_eq!(value(&probe, &cluster).await, None);
}

#[tokio::test]
async fn a_write_without_a_quorum_fails_and_is_explained() {
    let cluster = Cluster::builder().members(3).start().await.unwrap();
    let mut probe = probe_of(&cluster);
    let mut state = AssessState::default();
    let parameters = Parameters::default();
    for cycle in 1..3 {
        assess(
            &mut state,
            &probe.observe(cycle, Duration::ZERO).await,
            &parameters,
        );
    }
    cluster.member(1).kill().await.unwrap();
    cluster.member(2).kill().await.unwrap();
    let observation = probe.observe(3, Duration::ZERO).await;
    assert!(observation.canary.as_ref().unwrap().put.result.is_err());
    let snapshot = assess(&mut state, &observation, &parameters);
    let mut found = snapshot.findings.iter();
    let found = found
        .find(|found| found.rule == rule::CANARY_WRITE_FAILING)
        .unwrap();
    assert!(
        found.status.is_true() && found.caused_by.is_some(),
        "{found:?}"
    );
}
