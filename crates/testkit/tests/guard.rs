//! Nothing survives the test runner.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use etcd_monitor_testkit::Cluster;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{interval, timeout};

/// Set in the runner that this test starts, kills, and looks after.
const ROLE: &str = "ETCD_MONITOR_TESTKIT_VICTIM";

/// What the victim prints when its cluster runs: this, then the data folder.
const MARK: &str = "victim runs ";

#[tokio::test]
async fn no_etcd_survives_a_killed_test_runner() {
    if std::env::var_os(ROLE).is_some() {
        return be_the_victim().await;
    }
    let mut victim = start_victim();
    let folder = timeout(Duration::from_secs(60), folder_of(&mut victim))
        .await
        .expect("a cluster");
    assert_eq!(
        processes_using(&folder).len(),
        3 + 1,
        "three members and the guard"
    );

    victim.kill().await.expect("SIGKILL is delivered");

    let gone = async {
        let mut ticks = interval(Duration::from_millis(20));
        while folder.exists() || !processes_using(&folder).is_empty() {
            ticks.tick().await;
        }
    };
    let outcome = timeout(Duration::from_secs(20), gone).await;
    assert!(
        outcome.is_ok(),
        "left behind: {:?} in {folder:?}",
        processes_using(&folder)
    );
}

/// Has one member stopped and one restarted, since these are easy to miss.
async fn be_the_victim() {
    let cluster = Cluster::builder().start().await.expect("a cluster");
    cluster.member(0).restart().await.expect("restarted");
    cluster.member(1).stop().expect("stopped");
    eprintln!("{MARK}{}", cluster.data_dir().display());
    std::future::pending().await
}

fn start_victim() -> Child {
    let runner = std::env::current_exe().expect("the path of this test");
    let mut command = Command::new(runner);
    command.args([
        "--exact",
        "no_etcd_survives_a_killed_test_runner",
        "--nocapture",
    ]);
    command
        .env(ROLE, "1")
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command.spawn().expect("the runner starts")
}

async fn folder_of(victim: &mut Child) -> PathBuf {
    let output = victim.stderr.take().expect("a pipe");
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await.expect("readable") {
        if let Some((_, folder)) = line.split_once(MARK) {
            return PathBuf::from(folder);
        }
    }
    panic!("the victim ended before its cluster ran");
}

/// The pids of all living processes that name `folder` in their command line. A zombie has none.
fn processes_using(folder: &Path) -> BTreeSet<u32> {
    let folder = folder.to_string_lossy().into_owned();
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&folder)
    })
    .collect()
}
