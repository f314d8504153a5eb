//! A cluster with mutual TLS and authentication, and the secrets of it.

use std::fs;
use std::path::Path;

use etcd_monitor_core::Recording;
use etcd_monitor_testkit::{Cluster, TlsMode};
use etcd_monitor_tests::harness::{Daemon, WebhookReceiver};

use crate::{FINDINGS, SNAPSHOT, firing, healthy, resolved, started};

/// Everything that a process shows to others on its machine.
fn shown(daemon: &Daemon) -> String {
    let read = |name: &str| {
        let bytes = fs::read(format!("/proc/{}/{name}", daemon.pid())).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    read("cmdline") + &read("environ")
}

/// Everything that is kept, what is recorded as text.
fn kept(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .map(|path| {
            if path.is_dir() {
                return kept(&path);
            }
            match Recording::load(&path) {
                Ok(recording) => format!("{recording:?}"),
                Err(_) => String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned(),
            }
        })
        .collect()
}

#[tokio::test]
async fn mutual_tls_with_a_password_works_and_the_password_is_nowhere() {
    let cluster = started(Cluster::builder().tls(TlsMode::Mutual).auth(true)).await;
    let password = cluster.password().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let password_file = folder.path().join("password");
    fs::write(&password_file, format!("{password}\n")).unwrap();
    let hook = WebhookReceiver::start().await;
    let file = |path: Option<&Path>| path.unwrap().to_str().unwrap().to_owned();
    let arguments = [
        ("--endpoints", cluster.member(0).client_url().to_owned()),
        ("--cacert", file(cluster.ca_file())),
        ("--cert", file(cluster.client_cert_file())),
        ("--key", file(cluster.client_key_file())),
        ("--user", cluster.user().unwrap().to_owned()),
        ("--password-file", file(Some(&password_file))),
        ("--webhook-url", hook.url().to_owned()),
        ("--interval", "1s".to_owned()),
    ];
    let daemon = Daemon::start(
        arguments
            .into_iter()
            .flat_map(|(flag, value)| [flag.to_owned(), value]),
    )
    .await;
    healthy(&daemon, 3).await;

    cluster.member(1).kill().await.unwrap();
    firing(&daemon, "MemberDown").await;
    cluster.member(1).start().unwrap();
    resolved(&daemon, "MemberDown").await;
    healthy(&daemon, 3).await;
    let answered =
        daemon.json(SNAPSHOT).await.to_string() + &daemon.json(FINDINGS).await.to_string();
    let told: String = hook
        .all()
        .iter()
        .map(|post| post.body.to_string())
        .collect();
    let shown = shown(&daemon);
    assert_eq!(daemon.terminate().await.code(), Some(0));
    let places = [
        daemon.log().text(),
        shown,
        kept(daemon.data_dir()),
        answered,
        told,
    ];
    for place in places {
        assert!(!place.is_empty());
        assert!(!place.contains(password), "{place}");
    }
}
