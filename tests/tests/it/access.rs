//! Who may do what on a real daemon, by its web configuration file.

use std::path::Path;
use std::process::{Command, Stdio};

use etcd_monitor_tests::harness::{Daemon, Reply, daemon_binary, http_client, until};
use reqwest::Method;
use serde_json::Value;

use crate::SOON;
use crate::several::{deserted, written};

pub(crate) const APPLIED: &str = "changed and is applied";
pub(crate) const REFUSED: &str = "changed and was not applied";

/// A token and its hash, as the program makes them.
pub(crate) struct Token {
    pub(crate) token: String,
    hash: String,
}

pub(crate) fn made(name: &str, role: &str) -> Token {
    let made = Command::new(daemon_binary())
        .args(["hash-token", name, "--role", role, "-w", "json"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let document: Value = serde_json::from_slice(&made.stdout).unwrap();
    let text = |key: &str| document[key].as_str().unwrap().to_owned();
    Token {
        token: text("token"),
        hash: text("hash"),
    }
}

/// The hash of a password, as the program makes it of its stdin.
fn hashed(password: &str) -> String {
    use std::io::Write;
    let mut program = Command::new(daemon_binary())
        .arg("hash-password")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = program.stdin.take().unwrap();
    writeln!(stdin, "{password}").unwrap();
    drop(stdin);
    let ended = program.wait_with_output().unwrap();
    assert!(ended.status.success());
    String::from_utf8(ended.stdout).unwrap().trim().to_owned()
}

pub(crate) fn entry(name: &str, role: &str, token: &Token) -> String {
    format!("- {{name: {name}, role: {role}, hash: '{}'}}\n", token.hash)
}

async fn started(rest: &[&str]) -> Daemon {
    let file = written(&[("silent", &deserted())]);
    let path = file.path().to_string_lossy().into_owned();
    let arguments = ["--config", path.as_str(), "--interval", "1s"];
    // The file is read at the start alone, and may go then.
    Daemon::start(arguments.iter().chain(rest)).await
}

/// A silence asked for with this token; none without one.
async fn silence(daemon: &Daemon, token: Option<&Token>) -> Reply {
    let body = "{\"matchers\": [\"cluster=silent\"], \"duration_seconds\": 60, \"comment\": \"a test\", \"author\": \"me\"}";
    let url = format!("{}/api/v1/silences", daemon.url());
    let client = http_client();
    let request = client.request(Method::POST, url).body(body);
    let request = request.header("content-type", "application/json");
    let request = match token {
        Some(token) => request.bearer_auth(&token.token),
        None => request,
    };
    Reply::of(request).await.unwrap()
}

async fn metrics(daemon: &Daemon, token: &Token) -> u16 {
    let request = daemon.request("/metrics").bearer_auth(&token.token);
    Reply::of(request).await.unwrap().status
}

fn audited(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("audit.log")).unwrap_or_default();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn every_call_stands_in_the_audit_log(daemon: &Daemon) {
    let lines = until(SOON, "every call stands in the audit log", async || {
        let lines = audited(daemon.data_dir());
        (lines.len() == 4)
            .then_some(lines)
            .ok_or("it does not yet".to_owned())
    })
    .await;
    let short: Vec<_> = lines
        .iter()
        .map(|line| (line["caller"].as_str(), line["status"].as_u64()))
        .collect();
    assert_eq!(
        short,
        [
            (None, Some(401)),
            (Some("reader"), Some(403)),
            (Some("night-shift"), Some(201)),
            (None, Some(401))
        ]
    );
    // A token that is not known any more is no change, and noted all the same.
    assert_eq!(
        (&lines[3]["method"], &lines[3]["reason"]),
        (&"GET".into(), &"wrong_credentials".into())
    );
}

#[tokio::test]
async fn a_file_says_who_may_do_what_and_is_followed() {
    let (reader, operator) = (made("reader", "viewer"), made("night-shift", "operator"));
    let password = hashed("correct horse");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("web.yml");
    let tokens = format!("tokens:\n{}", entry("reader", "viewer", &reader));
    let both = format!("{tokens}{}", entry("night-shift", "operator", &operator));
    let users = format!("basic_auth_users: {{alice: '{password}'}}\n");
    std::fs::write(&path, format!("{users}{both}")).unwrap();
    let daemon = started(&["--web-config-file", path.to_str().unwrap()]).await;

    assert_eq!(daemon.get("/metrics").await.status, 401);
    assert_eq!(daemon.get("/").await.status, 200);
    assert!(!daemon.get("/health").await.text().contains("silent"));
    assert_eq!(metrics(&daemon, &reader).await, 200);
    let status = daemon.request("/api/v1/configuration");
    let status = Reply::of(status.bearer_auth(&reader.token)).await.unwrap();
    assert_eq!(
        status.json()["web_configuration_file"],
        path.to_str().unwrap()
    );
    let by_password = daemon
        .request("/metrics")
        .basic_auth("alice", Some("correct horse"));
    assert_eq!(Reply::of(by_password).await.unwrap().status, 200);
    assert_eq!(silence(&daemon, None).await.status, 401);
    assert_eq!(silence(&daemon, Some(&reader)).await.status, 403);
    let silenced = silence(&daemon, Some(&operator)).await;
    assert_eq!(silenced.status, 201, "{}", silenced.text());
    assert!(
        silenced.text().contains("night-shift"),
        "the author is who asks"
    );

    // One with an error changes nothing; one without counts at once.
    std::fs::write(&path, both.replace("tokens", "tokns")).unwrap();
    let line = daemon.log().line(REFUSED, SOON).await;
    assert!(line.contains("web.yml"), "{line}");
    assert_eq!(metrics(&daemon, &operator).await, 200);
    std::fs::write(&path, tokens).unwrap();
    daemon.log().line(APPLIED, SOON).await;
    assert_eq!(metrics(&daemon, &reader).await, 200);
    assert_eq!(metrics(&daemon, &operator).await, 401);

    every_call_stands_in_the_audit_log(&daemon).await;
    let log = daemon.log().text();
    for secret in [
        reader.token.as_str(),
        &operator.token,
        "correct horse",
        &password,
    ] {
        assert!(!log.contains(secret), "the log shows a secret");
    }
    assert!(daemon.terminate().await.success());
}

#[tokio::test]
async fn a_server_that_others_reach_changes_nothing() {
    let daemon = started(&["--listen", "0.0.0.0"]).await;
    assert_eq!(daemon.get("/metrics").await.status, 200);
    let refused = silence(&daemon, None).await;
    assert_eq!(refused.status, 403);
    let problem: Value = serde_json::from_slice(&refused.body).unwrap();
    assert_eq!(problem["code"], "read_only");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("--web-config-file")
    );
    let session = daemon.json("/api/v1/session").await;
    assert_eq!(
        (&session["role"], &session["via"]),
        (&"viewer".into(), &"anonymous".into())
    );
    assert!(daemon.log().text().contains("nobody may change anything"));
    assert!(daemon.terminate().await.success());
}
