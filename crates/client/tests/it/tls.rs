//! Certificates that are right, wrong, expired, and rotated.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_client::{ClusterClient, Consistency, ErrorKind, TlsOptions};
use etcd_monitor_testkit::{CertificatePem, Cluster, TestCa, TlsMode};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::local::LocalServer;
use crate::{client, endpoint, eventually, options};

async fn cluster(mode: TlsMode) -> Cluster {
    Cluster::builder()
        .members(1)
        .tls(mode)
        .start()
        .await
        .unwrap()
}

fn trusting(cluster: &Cluster) -> TlsOptions {
    TlsOptions::new().with_ca_file(cluster.ca_file().unwrap())
}

fn with_certificate(options: TlsOptions, cluster: &Cluster) -> TlsOptions {
    let cert = cluster.client_cert_file().unwrap();
    options.with_client_certificate(cert, cluster.client_key_file().unwrap())
}

/// The kind and the text of what `status` and `metrics_page` answer.
async fn failures(url: &str, tls: TlsOptions) -> Vec<String> {
    let member = client(url, options().with_tls(tls));
    let errors = [
        member.status().await.unwrap_err(),
        member.metrics_page().await.unwrap_err(),
    ];
    for error in &errors {
        assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
    }
    errors.map(|error| error.to_string()).to_vec()
}

fn all_say(failures: &[String], part: &str) {
    assert!(
        failures.iter().all(|text| text.contains(part)),
        "{failures:#?}"
    );
}

#[tokio::test]
async fn certificates_are_verified_in_both_directions() {
    let cluster = cluster(TlsMode::Mutual).await;
    let url = cluster.member(0).client_url();
    let member = client(
        url,
        options().with_tls(with_certificate(trusting(&cluster), &cluster)),
    );
    member.status().await.unwrap();
    member.member_list(Consistency::Linearizable).await.unwrap();
    member.metrics_page().await.unwrap();
    assert!(member.health().await.unwrap().healthy);

    all_say(&failures(url, trusting(&cluster)).await, "--cert and --key");
    let named = with_certificate(trusting(&cluster), &cluster).with_server_name("other.example");
    all_say(&failures(url, named).await, "another name");
    let missing = TlsOptions::new().with_ca_file("/does/not/exist.crt");
    all_say(&failures(url, missing).await, "/does/not/exist.crt");
    let half = trusting(&cluster).with_client_certificate(
        cluster.client_key_file().unwrap(),
        cluster.client_key_file().unwrap(),
    );
    all_say(&failures(url, half).await, "no PEM certificate");
}

