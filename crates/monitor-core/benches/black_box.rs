//! What recording costs: CPU time and bytes of a cycle, and memory for 150 members.
//!
//! Needs real etcd binaries (`ETCD_BIN_DIR`, else as the test clusters find them): the cycles are of a real cluster of
//! three with writes between them, seen once and recorded again and again, as if 5 s apart.

#[path = "support/cpu_time.rs"]
mod cpu_time;

use std::time::{Duration, Instant};

use cpu_time::CpuTime;
use etcd_monitor_core::{
    AssessState, BlackBox, BlackBoxOptions, ClusterName, ClusterProbe, Endpoint, EtcdProbe,
    Observation, Parameters, ProbeOptions, Recorder, Snapshot, assess,
};
use etcd_monitor_testkit::Cluster;
use jiff::SignedDuration;

/// Cycles that are seen.
const SEEN: usize = 120;

/// Cycles that are recorded of one cluster: a bit less than what a ring holds.
const RECORDED: usize = 180;

/// As many clusters of three as make 150 members.
const CLUSTERS: usize = 50;

type Cycle = (Observation, Snapshot);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Fails only where a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cycles = seen().await?;
    let cycles = cycles.iter().cycle().take(RECORDED).enumerate();
    measure(cycles.map(|(number, cycle)| later(cycle, number)).collect()).await
}

/// What a probe sees of a real cluster that is written to.
async fn seen() -> Result<Vec<Cycle>, Box<dyn std::error::Error>> {
    let cluster = Cluster::builder().members(3).links(false).start().await?;
    let endpoint = Endpoint::parse(&cluster.endpoints()[0], false)?;
    let mut probe = EtcdProbe::new(ProbeOptions::new("bench", vec![endpoint]))?;
    let mut state = AssessState::default();
    let mut cycles = Vec::with_capacity(SEEN);
    for cycle in 1..=SEEN as u64 {
        for key in 0..20 {
            cluster.put(&format!("key-{key}"), "value").await?;
        }
        let observation = probe.observe(cycle, Duration::ZERO).await;
        let snapshot = assess(&mut state, &observation, &Parameters::default());
        cycles.push((observation, snapshot));
    }
    Ok(cycles)
}

#[expect(clippy::print_stdout, reason = "the result is what a bench is for")]
async fn measure(cycles: Vec<Cycle>) -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let (black_box, writer) = BlackBox::open(BlackBoxOptions::new(folder.path()));
    let mut recordings = black_box.recordings();
    let writing = tokio::spawn(writer.run());
    let resident_before = resident_kilobytes("VmRSS:")?;
    let cpu_before = CpuTime::of_this_process()?;
    let mut calls = Vec::new();
    let mut recorders: Vec<Recorder> = (0..CLUSTERS)
        .map(|number| {
            let name = ClusterName::new(format!("c{number}"));
            black_box.recorder(name, Parameters::default())
        })
        .collect();
    for (observation, snapshot) in &cycles {
        for recorder in &mut recorders {
            let began = Instant::now();
            recorder.record(observation, &[], snapshot);
            calls.push(began.elapsed());
        }
        // The writer has its turn, as between two cycles.
        tokio::task::yield_now().await;
    }
    recorders.iter_mut().for_each(Recorder::flush);
    drop((recorders, black_box));
    writing.await?;
    let cpu_after = CpuTime::of_this_process()?;
    let user = cpu_after.user_seconds - cpu_before.user_seconds;
    let system = cpu_after.system_seconds - cpu_before.system_seconds;
    let resident = resident_kilobytes("VmHWM:")?.saturating_sub(resident_before);
    let status = recordings.wait_for(|_| true).await;
    let status = status.ok_or("the writer told nothing")?;
    assert_eq!((status.lost_records, status.lost_blocks), (0, 0));
    let bytes = status.ring_bytes;
    calls.sort();
    let recorded = (CLUSTERS * RECORDED) as f64;
    println!("{CLUSTERS} clusters of 3 members, {RECORDED} cycles each");
    println!(
        "  CPU µs per cycle, compressing and writing included: {:.0}",
        (user + system) * 1e6 / recorded
    );
    println!(
        "  of which the probing waits, µs: median {}, p99 {}",
        calls[calls.len() / 2].as_micros(),
        calls[calls.len() * 99 / 100].as_micros()
    );
    println!("  bytes per cycle on disk: {:.0}", bytes as f64 / recorded);
    println!("  memory at most, KiB: {resident}");
    Ok(())
}

/// A cycle as if it had been so many cycles of 5 s later.
fn later((observation, snapshot): &Cycle, cycles: usize) -> Cycle {
    let (mut observation, mut snapshot) = (observation.clone(), snapshot.clone());
    let shift = SignedDuration::from_secs(5 * i64::try_from(cycles).unwrap_or(0));
    observation.ended_at += shift;
    snapshot.at += shift;
    (observation, snapshot)
}

/// A line of `/proc/self/status`.
fn resident_kilobytes(field: &str) -> Result<u64, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes
        .ok_or("no such line in /proc/self/status")?
        .parse()?)
}
