//! The example programs do what they say.

use std::process::Stdio;
use std::time::Duration;

use etcd_monitor_tests::harness::example_binary;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::shared::shared;

/// For two cycles 5 s apart, on a machine that does other things too.
const LIMIT: Duration = Duration::from_secs(30);

/// Small enough to be read at a glance, which is what an example is for.
const LINES_MAX: usize = 40;

#[tokio::test]
async fn a_monitor_is_embedded_in_forty_lines_and_yields_snapshots() {
    let source = include_str!("../../../examples/embed_monitor.rs");
    assert!(source.lines().count() <= LINES_MAX);
    let mut example = Command::new(example_binary("embed_monitor"))
        .arg(shared().cluster.member(0).client_url())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(example.stdout.take().unwrap()).lines();
    for cycle in 1..=2 {
        let line = timeout(LIMIT, lines.next_line()).await.unwrap().unwrap();
        let line = line.expect("it goes on");
        assert!(
            line.starts_with(&format!("cycle {cycle}: Healthy: ")),
            "{line}"
        );
    }
    let pid = example
        .id()
        .and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
    rustix::process::kill_process(pid.unwrap(), rustix::process::Signal::INT).unwrap();
    let ended = timeout(LIMIT, example.wait()).await.unwrap().unwrap();
    assert!(ended.success(), "{ended}");
}

#[tokio::test]
async fn an_own_channel_is_told_that_an_alert_fires_and_that_it_is_over() {
    let example = Command::new(example_binary("custom_notifier"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(LIMIT, example).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", output.status);
    let cause = "The cluster refuses writes: its space is used up";
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!(
            "fired (attempt 1): {cause}\nresolved (attempt 1): {cause}\n2 events in the history\n"
        )
    );
}

#[tokio::test]
async fn an_own_load_is_measured_on_a_real_cluster_and_leaves_nothing() {
    // A cluster of its own: a load would disturb the others.
    let cluster = crate::one().await;
    let endpoint = cluster.member(0).client_url();
    let example = Command::new(example_binary("bench_workload"))
        .arg(endpoint)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(LIMIT, example).await.unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    for part in [
        "workload      queue",
        "nothing lost",
        "put: 500 answered",
        "delete: 500 answered",
    ] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
    let mut client = etcd_client::Client::connect([endpoint], None)
        .await
        .unwrap();
    let all = etcd_client::GetOptions::new()
        .with_all_keys()
        .with_count_only();
    assert_eq!(client.get("", Some(all)).await.unwrap().count(), 0);
}
