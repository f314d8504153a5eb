//! What healthy clusters answer, and clusters without a quorum.

use std::time::Duration;

use etcd_monitor_client::discovery::{Discovery, DiscoveryPolicy};
use etcd_monitor_client::{
    AlarmKind, ClusterClient, Consistency, ErrorKind, MetricsUrl, exposition,
};
use etcd_monitor_testkit::{AlarmKind as Raised, Cluster};

use crate::{client, client_of, endpoint, options};

#[tokio::test]
async fn a_cluster_is_found_and_read_from_one_endpoint() {
    let cluster = Cluster::builder().start().await.unwrap();
    let clients = ClusterClient::new(options()).unwrap();
    let first = endpoint(&cluster.endpoints()[0]);
    let status = clients.member(&first).status().await.unwrap();
    assert_eq!(status.member_id, cluster.member(0).id());
    assert_eq!(status.version, "3.7.3");
    assert!(status.leader.is_some() && status.raft_term > 0 && !status.is_learner);
    assert!(status.raft_applied_index.unwrap() <= status.raft_index);
    assert!(status.db_size_in_use_bytes > 0 && status.db_size_in_use_bytes <= status.db_size_bytes);
    assert_eq!(status.db_quota_bytes, Some(2 << 30));

    let list = clients
        .member(&first)
        .member_list(Consistency::Linearizable)
        .await
        .unwrap();
    assert_eq!(list.cluster_id, status.cluster_id);
    let policy = DiscoveryPolicy {
        enabled: true,
        has_credentials: false,
        verified_tls: false,
    };
    let mut discovery = Discovery::new(vec![first.clone()], policy);
    discovery.matched(&first, status.member_id);
    discovery.listed(&list.members);
    let targets = discovery.targets();
    assert_eq!(targets.len(), 3);
    for target in targets {
        let status = clients
            .member(&target.endpoint.unwrap())
            .status()
            .await
            .unwrap();
        assert_eq!(Some(status.member_id), target.member_id);
    }
}

#[tokio::test]
async fn alarms_reads_and_learners() {
    let mut cluster = Cluster::builder().members(1).start().await.unwrap();
    let member = client_of(cluster.member(0));
    assert_eq!(member.alarms().await.unwrap(), []);
    let before = member.read(b"k", Consistency::Linearizable).await.unwrap();
    assert_eq!(before.value, None);
    cluster.put("k", "v").await.unwrap();
    for consistency in [Consistency::Linearizable, Consistency::Serializable] {
        let after = member.read(b"k", consistency).await.unwrap();
        assert_eq!(after.value.as_deref(), Some(b"v".as_slice()));
        assert_eq!(after.revision, before.revision + 1);
        assert_eq!(after.member_id, cluster.member(0).id());
    }
    cluster.raise_alarm(Raised::NoSpace).await.unwrap();
    let alarms = member.alarms().await.unwrap();
    assert_eq!(alarms.len(), 1);
    assert_eq!(alarms[0].kind, AlarmKind::NoSpace);
    let health = member.health().await.unwrap();
    assert_eq!(
        (health.healthy, health.reason.as_str()),
        (false, "ALARM NOSPACE")
    );
    cluster.disarm_alarms().await.unwrap();

    let index = cluster.add_learner().await.unwrap();
    let learner = client_of(cluster.member(index));
    assert!(learner.status().await.unwrap().is_learner);
    let error = learner
        .member_list(Consistency::Serializable)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported, "{error}");
}

#[tokio::test]
async fn without_a_quorum_only_the_serializable_answers_come() {
    let cluster = Cluster::builder().start().await.unwrap();
    let member = client_of(cluster.member(0));
    member.member_list(Consistency::Linearizable).await.unwrap();
    cluster.member(1).kill().await.unwrap();
    cluster.member(2).kill().await.unwrap();

    let list = member.member_list(Consistency::Serializable).await.unwrap();
    assert_eq!(list.members.len(), 3);
    let (listed, read, status) = tokio::join!(
        member.member_list(Consistency::Linearizable),
        member.read(b"k", Consistency::Linearizable),
        member.status(),
    );
    for error in [listed.unwrap_err(), read.unwrap_err()] {
        let expected = matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::NoLeader);
        assert!(expected, "{error}");
    }
    assert_eq!(status.unwrap().member_id, cluster.member(0).id());
    member.read(b"k", Consistency::Serializable).await.unwrap();
}

#[tokio::test]
async fn older_versions_answer_too() {
    let cluster = Cluster::builder()
        .members(1)
        .version("3.5.35")
        .start()
        .await
        .unwrap();
    let member = client_of(cluster.member(0));
    let status = member.status().await.unwrap();
    assert_eq!(
        (status.version.as_str(), status.db_quota_bytes),
        ("3.5.35", None)
    );
    let list = member.member_list(Consistency::Linearizable).await.unwrap();
    assert_eq!(list.members[0].id, status.member_id);
    assert_eq!(member.alarms().await.unwrap(), []);
    let version = member.version().await.unwrap();
    assert_eq!((version.server.as_str(), version.storage), ("3.5.35", None));
}

#[tokio::test]
async fn pages_come_from_the_client_port_or_their_own() {
    let cluster = Cluster::builder()
        .members(1)
        .listen_metrics(true)
        .start()
        .await
        .unwrap();
    let url = cluster.member(0).client_url();
    let own_port = endpoint(cluster.member(0).metrics_url()).port();
    let template = MetricsUrl::parse(&format!("http://{{host}}:{own_port}")).unwrap();
    let direct = endpoint(cluster.member(0).direct_client_url());
    let own = client(direct.as_str(), options().with_metrics_url(template));
    for member in [client(url, options()), own] {
        let page = member.metrics_page().await.unwrap();
        let mut scan = exposition::scan(&page, &["etcd_server_has_leader", "grpc_server_handled"]);
        let samples: Vec<_> = scan.by_ref().collect();
        assert_eq!(scan.skipped(), 0);
        let leader = samples
            .iter()
            .find(|sample| sample.name == "etcd_server_has_leader")
            .unwrap();
        assert!((leader.value - 1.0).abs() < f64::EPSILON);
        let handled = samples
            .iter()
            .find(|sample| sample.name == "grpc_server_handled_total")
            .unwrap();
        assert!(handled.labels.get("grpc_method").is_some());
        assert!(member.health().await.unwrap().healthy);
        assert_eq!(member.version().await.unwrap().server, "3.7.3");
    }
    let small = client(url, options().with_metrics_limit_bytes(10_000));
    let error = small.metrics_page().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadAnswer);
    assert!(
        error.to_string().contains("larger than 10000 bytes"),
        "{error}"
    );
    let slow = client(url, options().with_deadline(Duration::from_nanos(1)));
    assert_eq!(
        slow.metrics_page().await.unwrap_err().kind(),
        ErrorKind::TimedOut
    );
}
