//! `etcd-bench`, and the benchmark of `etcd-monitor`, as their users run them.

use std::process::Stdio;
use std::time::Duration;

use etcd_monitor_testkit::Cluster;
use etcd_monitor_tests::harness::{Ended, bench_binary, run_program_to_end, run_to_end, until};
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::{SOON, items, one, text};

async fn bench(arguments: &[&str]) -> Ended {
    run_program_to_end(bench_binary(), arguments).await
}

async fn on(cluster: &Cluster, arguments: &[&str]) -> Ended {
    let endpoint = cluster.member(0).client_url();
    bench(&[arguments, &["--endpoints", endpoint]].concat()).await
}

#[tokio::test]
async fn every_kind_of_load_is_measured_and_nothing_is_lost() {
    let cluster = one().await;
    for kind in ["write", "read", "mixed", "range", "delete", "txn"] {
        let flags = [kind, "--total", "200", "--key-space", "200", "-w", "json"];
        let ended = on(&cluster, &flags).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{kind}");
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(
            (&report["succeeded"], &report["failed"]),
            (&200.into(), &0.into())
        );
        assert_eq!(
            text(&report["accounting"], "verdict"),
            "nothing_lost",
            "{kind}"
        );
        assert_eq!(text(&report["plan"], "workload"), kind);
        assert_eq!(report["valid"], true, "{report:#}");
        let buckets = items(&items(&report, "operations")[0], "histogram");
        assert_eq!(buckets.len(), 7);
        assert!(ended.left_behind.is_empty());
    }
    let table = on(&cluster, &["write", "--total", "50"]).await;
    for part in ["throughput", "LATENCY (ms)", "p99.9", "nothing lost"] {
        assert!(
            table.stdout.contains(part),
            "no {part:?} in {}",
            table.stdout
        );
    }
}

#[tokio::test]
async fn a_prefix_in_use_is_refused_with_flags_that_the_command_has() {
    let cluster = one().await;
    cluster.put("/taken/key", "precious").await.unwrap();
    let commands: [&[&str]; 4] = [
        &["write", "--total", "10"],
        &["watch", "--total", "10"],
        &["preset", "job-storm", "--total", "10"],
        &["check", "--duration", "1s"],
    ];
    for command in commands {
        let ended = on(&cluster, &[command, &["--prefix", "/taken/"]].concat()).await;
        assert_eq!(ended.code, Some(1), "{command:?}: {}", ended.stdout);
        assert!(
            ended.stderr.contains("--prefix names it"),
            "{}",
            ended.stderr
        );
        for flag in ["--prefix", "--use-existing-prefix"] {
            let help = bench(&[&command[..1], &["--help"]].concat()).await;
            let has_it = help.stdout.contains(flag);
            let advised = ended.stderr.contains(flag);
            assert_eq!(advised, has_it, "{command:?}: {}", ended.stderr);
        }
    }
}

#[tokio::test]
async fn loads_on_streams_and_presets_keep_what_etcd_promises() {
    let cluster = one().await;
    let watch = ["watch", "--watchers", "20", "--total", "50"];
    let keep_alive = ["lease", "--keep-alive", "--leases", "20", "--total", "200"];
    let lock = ["lock", "--clients", "4", "--total", "40"];
    let election = ["election", "--clients", "4", "--total", "20"];
    let preset = [
        "preset",
        "apiserver-mix",
        "--total",
        "200",
        "--key-space",
        "50",
    ];
    for (flags, kind, says) in [
        (&watch[..], "watch", "0 lost, 0 twice"),
        (&["lease", "--total", "50"], "lease", "50 granted"),
        (&keep_alive, "lease_keep_alive", "20 granted"),
        (&lock, "lock", "0 overlaps seen, 0 by revision"),
        (&election, "election", "0 overlaps seen, 0 by revision"),
        (&preset, "apiserver-mix", "4 on 4 streams, of all keys"),
    ] {
        let ended = on(&cluster, flags).await;
        let told = &ended.stdout;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{told}");
        for part in [says, "nothing lost", &format!("workload      {kind},")] {
            assert!(told.contains(part), "no {part:?} in {told}");
        }
    }
    let mut client = client(&cluster).await;
    assert_eq!(keys(&mut client).await, 0);
    assert!(client.leases().await.unwrap().leases().is_empty());
}

