//! The black box of the daemon: recorded, frozen, listed, downloaded, replayed.

use std::fs;
use std::path::Path;

use etcd_monitor_core::{Recording, RecordingDamage};
use etcd_monitor_testkit::Cluster;
use etcd_monitor_tests::harness::{Daemon, Ended, run_to_end};
use rustix::process::Signal;
use serde_json::Value;

use crate::{SOON, finding_of, healthy, items, number, text, three, watch, watch_with};

const BLACK_BOX: &str = "/api/v1/blackbox";

/// Waits for the first frozen recording that is as wanted.
async fn frozen(daemon: &Daemon, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let find = |list: &Value| {
        let mut recordings = items(list, "recordings").iter();
        recordings.find(|recording| wanted(recording)).cloned()
    };
    daemon.until(SOON, BLACK_BOX, what, find).await
}

async fn replay(path: &Path, arguments: &[&str]) -> Ended {
    let path = path.to_str().unwrap();
    run_to_end([&["replay", path], arguments].concat()).await
}

async fn kill_a_follower(cluster: &Cluster, daemon: &Daemon) -> String {
    healthy(daemon, 3).await;
    let leader = cluster.leader_index().await.unwrap();
    let dead = cluster.member(if leader == 1 { 2 } else { 1 });
    dead.kill().await.unwrap();
    dead.name().to_owned()
}

#[tokio::test]
async fn a_critical_finding_leaves_a_recording_that_can_be_fetched_and_replayed() {
    let cluster = three().await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yaml");
    // Every member has a warning, so that its page is kept.
    let strict =
        "clusters:\n  - name: \"prod/../eu\"\n    parameters: {quota_warning_share: 0.000001}\n";
    fs::write(&config, strict).unwrap();
    let daemon = watch_with(&cluster, &["--config", config.to_str().unwrap()]).await;
    let dead = kill_a_follower(&cluster, &daemon).await;
    finding_of(&daemon, "MemberDown").await;
    let recording = frozen(&daemon, "the death is frozen", |recording| {
        recording["incident"]["finding"]["rule"] == "MemberDown"
    })
    .await;
    assert_eq!(recording["cluster"], "prod/../eu");
    let name = text(&recording, "name");
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    assert!(name.chars().all(plain) && !name.contains(".."), "{name}");

    let path = format!("{BLACK_BOX}/{name}");
    let reply = daemon.get(&path).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), "application/octet-stream");
    assert_eq!(
        reply.header("content-disposition"),
        format!("attachment; filename=\"{name}\"")
    );
    assert_eq!(reply.header("content-length"), reply.body.len().to_string());
    let fetched = folder.path().join("fetched.recording");
    fs::write(&fetched, &reply.body).unwrap();
    let read = Recording::load(&fetched).unwrap();
    assert_eq!(read.damage(), RecordingDamage::default());
    assert!(
        read.pages()
            .any(|page| page.text.contains("etcd_server_quota_backend_bytes")),
        "a page as it came"
    );

    let answer = replay(&fetched, &["-w", "json"]).await;
    assert_eq!(answer.code, Some(0), "{answer:#?}");
    assert_eq!(answer.left_behind, [""; 0]);
    let document: Value = serde_json::from_str(&answer.stdout).unwrap();
    let down = |episode: &&Value| episode["rule"] == "MemberDown";
    let down = items(&document, "timeline").iter().find(down).unwrap();
    assert_eq!(down["subject"]["name"], dead.as_str());
    assert_eq!(down["began_at"], recording["incident"]["at"]);
    assert!(text(down, "cause").contains("connection refused"), "{down}");
    let table = replay(&fetched, &[]).await.stdout;
    for part in ["Frozen at ", "MemberDown (member:", "BEGAN", &dead] {
        assert!(table.contains(part), "{part:?} is not in: {table}");
    }
    let pages = replay(&fetched, &["--pages"]).await.stdout;
    assert!(pages.contains("etcd_server_quota_backend_bytes"), "{pages}");

    let metrics = daemon.get("/metrics").await.text();
    assert!(
        metrics.contains("etcd_monitor_black_box_recording 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_recording_survives_a_kill_and_only_its_name_is_answered() {
    let cluster = three().await;
    let first = watch(&cluster).await;
    kill_a_follower(&cluster, &first).await;
    let recording = frozen(&first, "the death is frozen", |_| true).await;
    let name = text(&recording, "name").to_owned();
    first.signal(Signal::KILL);
    first.ended(SOON).await;

    let endpoint = cluster.member(0).client_url();
    let arguments = ["--endpoints", endpoint, "--interval", "1s"];
    let second = Daemon::start_on(first.data_dir(), arguments).await;
    let kept = frozen(&second, "it is still there", |kept| {
        kept["name"] == name.as_str()
    })
    .await;
    assert_eq!(kept["incident"], recording["incident"]);
    assert_eq!(kept["complete"], true);
    let list = second.json(BLACK_BOX).await;
    assert!(number(&list, "ring_bytes") > 0.0, "{list:#}");
    assert_eq!(
        (&list["enabled"], &list["stopped"]),
        (&Value::Bool(true), &Value::Null)
    );

    for unknown in [
        "other.recording",
        "..%2f..%2flock",
        "%2e%2e%2flock",
        "..%5clock",
        "%00",
        "lock",
    ] {
        let reply = second.get(&format!("{BLACK_BOX}/{unknown}")).await;
        assert_eq!(reply.status, 404, "{unknown}");
        assert_eq!(text(&reply.json(), "code"), "recording_unknown");
    }
    let reply = second.get(&format!("{BLACK_BOX}/{name}")).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn a_black_box_that_is_off_leaves_nothing() {
    let cluster = crate::one().await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yaml");
    fs::write(&config, "black_box: {enabled: false}\n").unwrap();
    let daemon = watch_with(&cluster, &["--config", config.to_str().unwrap()]).await;
    daemon.cycles(2).await;
    let list = daemon.json(BLACK_BOX).await;
    assert_eq!(list["enabled"], false);
    assert!(items(&list, "recordings").is_empty());
    assert!(!daemon.data_dir().join("black-box").exists());
    assert!(
        !daemon
            .get("/metrics")
            .await
            .text()
            .contains("etcd_monitor_black_box")
    );
}

#[tokio::test]
async fn what_is_no_recording_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.recording");
    for (content, wanted) in [
        ("etcd-monitor-recording 9\n", "newer etcd-monitor"),
        ("something else", "is no recording"),
    ] {
        fs::write(&path, content).unwrap();
        let ended = replay(&path, &[]).await;
        assert_eq!(ended.code, Some(1), "{ended:#?}");
        assert!(ended.stderr.contains(wanted), "{ended:#?}");
        assert!(ended.stderr.contains("odd.recording"), "{ended:#?}");
        assert_eq!(ended.stdout, "");
    }
    let wrong = run_to_end(["replay"]).await;
    assert_eq!(wrong.code, Some(2), "{wrong:#?}");
}
