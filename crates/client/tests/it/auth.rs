//! Users, passwords and tokens.

use std::path::PathBuf;
use std::time::Duration;

use etcd_monitor_client::{
    ClientOptions, Consistency, Credentials, ErrorKind, MemberClient, Password, exposition,
};
use etcd_monitor_testkit::{Cluster, etcd_binaries};
use tokio::process::Command;

use crate::{client, eventually, options};

fn with_password(user: &str, password: Password) -> ClientOptions {
    let user = user.to_owned();
    options()
        .with_deadline(Duration::from_secs(3))
        .with_credentials(Credentials { user, password })
}

/// How often the member was asked to authenticate somebody.
async fn authentications(member: &MemberClient) -> f64 {
    let page = member.metrics_page().await.unwrap();
    let samples = exposition::scan(&page, &["grpc_server_handled"]);
    samples
        .filter(|sample| sample.labels.get("grpc_method").as_deref() == Some("Authenticate"))
        .map(|sample| sample.value)
        .sum()
}

async fn etcdctl(cluster: &Cluster, arguments: &[&str]) {
    let program: PathBuf = etcd_binaries("3.7.3").unwrap().join("etcdctl");
    let user = format!(
        "{}:{}",
        cluster.user().unwrap(),
        cluster.password().unwrap()
    );
    let output = Command::new(program)
        .args([
            "--endpoints",
            cluster.member(0).client_url(),
            "--user",
            &user,
        ])
        .args(arguments)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn users_are_let_in_or_told_why_not() {
    let cluster = Cluster::builder()
        .members(1)
        .auth(true)
        .start()
        .await
        .unwrap();
    let url = cluster.member(0).client_url();
    let (user, password) = (cluster.user().unwrap(), cluster.password().unwrap());

    let nobody = client(url, options());
    let error = nobody.status().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    assert!(error.to_string().contains("--user"), "{error}");

    let before = authentications(&nobody).await;
    let wrong = client(url, with_password(user, Password::Text("nope".into())));
    for _ in 0..20 {
        let error = wrong.status().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
        assert!(
            error.to_string().contains("check user and password"),
            "{error}"
        );
        assert!(!error.to_string().contains("nope"), "{error}");
    }
    let offered = authentications(&nobody).await - before;
    assert!(
        (offered - 1.0).abs() < f64::EPSILON,
        "the wrong password was offered {offered} times"
    );

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, format!("{password}\n")).unwrap();
    let member = client(url, with_password(user, Password::File(file)));
    member.status().await.unwrap();
    member.member_list(Consistency::Linearizable).await.unwrap();
    member.alarms().await.unwrap();
    member.read(b"k", Consistency::Linearizable).await.unwrap();

    // A restarted member does not know the tokens of before; the client gets a new one by itself.
    cluster.member(0).restart().await.unwrap();
    eventually(Duration::from_secs(2), async || member.status().await).await;
    assert!(member.read(b"k", Consistency::Linearizable).await.is_ok());

    etcdctl(&cluster, &["user", "add", "low:pw"]).await;
    let low = client(url, with_password("low", Password::Text("pw".into())));
    low.status().await.unwrap();
    let error = low.read(b"k", Consistency::Linearizable).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    let patience = Duration::from_secs(3);
    member.hash_kv(0, patience).await.unwrap();
    let error = low.hash_kv(0, patience).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
}

#[tokio::test]
async fn a_corrected_password_file_is_used_at_once() {
    let cluster = Cluster::builder()
        .members(1)
        .auth(true)
        .start()
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    let options = with_password(cluster.user().unwrap(), Password::File(file.clone()));
    let member = client(cluster.member(0).client_url(), options);
    let error = member.status().await.unwrap_err();
    assert!(error.to_string().contains("password file"), "{error}");
    std::fs::write(&file, "nope\n").unwrap();
    assert_eq!(
        member.status().await.unwrap_err().kind(),
        ErrorKind::Unauthenticated
    );
    std::fs::write(&file, cluster.password().unwrap()).unwrap();
    member.status().await.unwrap();
}

#[tokio::test]
async fn a_user_is_no_harm_where_none_is_wanted() {
    let cluster = Cluster::builder().members(1).start().await.unwrap();
    let options = with_password("root", Password::Text("pw".into()));
    let member = client(cluster.member(0).client_url(), options);
    member.status().await.unwrap();
    member.alarms().await.unwrap();
}