/// Who shows no certificate hears of it after the handshake of TLS 1.3, when it has written already: the member closes, and
/// what was written to it meanwhile may fail before its reason is read.
#[tokio::test]
async fn a_client_certificate_that_is_missing_is_named_however_fast_the_member_closes() {
    let cluster = cluster(TlsMode::Mutual).await;
    let url = cluster.member(0).client_url().to_owned();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (url, tls) = (url.clone(), trusting(&cluster));
        asking.spawn(async move {
            let patient = options()
                .with_deadline(Duration::from_secs(20))
                .with_tls(tls);
            let member = client(&url, patient);
            [
                member.status().await.unwrap_err(),
                member.metrics_page().await.unwrap_err(),
            ]
        });
    }
    while let Some(errors) = asking.join_next().await {
        for error in errors.unwrap() {
            assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
            assert!(error.to_string().contains("--cert and --key"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_port_with_the_other_scheme_is_named() {
    let cluster = cluster(TlsMode::ServerOnly).await;
    let url = cluster.member(0).client_url();
    let plain = url.replace("https://", "http://");
    all_say(&failures(&plain, TlsOptions::new()).await, "use https://");

    let plain = Cluster::builder().members(1).start().await.unwrap();
    let secure = plain.member(0).client_url().replace("http://", "https://");
    all_say(&failures(&secure, trusting(&cluster)).await, "use http://");
}

#[tokio::test]
async fn a_wrong_authority_is_named_and_a_rotated_one_is_used() {
    let cluster = cluster(TlsMode::ServerOnly).await;
    let url = cluster.member(0).client_url();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.crt");
    std::fs::write(&file, TestCa::new("other").unwrap().pem()).unwrap();
    let tls = TlsOptions::new().with_ca_file(&file);
    all_say(&failures(url, tls.clone()).await, "trusted authority");

    let member = client(url, options().with_tls(tls));
    assert_eq!(member.status().await.unwrap_err().kind(), ErrorKind::Tls);
    std::fs::copy(cluster.ca_file().unwrap(), &file).unwrap();
    eventually(Duration::from_secs(3), async || member.status().await).await;
    eventually(Duration::from_secs(6), async || member.metrics_page().await).await;

    // What is unusable in the middle of a rotation leaves the last usable state in force.
    std::fs::write(&file, "-----BEGIN").unwrap();
    member.status().await.unwrap();
}

#[tokio::test]
async fn a_rotated_client_certificate_is_used() {
    let cluster = cluster(TlsMode::Mutual).await;
    let folder = tempfile::tempdir().unwrap();
    let other = TestCa::new("other").unwrap().issue("client", &[]).unwrap();
    let (cert, key) = other.write(folder.path(), "client").unwrap();
    let tls = trusting(&cluster).with_client_certificate(&cert, &key);
    let member = client(cluster.member(0).client_url(), options().with_tls(tls));
    let error = member.status().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
    assert!(
        error.to_string().contains("refuses our client certificate"),
        "{error}"
    );
    std::fs::copy(cluster.client_cert_file().unwrap(), &cert).unwrap();
    std::fs::copy(cluster.client_key_file().unwrap(), &key).unwrap();
    eventually(Duration::from_secs(3), async || member.status().await).await;
}

/// A server that only shows this certificate.
async fn showing(certificate: &CertificatePem) -> LocalServer {
    let chain = vec![CertificateDer::from_pem_slice(certificate.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    LocalServer::start(move |stream| {
        let acceptor = acceptor.clone();
        async move { drop(acceptor.accept(stream).await) }
    })
    .await
}

#[tokio::test]
async fn who_closes_right_after_tls_without_a_word_may_want_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let ca = TestCa::new("ca").unwrap();
    let server = showing(&ca.issue("etcd", &["127.0.0.1"]).unwrap()).await;
    let url = server.url.replace("http://", "https://");
    let member = client(&url, options().with_tls(write_ca(folder.path(), &ca)));
    for error in [
        member.status().await.unwrap_err(),
        member.metrics_page().await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        let hint = "right after TLS was made, without --cert";
        assert!(error.to_string().contains(hint), "{error}");
    }
}

fn write_ca(folder: &Path, ca: &TestCa) -> TlsOptions {
    let file = folder.join("ca.crt");
    std::fs::write(&file, ca.pem()).unwrap();
    TlsOptions::new().with_ca_file(file)
}

#[tokio::test]
async fn an_expired_certificate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let ca = TestCa::new("ca").unwrap();
    let server = showing(&ca.issue_expired("etcd", &["127.0.0.1"]).unwrap()).await;
    let url = server.url.replace("http://", "https://");
    all_say(
        &failures(&url, write_ca(folder.path(), &ca)).await,
        "has expired",
    );
}

#[tokio::test]
async fn the_certificates_of_a_port_are_seen_also_where_the_handshake_fails() {
    let cluster = cluster(TlsMode::Mutual).await;
    let look = async |url: &str, tls: TlsOptions| {
        let client = ClusterClient::new(options().with_tls(tls)).unwrap();
        client.certificates(&endpoint(url)).await
    };
    let trusted = with_certificate(trusting(&cluster), &cluster);
    for url in [cluster.member(0).client_url(), cluster.member(0).peer_url()] {
        let shown = look(url, trusted.clone()).await.unwrap();
        assert!(shown.covers_host && shown.refused.is_none(), "{shown:?}");
        assert_eq!(shown.chain[0].subject, "CN=etcd");
    }
    let folder = tempfile::tempdir().unwrap();
    let strange = write_ca(folder.path(), &TestCa::new("other").unwrap());
    let shown = look(cluster.member(0).peer_url(), strange.clone()).await;
    assert!(
        shown
            .unwrap()
            .refused
            .unwrap()
            .contains("trusted authority")
    );

    let plain = LocalServer::saying(b"HTTP/1.1 200 OK\r\n\r\n").await;
    let url = plain.url.replace("http://", "https://");
    assert!(look(&url, strange.clone()).await.is_err());
    let silent = LocalServer::start(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let url = silent.url.replace("http://", "https://");
    let error = look(&url, strange).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
}

#[tokio::test]
async fn our_own_certificate_is_read_where_there_is_one() {
    let cluster = cluster(TlsMode::Mutual).await;
    let own = async |tls: TlsOptions| {
        let client = ClusterClient::new(options().with_tls(tls)).unwrap();
        client.own_certificates().await.unwrap()
    };
    assert!(own(trusting(&cluster)).await.is_empty());
    let chain = own(with_certificate(trusting(&cluster), &cluster)).await;
    assert_eq!(chain[0].subject, "CN=etcd-monitor-test-client");
}
