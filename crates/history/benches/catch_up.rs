//! An hour of outage of 50 clusters of 3 members at 10 s: what the queue of remote write takes, and how long `VictoriaMetrics` needs to have it
//! all, with the rate of requests as it is by default.
//!
//! `cargo bench -p etcd-monitor-history --bench catch_up [-- SAMPLES_PER_MEMBER]`, 100 where nothing is said. Needs `victoria-metrics`.

#![allow(clippy::print_stdout, reason = "the result is what a bench is for")]
#![allow(clippy::unwrap_used, reason = "what goes wrong ends the bench")]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/remote/server.rs"]
mod server;

use std::sync::Arc;
use std::time::{Duration, Instant};

use etcd_monitor_history::{RemoteWrite, RemoteWriteOptions};
use etcd_monitor_model::{ClusterName, MemberId, Sample, SampleBatch, SampledMember, StatSource};
use jiff::Timestamp;
use server::{Kind, Server, until};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const CLUSTERS: u64 = 50;
const MEMBERS: u64 = 3;
const CYCLES: u64 = 360;
const INTERVAL_MILLISECONDS: u64 = 10_000;
const LIMIT: Duration = Duration::from_mins(20);

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let per_member = arguments
        .iter()
        .find_map(|it| it.parse().ok())
        .unwrap_or(100);
    let Some(mut store) = Server::prepare(Kind::VictoriaMetrics) else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let mut options = RemoteWriteOptions::new(store.write_url(), folder.path().join("queue"));
    // Nobody waits five seconds for each of the cycles of this hour.
    options.flush_interval = Duration::from_millis(50);
    let write = Arc::new(RemoteWrite::open(options).unwrap());
    let stop = CancellationToken::new();
    let (running, stopped) = (Arc::clone(&write), stop.clone());
    let task = tokio::spawn(async move { running.run(stopped).await });
    let samples = outage(&write, per_member).await;
    catch_up(&write, &mut store, samples).await;
    stop.cancel();
    task.await.unwrap();
    println!("dropped: {}", stat(&write, "dropped_samples_total"));
}

/// Appends the hour, and tells how many samples that was.
async fn outage(write: &RemoteWrite, per_member: u64) -> u64 {
    let end = u64::try_from(Timestamp::now().as_millisecond()).unwrap();
    let mut samples = 0;
    let mut appending = Duration::ZERO;
    for cycle in 0..CYCLES {
        let at = end - (CYCLES - 1 - cycle) * INTERVAL_MILLISECONDS;
        let at = Timestamp::from_millisecond(at.cast_signed()).unwrap();
        for member in 0..CLUSTERS * MEMBERS {
            let batch = batch(member, cycle, at, per_member);
            samples += per_member;
            let began = Instant::now();
            write.append(&batch);
            appending += began.elapsed();
        }
        until(LIMIT, "the cycle is on disk", async || {
            let queued = stat(write, "queue_samples") == samples;
            (queued && stat(write, "queue_memory_bytes") == 0).then_some(())
        })
        .await;
    }
    let bytes = stat(write, "queue_bytes");
    let hour = samples as f64;
    println!("samples of the hour: {samples}, {per_member} of a member and cycle");
    println!(
        "queue: {:.1} MB, {:.2} bytes a sample",
        bytes as f64 / 1e6,
        bytes as f64 / hour
    );
    println!(
        "append: {:.2} us a batch",
        appending.as_secs_f64() * 1e6 * per_member as f64 / hour
    );
    samples
}

async fn catch_up(write: &RemoteWrite, store: &mut Server, samples: u64) {
    store.up().await;
    let began = Instant::now();
    let first = until(LIMIT, "something is sent", async || {
        (stat(write, "sent_samples_total") > 0).then(Instant::now)
    })
    .await;
    until(LIMIT, "all is sent", async || {
        (stat(write, "sent_samples_total") >= samples).then_some(())
    })
    .await;
    println!(
        "first samples sent {:.1} s after the store was ready",
        (first - began).as_secs_f64()
    );
    println!(
        "all sent {:.1} s after the first",
        first.elapsed().as_secs_f64()
    );
    println!("requests accepted: {}", stat(write, "requests_total"));
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        status
            .lines()
            .filter(|line| line.starts_with("VmHWM"))
            .for_each(|line| println!("{line}"));
    }
}

/// Values as members have them: three fifths whole numbers, of which half stay, the others grow; two fifths measured times and rates.
fn batch(member: u64, cycle: u64, at: Timestamp, per_member: u64) -> SampleBatch {
    let sample = |number: u64| {
        let noise = mixed(member ^ number << 20 ^ cycle << 40);
        let value = match number % 5 {
            0 => (number << 20) as f64,
            1 | 2 => (number * 1_000_000 + cycle * 200 + noise % 100) as f64,
            _ => (noise % 10_000_000) as f64 / 1e9 + 0.001 / 3.0,
        };
        Sample {
            metric: format!("some_measured_value_{number}_seconds").into(),
            peer: None,
            value,
        }
    };
    SampleBatch {
        cluster: ClusterName::new(format!("production-{}", member / MEMBERS)),
        member: Some(SampledMember {
            id: MemberId(mixed(member)),
            name: format!("etcd-{member}"),
        }),
        at,
        samples: (0..per_member).map(sample).collect(),
    }
}

/// A number that looks like chance, the same each time (splitmix64).
fn mixed(number: u64) -> u64 {
    let mut number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

fn stat(write: &RemoteWrite, name: &str) -> u64 {
    let name = format!("etcd_monitor_remote_write_{name}");
    let values = write.stats().into_iter().filter(|it| it.name == name);
    let sum: f64 = values.map(|it| it.value).sum();
    format!("{sum:.0}").parse().unwrap()
}
