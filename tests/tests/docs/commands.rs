//! Runs the commands of the manual on a real cluster with a daemon on it.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use etcd_monitor_testkit::{Cluster, etcd_binaries};
use etcd_monitor_tests::harness::{Daemon, bench_binary, daemon_binary};

use crate::blocks::{Block, Mark, all};
use crate::root;

/// For one block: the longest looks at a cluster a few times.
const LIMIT: Duration = Duration::from_mins(1);

/// What the manual calls the address of a member, and of the daemon.
const MEMBER: [&str; 2] = ["127.0.0.1:2379", "10.0.0.1:2379"];
const DAEMON: &str = "127.0.0.1:8080";

/// Where commands run.
struct Stage {
    cluster: Cluster,
    daemon: Daemon,
}

impl Stage {
    async fn set() -> Self {
        let cluster = Cluster::builder().start().await;
        let cluster = cluster.unwrap_or_else(|error| panic!("{error}"));
        let endpoint = cluster.member(0).client_url();
        let daemon = Daemon::start(["--endpoints", endpoint, "--interval", "1s"]).await;
        Self { cluster, daemon }
    }

    /// The commands with the addresses of this stage.
    fn here(&self, script: &str) -> String {
        let (_, member) = self
            .cluster
            .member(0)
            .client_url()
            .split_once("//")
            .unwrap();
        let (_, daemon) = self.daemon.url().split_once("//").unwrap();
        let script = MEMBER.iter().fold(script.to_owned(), |script, name| {
            script.replace(name, member)
        });
        script.replace(DAEMON, daemon)
    }

    /// Runs a block in this folder; what it says where it fails.
    async fn run(&self, block: &Block, folder: &Path) -> Result<(), String> {
        let mut command = Command::new("bash");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ETCD_MONITOR_") {
                command.env_remove(name);
            }
        }
        let (_, port) = self.daemon.url().rsplit_once(':').unwrap();
        command
            .args(["-euo", "pipefail", "-c", &self.here(&block.script)])
            .current_dir(folder)
            .env("PATH", path())
            .env(
                "ETCD_MONITOR_ENDPOINTS",
                self.cluster.member(0).client_url(),
            )
            .env("ETCD_MONITOR_API_PORT", port)
            .env("ETCD_MONITOR_DATA_DIR", self.daemon.data_dir())
            .env("CURL_HOME", folder)
            .stdin(Stdio::null());
        let running = tokio::process::Command::from(command)
            .kill_on_drop(true)
            .output();
        let ended = tokio::time::timeout(LIMIT, running).await;
        let output = ended
            .map_err(|_| format!("it has not ended after {LIMIT:?}"))?
            .map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        let (out, err) = (output.stdout, output.stderr);
        let said = [out, err].map(|text| String::from_utf8_lossy(&text).into_owned());
        Err(format!("{}\n{}", output.status, said.concat()))
    }
}

/// Our programs and etcd's first.
fn path() -> String {
    // Both are built into the same folder.
    let ours = [daemon_binary(), bench_binary()].map(|program| program.parent().unwrap());
    assert_eq!(ours[0], ours[1]);
    let ours = ours[0].display();
    let etcd = etcd_binaries("3.7.3").unwrap_or_else(|error| panic!("{error}"));
    let others = std::env::var("PATH").unwrap_or_default();
    format!("{ours}:{}:{others}", etcd.display())
}

/// A folder with the files that the manual speaks of.
fn scratch() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copies = [
        (
            "bins/etcd-monitor/etcd-monitor.example.yaml",
            "etcd-monitor.yaml",
        ),
        ("bins/etcd-bench/scenario.example.yaml", "scenario.yaml"),
        (
            "docs/rule-tests/alerts.test.yaml",
            "docs/rule-tests/alerts.test.yaml",
        ),
        (
            "docs/rule-tests/etcd-monitor.yaml",
            "docs/rule-tests/etcd-monitor.yaml",
        ),
    ];
    for (from, to) in copies {
        let place = folder.path().join(to);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::copy(root().join(from), place).unwrap();
    }
    std::fs::write(
        folder.path().join("password.txt"),
        "a password of the manual\n",
    )
    .unwrap();
    // An answer that is an error makes curl fail.
    std::fs::write(folder.path().join(".curlrc"), "fail\n").unwrap();
    folder
}

#[expect(clippy::print_stderr, reason = "what is not run is listed")]
fn list(block: &Block, needed: &str) {
    let first = block.script.lines().next().unwrap_or_default();
    eprintln!("listed, not run: {} needs {needed}: {first}", block.place);
}

/// Blocks of one file run one after the other in one folder, so that a later one finds what an earlier one made.
#[tokio::test]
async fn every_command_that_is_marked_so_runs() {
    let stage = Stage::set().await;
    let mut folder = scratch();
    let mut file = String::new();
    let mut failures = String::new();
    let mut run = 0;
    let has_curl = Command::new("curl").arg("--version").output().is_ok();
    for block in all() {
        if block.file != file {
            folder = scratch();
            file.clone_from(&block.file);
        }
        match &block.mark {
            Mark::Needs(needed) => list(&block, needed),
            Mark::Run if block.script.contains("curl ") && !has_curl => list(&block, "curl"),
            Mark::Run => {
                run += 1;
                if let Err(why) = stage.run(&block, folder.path()).await {
                    let _ = writeln!(failures, "{}: {why}\n{}\n", block.place, block.script);
                }
            }
            Mark::Missing => {}
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(run > 10, "only {run} blocks are run");
}
