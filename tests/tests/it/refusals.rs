//! Who is not let in is told so, and does not knock without end.

use std::fs;
use std::path::Path;

use etcd_monitor_testkit::{Cluster, TestCa, TlsMode};
use etcd_monitor_tests::harness::{CountingProxy, Daemon, Reply, http_client};
use serde_json::Value;

use crate::{
    FINDINGS, MEMBERS, finding_of, firing, items, rules_of_history, started, text, true_finding,
};

/// Cycles over which attempts are counted.
const CYCLES: u32 = 8;

/// One connection for gRPC and one for HTTP, and in each cycle one attempt more for each of them.
const CONNECTIONS_MAX: u32 = 2 + 2 * (CYCLES + 2);

/// The pauses after a refused password are 5 s and more.
const LOGINS_MAX: f64 = 4.0;

fn as_text(path: &Path) -> &str {
    path.to_str().expect("the paths of tests are text")
}

/// Nothing says that an endpoint is silent.
fn assert_not_called_silent(findings: &Value) {
    for rule in [
        "ClusterUnreachable",
        "MemberDown",
        "EndpointUnreachable",
        "QuorumLost",
    ] {
        assert!(
            true_finding(findings, rule).is_none(),
            "{rule}: {findings:#}"
        );
    }
}

async fn assert_only(daemon: &Daemon, rule: &str) {
    assert_not_called_silent(&daemon.json(FINDINGS).await);
    let rules = rules_of_history(daemon).await;
    assert_eq!(rules, [rule], "one cause, one alert");
}

/// Watches a TLS member through a proxy, trusting `ca`, and returns what is found and how many connections that took.
async fn handshakes(cluster: &Cluster, ca: &Path, rule: &str) -> (Daemon, Value) {
    let target = cluster
        .member(0)
        .client_url()
        .trim_start_matches("https://");
    let proxy = CountingProxy::start(target).await;
    let endpoint = format!("https://{}", proxy.address());
    let daemon = Daemon::start([
        "--endpoints",
        &endpoint,
        "--cacert",
        as_text(ca),
        "--interval",
        "1s",
    ])
    .await;
    let alert = firing(&daemon, rule).await;
    let before = proxy.accepted();
    daemon.cycles(CYCLES.into()).await;
    let connections = proxy.accepted() - before;
    assert!(
        connections <= CONNECTIONS_MAX,
        "{connections} connections in {CYCLES} cycles"
    );
    assert_only(&daemon, rule).await;
    (daemon, alert)
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_named_as_such() {
    let cluster = started(Cluster::builder().members(1).tls(TlsMode::ServerOnly)).await;
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.crt");
    fs::write(&other, TestCa::new("another authority").unwrap().pem()).unwrap();
    let (daemon, alert) = handshakes(&cluster, &other, "TlsFailed").await;
    assert_eq!(text(&alert, "severity"), "critical", "the monitor is blind");
    assert!(
        text(&alert, "cause").to_lowercase().contains("authority"),
        "{alert:#}"
    );
    let members = daemon.json(MEMBERS).await;
    assert_eq!(
        members["members"][0]["failure"]["kind"], "tls",
        "{members:#}"
    );
}

#[tokio::test]
async fn an_expired_certificate_is_named_as_such() {
    let cluster = started(Cluster::builder().members(1).tls(TlsMode::ServerOnly)).await;
    let folder = cluster.ca_file().unwrap().parent().unwrap();
    let authority = TestCa::new("authority of the expired").unwrap();
    // etcd reads the files anew for each handshake; the address is that of the proxy.
    authority
        .issue_expired("etcd", &["127.0.0.1"])
        .unwrap()
        .write(folder, "server")
        .unwrap();
    let trusted = folder.join("expired-ca.crt");
    fs::write(&trusted, authority.pem()).unwrap();
    let (daemon, alert) = handshakes(&cluster, &trusted, "CertificateExpiring").await;
    assert!(text(&alert, "cause").contains("ended"), "{alert:#}");
    let findings = daemon.json(FINDINGS).await;
    let failing = true_finding(&findings, "TlsFailed").unwrap();
    assert!(text(failing, "cause").contains("expired"), "{failing:#}");
    assert_eq!(failing["caused_by"]["rule"], "CertificateExpiring");
}

/// A file may be half written while it is rotated, so that this is no error of the start.
#[tokio::test]
async fn a_file_of_authorities_without_a_certificate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.crt");
    fs::write(&file, "no certificate").unwrap();
    let daemon = Daemon::start(["--cacert", as_text(&file), "--interval", "1s"]).await;
    let finding = finding_of(&daemon, "TlsFailed").await;
    for part in [as_text(&file), "no PEM certificate"] {
        assert!(text(&finding, "cause").contains(part), "{finding:#}");
    }
    assert_not_called_silent(&daemon.json(FINDINGS).await);
}

#[tokio::test]
async fn a_wrong_password_is_named_as_such_and_not_offered_again_and_again() {
    let cluster = started(Cluster::builder().members(1).auth(true)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, "not-the-password\n").unwrap();
    let endpoint = cluster.member(0).client_url();
    let arguments = [
        "--endpoints",
        endpoint,
        "--user",
        "root",
        "--password-file",
        as_text(&file),
    ];
    let before = logins(&cluster).await;
    let daemon = Daemon::start([&arguments[..], &["--interval", "1s"]].concat()).await;
    let alert = firing(&daemon, "AuthenticationFailed").await;
    assert!(
        text(&alert, "cause").contains("user or password is wrong"),
        "{alert:#}"
    );
    daemon.cycles(CYCLES.into()).await;
    let attempts = logins(&cluster).await - before;
    assert!(
        (1.0..=LOGINS_MAX).contains(&attempts),
        "{attempts} logins in {CYCLES} cycles"
    );
    assert_only(&daemon, "AuthenticationFailed").await;
    let said = daemon.log().text() + &daemon.json(FINDINGS).await.to_string();
    assert!(!said.contains("not-the-password"), "{said}");

    // Read again at each attempt, so that a corrected file needs no restart.
    fs::write(&file, cluster.password().unwrap()).unwrap();
    crate::resolved(&daemon, "AuthenticationFailed").await;
    crate::healthy(&daemon, 1).await;
}

#[tokio::test]
async fn credentials_that_are_missing_are_named_as_such() {
    let cluster = started(Cluster::builder().members(1).auth(true)).await;
    let daemon = crate::watch(&cluster).await;
    let finding = finding_of(&daemon, "AuthenticationFailed").await;
    assert!(!items(&finding, "evidence").is_empty(), "{finding:#}");
    assert_not_called_silent(&daemon.json(FINDINGS).await);
}

/// Logins that etcd has counted.
async fn logins(cluster: &Cluster) -> f64 {
    let url = format!("{}/metrics", cluster.member(0).direct_client_url());
    let page = Reply::of(http_client().get(url)).await.unwrap().text();
    let is = |line: &&str| {
        line.starts_with("grpc_server_started_total{") && line.contains("\"Authenticate\"")
    };
    let line = page.lines().find(is).expect("etcd counts its calls");
    line.rsplit(' ').next().unwrap().parse().unwrap()
}