#[tokio::test]
async fn a_scenario_runs_its_phases_and_a_wrong_one_is_2() {
    let cluster = one().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scenario.yaml");
    let file = file.to_str().unwrap();
    let text = "name: two\nclients: 4\nphases:\n  - {name: one, workload: write, total: 40}\n  - {name: climb, workload: write, duration: 400ms, ramp: {from: 50, to: 100, steps: 2}}\n";
    std::fs::write(file, text).unwrap();
    let ended = on(&cluster, &["run", file, "-w", "json"]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let phases = items(&report, "phases");
    let names: Vec<_> = phases.iter().map(text_of).collect();
    assert_eq!(names, ["one", "climb, 50/s", "climb, 100/s"]);
    let of_phases = phases
        .iter()
        .map(|phase| phase["report"]["succeeded"].as_u64());
    let sum: Option<u64> = of_phases.sum();
    assert_eq!((report["succeeded"].as_u64(), phases.len()), (sum, 3));
    assert_eq!(keys(&mut client(&cluster).await).await, 0);

    std::fs::write(file, text.replace("total", "totl")).unwrap();
    let ended = on(&cluster, &["run", file]).await;
    assert_eq!(ended.code, Some(2));
    for part in ["line 4", "did you mean `total`"] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
}

fn text_of(phase: &Value) -> &str {
    text(phase, "name")
}

#[tokio::test]
async fn files_are_written_where_the_flags_say() {
    let cluster = one().await;
    let folder = tempfile::tempdir().unwrap();
    let [report, log] = ["report.csv", "latencies.hlog"].map(|name| folder.path().join(name));
    let [report, log] = [report.to_str().unwrap(), log.to_str().unwrap()];
    let flags = [
        "write",
        "--total",
        "50",
        "-w",
        "csv",
        "-o",
        report,
        "--hdr-log",
        log,
    ];
    let ended = on(&cluster, &flags).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    let written = std::fs::read_to_string(report).unwrap();
    assert!(written.starts_with("second,succeeded,"), "{written}");
    assert!(std::fs::read_to_string(log).unwrap().contains("Tag=put,"));
}

#[tokio::test]
async fn what_cannot_be_is_2_and_who_is_not_there_is_1() {
    for wrong in [
        &["write", "--total", "0"][..],
        &["write", "--key-size", "12"],
        &["write", "--rate", "0"],
        &["mixed", "--read-share", "2"],
        &["txn", "--puts", "1000"],
        &["write", "--endpoints", "http://"],
        &["write", "--duration", "5"],
        &["write", "--overload", "drop"],
        &["write", "--rate", "5", "--overload", "cap"],
        &["write", "--metrics-url", "http://nowhere"],
        &["check", "--load", "xxl"],
        &["nothing"],
    ] {
        let ended = bench(wrong).await;
        assert_eq!(ended.code, Some(2), "{wrong:?}: {}", ended.stderr);
        assert!(!ended.stderr.is_empty() && ended.stdout.is_empty());
    }
    // Nobody listens on port 1.
    let ended = bench(&["write", "--endpoints", "127.0.0.1:1"]).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("127.0.0.1:1"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_check_passes_or_says_why_not() {
    let cluster = one().await;
    let ended = on(&cluster, &["check", "--duration", "2s"]).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.ends_with("PASS\n"), "{}", ended.stdout);
    let mut client = client(&cluster).await;
    assert_eq!(keys(&mut client).await, 0);
    client
        .put("/etcd-bench-check/of-somebody", "precious", None)
        .await
        .unwrap();
    let ended = on(&cluster, &["check", "--duration", "2s"]).await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("/etcd-bench-check/"),
        "{}",
        ended.stderr
    );
    assert_eq!(keys(&mut client).await, 1);
    let ended = on(&cluster, &["write", "--target", "follower"]).await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("--target follower"),
        "{}",
        ended.stderr
    );
    let each = ["write", "--target", "each", "--total", "50", "-w", "json"];
    let ended = on(&cluster, &each).await;
    let reports: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(reports.as_array().unwrap().len(), 1, "{reports:#}");
    let parameters = &reports[0]["plan"]["parameters"];
    assert_eq!(text(parameters, "target"), cluster.member(0).client_url());
    let ended = on(&cluster, &["write", "--target", "leader", "--total", "50"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn a_check_of_a_cluster_that_stands_still_fails_and_says_so() {
    let cluster = one().await;
    let mut client = client(&cluster).await;
    let checking = Command::new(bench_binary())
        .args(["check", "--duration", "3s", "--endpoints"])
        .arg(cluster.member(0).client_url())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    until(SOON, "it writes", async || {
        let keys = keys(&mut client).await;
        let writes = (keys > 20).then_some(());
        writes.ok_or_else(|| format!("{keys} keys"))
    })
    .await;
    cluster.member(0).stop().unwrap();
    // As long as it is to stand still: more than half a second fails, and more than a tenth of the time is an outage.
    tokio::time::sleep(Duration::from_millis(900)).await;
    cluster.member(0).cont().unwrap();
    let output = checking.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in [
        "FAIL  latency",
        "FAIL: no service for a part of the time",
        "no answer from",
    ] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    assert_eq!(keys(&mut client).await, 0);
}

fn endless(cluster: &Cluster) -> Child {
    Command::new(bench_binary())
        .args(["write", "--duration", "10m", "--endpoints"])
        .arg(cluster.member(0).client_url())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn client(cluster: &Cluster) -> etcd_client::Client {
    etcd_client::Client::connect([cluster.member(0).client_url()], None)
        .await
        .unwrap()
}

async fn keys(client: &mut etcd_client::Client) -> i64 {
    let options = etcd_client::GetOptions::new()
        .with_all_keys()
        .with_count_only();
    client.get("", Some(options)).await.unwrap().count()
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_brings_the_report_and_no_key_stays() {
    let cluster = one().await;
    let running = endless(&cluster);
    let mut client = client(&cluster).await;
    until(SOON, "it writes", async || {
        let keys = keys(&mut client).await;
        let writes = (keys > 20).then_some(());
        writes.ok_or_else(|| format!("{keys} keys"))
    })
    .await;
    let pid = i32::try_from(running.id().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = running.wait_with_output().await.unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{report}");
    assert!(report.contains("ended early   stopped"), "{report}");
    assert_eq!(keys(&mut client).await, 0);
}

/// Runs a load with a screen on a terminal of its own, to which `typed` is typed; the code and all that was written there.
#[cfg(unix)]
async fn on_a_terminal(cluster: &Cluster, typed: &'static [u8]) -> (Option<i32>, String) {
    use std::io::{Read, Write};

    use rustix::pty::OpenptFlags;
    let ours = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    rustix::pty::grantpt(&ours).unwrap();
    rustix::pty::unlockpt(&ours).unwrap();
    let name = rustix::pty::ptsname(&ours, Vec::new()).unwrap();
    let theirs = std::fs::File::options()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    let size = rustix::termios::Winsize {
        ws_row: 30,
        ws_col: 100,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    rustix::termios::tcsetwinsize(&theirs, size).unwrap();
    let mut running = Command::new(bench_binary())
        .args(["write", "--tui", "--duration", "10m", "--endpoints"])
        .arg(cluster.member(0).client_url())
        .stdin(theirs.try_clone().unwrap())
        .stdout(theirs)
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let reading = tokio::task::spawn_blocking(move || {
        let mut terminal = std::fs::File::from(ours);
        let (mut all, mut some) = (Vec::new(), [0; 4_096]);
        let mut is_typed = false;
        // An error is the end: nobody has the other side any more.
        while let Ok(read @ 1..) = terminal.read(&mut some) {
            all.extend_from_slice(&some[..read]);
            if !is_typed && String::from_utf8_lossy(&all).contains("measuring") {
                terminal.write_all(typed).unwrap();
                is_typed = true;
            }
        }
        String::from_utf8_lossy(&all).into_owned()
    });
    let ended = running.wait().await.unwrap();
    (ended.code(), reading.await.unwrap())
}

#[cfg(unix)]
#[tokio::test]
async fn a_screen_ends_by_a_key_and_gives_the_terminal_back() {
    let cluster = one().await;
    // The second is Ctrl-C, which makes no signal while the terminal is the screen's.
    for typed in [&b"q"[..], b"\x03"] {
        let (code, written) = on_a_terminal(&cluster, typed).await;
        assert_eq!(code, Some(0), "{written}");
        let (screen, after) = written.split_once("\x1b[?1049l").unwrap();
        assert!(screen.contains("\x1b[?1049h") && screen.contains("members"));
        assert!(after.contains("ended early   stopped"), "{after}");
        assert!(!after.contains("\x1b[?1049h"), "{after}");
    }
    assert_eq!(keys(&mut client(&cluster).await).await, 0);
    let ended = on(&cluster, &["write", "--tui", "--total", "5"]).await;
    assert_eq!(ended.code, Some(0));
    assert!(
        ended.stderr.contains("--tui wants a terminal"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stdout.contains('\x1b'));
}

#[tokio::test]
async fn the_monitor_runs_a_benchmark_and_keeps_nothing() {
    let cluster = one().await;
    let endpoint = cluster.member(0).client_url();
    let flags = [
        "--run-benchmark",
        "--benchmark-type",
        "mixed",
        "--benchmark-ops",
        "300",
    ];
    let ended = run_to_end([&flags[..], &["--endpoints", endpoint]].concat()).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stdout.contains("(300 of 300 requests succeeded)"),
        "{}",
        ended.stdout
    );
    assert!(ended.left_behind.is_empty(), "{:?}", ended.left_behind);
    let ended = run_to_end(["--benchmark-ops", "5"]).await;
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    let ended = run_to_end(["--run-benchmark", "--endpoints", "127.0.0.1:1"]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
}
