//! Nothing survives the test runner, and a failed test leaves what explains it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use etcd_monitor_testkit::Cluster;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{interval, timeout};

/// Set in the runners that these tests start and look after.
const ROLE: &str = "ETCD_MONITOR_TESTKIT_VICTIM";

/// What a victim prints when its cluster runs: this, then the data folder.
const MARK: &str = "victim runs ";

/// For a victim to start its cluster on a busy machine.
const START_LIMIT: Duration = Duration::from_mins(1);

#[tokio::test]
async fn no_etcd_survives_a_killed_test_runner() {
    if std::env::var_os(ROLE).is_some() {
        return wait_for_sigkill().await;
    }
    let mut victim = victim("no_etcd_survives_a_killed_test_runner")
        .spawn()
        .expect("started");
    let folder = timeout(START_LIMIT, folder_of(&mut victim))
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

#[tokio::test]
async fn a_failed_test_shows_the_logs_and_keeps_the_data() {
    if std::env::var_os(ROLE).is_some() {
        let cluster = Cluster::builder()
            .members(1)
            .start()
            .await
            .expect("a cluster");
        assert!(cluster.endpoints().is_empty(), "this test fails on purpose");
    }
    let mut victim = victim("a_failed_test_shows_the_logs_and_keeps_the_data");
    let output = timeout(START_LIMIT, victim.output())
        .await
        .expect("ended")
        .expect("started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        said.contains("log of m0") && said.contains("ready to serve client requests"),
        "{said}"
    );
    let (_, rest) = said.split_once("kept in ").expect("the path is printed");
    let folder = Path::new(rest.lines().next().expect("a line"));
    assert!(folder.join("m0.log").is_file());
    assert!(processes_using(folder).is_empty());
    std::fs::remove_dir_all(folder).expect("removed");
}

/// Has one member restarted, since its new process is easy to miss. None is stopped: the kernel
/// itself ends an orphaned process group that has a stopped member.
#[allow(clippy::print_stderr, reason = "what the killing test waits for")]
async fn wait_for_sigkill() {
    let cluster = Cluster::builder().start().await.expect("a cluster");
    cluster.member(0).restart().await.expect("restarted");
    eprintln!("{MARK}{}", cluster.data_dir().display());
    std::future::pending::<()>().await;
}

/// This test binary again, running one test in the role of the victim.
fn victim(test: &str) -> Command {
    let runner = std::env::current_exe().expect("the path of this test");
    let mut command = Command::new(runner);
    command
        .args(["--exact", test, "--nocapture"])
        .env(ROLE, "1")
        .kill_on_drop(true);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
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
