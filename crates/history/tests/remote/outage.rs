//! The store is away for a while, or the writer is.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use etcd_monitor_history::{PrometheusQuery, PrometheusQueryOptions};
use etcd_monitor_model::{HistoryStore, SampleBatch};
use tempfile::TempDir;

use crate::fake::{Fake, Seen};
use crate::samples::{LIMIT, Running, all_of, batches, points, quick, ring};
use crate::server::{Kind, Server, until};

fn samples(batches: &[SampleBatch]) -> u64 {
    batches.iter().map(|it| it.samples.len() as u64).sum()
}

/// Waits until so many samples were sent.
async fn sent(running: &Running, count: u64) {
    until(LIMIT, "all is sent", async || {
        (running.stat("sent_samples_total") >= count).then_some(())
    })
    .await;
}

async fn queued(running: &Running, count: u64) {
    until(LIMIT, "all is on disk", async || {
        let memory = running.stat("queue_memory_bytes");
        (running.stat("queue_samples") >= count && memory == 0).then_some(())
    })
    .await;
}

/// The store has exactly these batches.
async fn has_exactly(server: &Server, batches: &[SampleBatch]) {
    server.settle().await;
    let read = PrometheusQuery::new(PrometheusQueryOptions::new(server.url())).unwrap();
    let query = all_of(batches, None);
    let found = points(read.query(&query).await).await;
    assert_eq!(found, points(ring(batches).query(&query).await).await);
}

async fn catches_up(kind: Kind) {
    let Some(mut server) = Server::start(kind).await else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let batches = batches(900);
    let (before, during) = batches.split_at(300);
    let mut options = quick(server.write_url(), folder.path());
    options.samples_per_request_max = 2000;
    let running = Running::start(options);
    running.append(before);
    sent(&running, samples(before)).await;
    server.down();
    running.append(during);
    until(LIMIT, "the outage is noticed", async || {
        (running.stat("requests_total unavailable") > 2).then_some(())
    })
    .await;
    queued(&running, samples(during)).await;
    server.up().await;
    sent(&running, samples(&batches)).await;
    has_exactly(&server, &batches).await;
    assert_eq!(running.stat("dropped_samples_total"), 0);
    assert_eq!(running.stat("queue_samples"), 0);
    running.stop().await;
}

#[tokio::test]
async fn victoria_metrics_gets_all_of_an_outage() {
    catches_up(Kind::VictoriaMetrics).await;
}

/// Prometheus refuses what is not in order: that it refuses nothing shows the order.
#[tokio::test]
async fn prometheus_gets_all_of_an_outage_in_order() {
    catches_up(Kind::Prometheus).await;
}

#[tokio::test]
async fn a_queue_outlives_its_writer_stopped_or_killed() {
    for kind in [Kind::VictoriaMetrics, Kind::Prometheus] {
        let Some(mut server) = Server::prepare(kind) else {
            continue;
        };
        let folder = TempDir::new().unwrap();
        let batches = batches(600);
        let mut last: u64 = 0;
        for (part, killed) in batches.chunks(600).zip([false, true, false]) {
            let running = Running::start(quick(server.write_url(), folder.path()));
            assert_eq!(running.stat("queue_samples"), last);
            running.append(part);
            last += samples(part);
            queued(&running, last).await;
            if killed {
                running.kill().await;
            } else {
                running.stop().await;
            }
        }
        server.up().await;
        let running = Running::start(quick(server.write_url(), folder.path()));
        sent(&running, samples(&batches)).await;
        has_exactly(&server, &batches).await;
        assert_eq!(running.stat("dropped_samples_total"), 0);
        running.stop().await;
    }
}

#[tokio::test]
async fn a_full_queue_loses_the_oldest_and_counts_them() {
    let Some(mut server) = Server::prepare(Kind::VictoriaMetrics) else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let batches = batches(3000);
    let mut options = quick(server.write_url(), folder.path());
    options.queue_bytes_max = 32 << 10;
    let running = Running::start(options);
    let mut appended = 0;
    for part in batches.chunks(300) {
        running.append(part);
        appended += samples(part);
        until(LIMIT, "a part is in the queue", async || {
            let lost = running.stat("dropped_samples_total queue_full");
            (running.stat("queue_samples") + lost == appended).then_some(())
        })
        .await;
        assert!(running.stat("queue_bytes") <= 32 << 10);
    }
    let lost = running.stat("dropped_samples_total queue_full");
    assert!(lost > 0 && lost < samples(&batches));
    server.up().await;
    sent(&running, samples(&batches) - lost).await;
    let kept = &batches[usize::try_from(lost / 3).unwrap()..];
    has_exactly(&server, kept).await;
    running.stop().await;
}

#[tokio::test]
async fn a_stop_delivers_what_was_just_taken() {
    let Some(server) = Server::start(Kind::VictoriaMetrics).await else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let batches = batches(100);
    let mut options = quick(server.write_url(), folder.path());
    options.flush_interval = std::time::Duration::from_hours(1);
    let running = Running::start(options);
    running.append(&batches);
    running.stop().await;
    has_exactly(&server, &batches).await;
}

/// The folder of the queue, for the process that is killed.
const KILLED: &str = "ETCD_MONITOR_TEST_KILLED";

/// Appends for ever, and tells how many samples are on disk.
async fn append_for_ever(folder: &Path) {
    let running = Running::start(quick("http://127.0.0.1:1/".to_owned(), folder));
    let mut appended = 0;
    for batch in batches(10_000) {
        running.append(std::slice::from_ref(&batch));
        appended += batch.samples.len() as u64;
        queued(&running, appended).await;
        println!("on disk: {appended}");
    }
}

/// The same program again, as the process that is killed.
fn killed(folder: &Path) -> Child {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args([
        "--exact",
        "outage::a_kill_loses_nothing_that_was_flushed",
        "--nocapture",
    ]);
    program.env(KILLED, folder).stdout(Stdio::piped());
    program.spawn().unwrap()
}

#[tokio::test]
async fn a_kill_loses_nothing_that_was_flushed() {
    if let Some(folder) = std::env::var_os(KILLED) {
        return append_for_ever(Path::new(&folder)).await;
    }
    let folder = TempDir::new().unwrap();
    let mut process = killed(folder.path());
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let counts = lines.filter_map(|line| line.unwrap().strip_prefix("on disk: ")?.parse().ok());
    let on_disk: u64 = counts.take(30).last().unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    let fake = Fake::start(|_| (200, "").into()).await;
    let running = Running::start(quick(fake.url(), folder.path()));
    assert!(on_disk > 0 && running.stat("queue_samples") >= on_disk);
    sent(&running, on_disk).await;
    running.stop().await;
    let arrived: Vec<_> = fake.seen().iter().flat_map(Seen::samples).collect();
    assert!(arrived.len() as u64 >= on_disk && arrived.iter().map(|it| it.0).is_sorted());
}
