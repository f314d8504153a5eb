//! Certificates, versions and changes of leader, as a client reads them.

use super::*;
use etcd_monitor_model::{
    AlertType, Finding, FindingStatus, KnownDefect, LeaderChange, LeaderChangeCause, MemberPort,
    MemberVersions, PortCertificate, PortKind, Severity, Subject, UnseenPort, rule,
};
use serde_json::json;

fn port(port: PortKind, url: &str) -> MemberPort {
    MemberPort {
        member: "n1".to_owned(),
        member_id: Some(MemberId(0x1f)),
        port,
        url: url.to_owned(),
    }
}

#[tokio::test]
async fn certificates_are_told_with_the_days_that_are_left() {
    let mut secure = snapshot("c");
    let now = secure.at;
    secure.certificates.shown = vec![PortCertificate {
        place: port(PortKind::Peer, "https://n1:2380"),
        subject: "CN=<b>n1</b>".to_owned(),
        issuer: "CN=authority".to_owned(),
        names: vec!["n1".to_owned()],
        not_before: now - 48.hours(),
        not_after: now + 60.hours() + 30.minutes(),
        covers_host: false,
        refused: None,
        problem: Some("it does not cover".to_owned()),
        seen_at: now,
    }];
    secure.certificates.without_tls = vec![port(PortKind::Client, "http://n1:2379")];
    secure.certificates.unknown = vec![UnseenPort {
        member: "n2".to_owned(),
        member_id: None,
        port: None,
        url: None,
        reason: "not looked at".to_owned(),
    }];
    let server = Server::of(vec![("c", Some(secure))]);
    let (status, document) = server.json("/api/v1/cluster/certificates").await;
    assert_eq!(
        (status, &document["cluster"]),
        (StatusCode::OK, &json!("c"))
    );
    let shown = &document["certificates"][0];
    for (field, value) in [
        ("member", json!("n1")),
        ("member_id", json!("1f")),
        ("port", json!("peer")),
        ("url", json!("https://n1:2380")),
        ("subject", json!("CN=<b>n1</b>")),
        ("issuer", json!("CN=authority")),
        ("names", json!(["n1"])),
        ("days_left", json!(2.5)),
        ("covers_host", json!(false)),
        ("problem", json!("it does not cover")),
        ("refused", Value::Null),
        ("seen_at", json!(now)),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    assert_eq!(
        document["without_tls"],
        json!([{"member": "n1", "member_id": "1f", "port": "client", "url": "http://n1:2379"}])
    );
    assert_eq!(
        document["unknown"],
        json!([{"member": "n2", "member_id": null, "port": null, "url": null, "reason": "not looked at"}])
    );
    assert!(document["age_seconds"].as_f64().unwrap() >= 0.0);
}

fn finding(rule: &str, status: FindingStatus) -> Finding {
    let cluster = ClusterName::new("c");
    let subject = Subject::cluster(&cluster);
    let (kind, severity) = (AlertType::Configuration, Severity::Info);
    let mut finding = Finding::new(rule, kind, severity, &cluster, subject, Timestamp::now());
    finding.status = status;
    finding
}

#[tokio::test]
async fn versions_are_told_with_the_findings_about_them() {
    let mut old = snapshot("c");
    old.versions.cluster_version = Some("3.5.0".to_owned());
    old.versions.members = vec![MemberVersions {
        member: "n1".to_owned(),
        member_id: MemberId(0x1f),
        version: Some("3.5.2".to_owned()),
        storage_version: None,
        known_defects: Some(vec![KnownDefect {
            id: "etcd#13766".to_owned(),
            problem: "data differ".to_owned(),
            endangers_data: true,
        }]),
    }];
    old.findings = vec![
        finding(rule::CLUSTER_VERSION_BEHIND, FindingStatus::False),
        finding(rule::MIXED_VERSIONS, FindingStatus::True),
        finding(rule::KNOWN_BAD_VERSION, FindingStatus::True),
        finding(rule::KNOWN_BAD_VERSION, FindingStatus::True),
        finding(rule::NO_LEADER, FindingStatus::True),
    ];
    let server = Server::of(vec![("c", Some(old))]);
    let (_, mut document) = server.json("/api/v1/cluster/versions").await;
    assert!(document["age_seconds"].take().is_f64());
    assert_eq!(
        document,
        json!({
            "cluster": "c", "cluster_version": "3.5.0", "mixed": true, "age_seconds": null,
            "findings": ["KnownBadVersion", "MixedVersions"],
            "members": [{
                "member": "n1", "member_id": "1f", "version": "3.5.2", "storage_version": null,
                "known_defects": [{"id": "etcd#13766", "problem": "data differ", "endangers_data": true}],
            }],
        })
    );
    let (_, unknown) = Server::one().json("/api/v1/cluster/versions").await;
    assert_eq!(
        (&unknown["mixed"], &unknown["cluster_version"]),
        (&Value::Null, &Value::Null)
    );
}

const LEADERS: &str = "/api/v1/cluster/leader/history";

fn change(term: u64) -> LeaderChange {
    LeaderChange {
        at: Timestamp::from_second(1_700_000_000 + i64::try_from(term).unwrap()).unwrap(),
        from: Some(MemberId(1)),
        to: MemberId(2),
        term,
        term_rise: Some(1),
        leaderless_max_seconds: None,
        cause: LeaderChangeCause::ProcessRestart,
        evidence: Vec::new(),
    }
}

#[tokio::test]
async fn changes_of_leader_come_in_pages() {
    let mut restless = snapshot("c");
    restless.leader_history = (1..=5).map(change).collect();
    let server = Server::of(vec![("c", Some(restless))]);
    let terms = |document: &Value| -> Vec<u64> {
        let changes = document["changes"].as_array().unwrap().iter();
        changes.map(|it| it["term"].as_u64().unwrap()).collect()
    };
    let (_, all) = server.json(LEADERS).await;
    let (_, leader) = server.json("/api/v1/cluster/leader").await;
    assert_eq!(all["changes"], leader["leader_history"]);
    assert_eq!((&all["cluster"], &all["next"]), (&json!("c"), &Value::Null));
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let (_, page) = server.json(&format!("{LEADERS}{query}")).await;
        seen.push(terms(&page));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        query = format!("?limit=2&before={next}");
    }
    assert_eq!(seen, [vec![4, 5], vec![2, 3], vec![1]]);
    for wrong in ["limit=0", "before=x", "before=4", "after=4"] {
        let response = server.get(&format!("{LEADERS}?{wrong}")).await;
        assert_problem(response, StatusCode::BAD_REQUEST, "bad_query").await;
    }
}
