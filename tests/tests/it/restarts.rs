//! What a restart of the daemon remembers.

use std::fs;
use std::path::PathBuf;

use etcd_monitor_testkit::Cluster;
use etcd_monitor_tests::harness::{Daemon, Ended, run_to_end};
use serde_json::Value;

use crate::{FINDINGS, SOON, STATUS, healthy, items, number, three, watch};

/// A daemon with cycles of a second, on the data of an earlier one.
async fn again(cluster: &Cluster, earlier: &Daemon) -> Daemon {
    let arguments = [
        "--endpoints",
        cluster.member(0).client_url(),
        "--interval",
        "1s",
    ];
    Daemon::start_on(earlier.data_dir(), arguments).await
}

fn state_file(daemon: &Daemon) -> PathBuf {
    daemon.data_dir().join("assess-default.state")
}

/// Since when two findings are as they are that no cycle without an answer makes unknown.
fn since(findings: &Value) -> Vec<Value> {
    let lasting = ["ClusterReplaced", "FrequentElections"];
    let of_rule = |rule: &&str| {
        let mut found = items(findings, "findings").iter();
        found.find(|finding| finding["rule"] == *rule).unwrap()["since"].clone()
    };
    lasting.iter().map(of_rule).collect()
}

#[tokio::test]
async fn since_and_leader_changes_survive_a_restart_and_a_corrupt_state_does_not_stop_it() {
    let cluster = three().await;
    let first = watch(&cluster).await;
    healthy(&first, 3).await;
    let leader = cluster.leader_index().await.unwrap();
    cluster.move_leader((leader + 1) % 3).await.unwrap();
    let changed =
        |status: &Value| (number(status, "leader_changes") >= 1.0).then(|| status.clone());
    let before = first
        .until(SOON, STATUS, "the change is counted", changed)
        .await;
    first.cycles(1).await;
    let since_before = since(&first.json(FINDINGS).await);
    assert_eq!(first.terminate().await.code(), Some(0));

    let second = again(&cluster, &first).await;
    healthy(&second, 3).await;
    let after = second.json(STATUS).await;
    for field in ["leader", "leader_changes", "leader_history", "cluster_id"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    assert_eq!(since(&second.json(FINDINGS).await), since_before);
    assert_eq!(
        fs::read_dir(second.work_dir()).unwrap().count(),
        0,
        "nothing outside --data-dir"
    );
    assert_eq!(second.terminate().await.code(), Some(0));

    fs::write(state_file(&first), "no state").unwrap();
    let third = again(&cluster, &first).await;
    healthy(&third, 3).await;
    let warning = third.log().line("is corrupt", SOON).await;
    assert!(
        warning.contains("assess-default.state.corrupt"),
        "{warning}"
    );
    let aside = state_file(&first).with_extension("state.corrupt");
    assert_eq!(fs::read_to_string(aside).unwrap(), "no state");
    assert_eq!(
        third.json(STATUS).await["leader_changes"],
        0,
        "the count begins anew"
    );
    assert_eq!(third.terminate().await.code(), Some(0));
    assert_newer_is_refused(&first).await;
}

/// A file of a version to come is left alone.
async fn assert_newer_is_refused(earlier: &Daemon) {
    let file = state_file(earlier);
    let newer = fs::read_to_string(&file)
        .unwrap()
        .replacen("\"version\":1", "\"version\":2", 1);
    fs::write(&file, &newer).unwrap();
    let data_dir = earlier.data_dir().to_str().unwrap();
    let Ended { code, stderr, .. } = run_to_end(["--data-dir", data_dir, "--api-port", "0"]).await;
    assert_eq!(code, Some(1), "{stderr}");
    assert!(
        stderr.contains("newer etcd-monitor") && stderr.contains("assess-default.state"),
        "{stderr}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), newer);
}
