//! The certificates of a cluster's ports, as the route tells them.

use std::time::{Duration, SystemTime};

use etcd_monitor_testkit::{Cluster, TlsMode};
use etcd_monitor_tests::harness::Daemon;
use serde_json::Value;

use crate::{
    FINDINGS, finding_of, healthy, items, number, one, started, text, true_finding, watch,
};

const CERTIFICATES: &str = "/api/v1/cluster/certificates";
const DAY: Duration = Duration::from_hours(24);

/// A daemon that trusts the authority of the cluster, and shows a certificate of it.
async fn trusting(cluster: &Cluster) -> Daemon {
    let files = [
        ("--cacert", cluster.ca_file()),
        ("--cert", cluster.client_cert_file()),
        ("--key", cluster.client_key_file()),
    ];
    let mut arguments = vec!["--endpoints", cluster.member(0).client_url()];
    arguments.extend(["--interval", "1s"]);
    for (flag, file) in files {
        arguments.extend([flag, file.unwrap().to_str().unwrap()]);
    }
    let daemon = Daemon::start(arguments).await;
    healthy(&daemon, 1).await;
    daemon
}

/// The certificates of the client port and of the peer port.
async fn shown(daemon: &Daemon) -> [Value; 2] {
    let document = daemon.json(CERTIFICATES).await;
    assert_eq!(items(&document, "without_tls").len(), 0, "{document:#}");
    assert_eq!(items(&document, "unknown").len(), 0, "{document:#}");
    let [client, peer] = items(&document, "certificates") else {
        panic!("one of each port: {document:#}");
    };
    let ports = [text(client, "port"), text(peer, "port")];
    assert_eq!(ports, ["client", "peer"]);
    [client.clone(), peer.clone()]
}

#[tokio::test]
async fn each_port_has_its_certificate_and_what_is_wrong_with_it() {
    let cluster = started(Cluster::builder().members(1).tls(TlsMode::Mutual)).await;
    let daemon = trusting(&cluster).await;
    for good in shown(&daemon).await {
        assert_eq!(
            (&good["covers_host"], &good["problem"]),
            (&true.into(), &Value::Null)
        );
        assert!(number(&good, "days_left") > 1_000.0, "{good:#}");
        assert!(!items(&good, "names").is_empty(), "{good:#}");
        assert_eq!(text(&good, "member"), cluster.member(0).name());
        assert_eq!(
            text(&good, "member_id"),
            format!("{:x}", cluster.member(0).id())
        );
        assert!(text(&good, "url").starts_with("https://"), "{good:#}");
    }
    drop(daemon);

    let now = SystemTime::now();
    let valid = now - 30 * DAY..now + 2 * DAY + DAY / 24;
    let authority = cluster.authority().unwrap();
    let url = cluster.member(0).client_url();
    let host = url.trim_start_matches("https://").split(':').next();
    let soon = authority.issue_valid("soon over", &[host.unwrap()], valid);
    cluster.replace_server_certificate(&soon.unwrap()).unwrap();
    let daemon = trusting(&cluster).await;
    finding_of(&daemon, "CertificateExpiring").await;
    let findings = daemon.json(FINDINGS).await;
    let told = text(
        true_finding(&findings, "CertificateExpiring").unwrap(),
        "cause",
    );
    let [client, peer] = shown(&daemon).await;
    assert_eq!(
        text(&client, "problem"),
        told,
        "the worst of the member's ports"
    );
    for ending in [&client, &peer] {
        assert!(
            text(ending, "problem").contains("ends in 2 d"),
            "{ending:#}"
        );
        assert!(
            (1.9..=2.1).contains(&number(ending, "days_left")),
            "{ending:#}"
        );
        assert!(text(ending, "subject").contains("soon over"), "{ending:#}");
    }
}

#[tokio::test]
async fn ports_without_tls_are_listed_as_such() {
    let cluster = one().await;
    let daemon = watch(&cluster).await;
    healthy(&daemon, 1).await;
    let document = daemon.json(CERTIFICATES).await;
    assert_eq!(items(&document, "certificates").len(), 0, "{document:#}");
    let ports: Vec<&str> = items(&document, "without_tls")
        .iter()
        .map(|port| text(port, "port"))
        .collect();
    assert_eq!(ports, ["client", "peer"], "{document:#}");
    assert_eq!(
        document["without_tls"][0]["url"],
        cluster.member(0).client_url()
    );
}
