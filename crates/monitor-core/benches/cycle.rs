//! One probe cycle of three healthy members on loopback: wall time, and CPU time of this process.
//!
//! Needs real etcd binaries (`ETCD_BIN_DIR`, else as the test clusters find them). Cycles are spaced, so that each finds
//! caches and threads as a cycle in a daemon does: cooled down.

#[path = "support/cpu_time.rs"]
mod cpu_time;

use std::time::{Duration, Instant};

use cpu_time::CpuTime;
use etcd_monitor_core::{
    AssessState, ClusterProbe, Endpoint, EtcdProbe, Parameters, ProbeOptions, assess,
};
use etcd_monitor_testkit::Cluster;

const CYCLES: usize = 200;

/// Long enough that the last cycle's work is over, short enough that the bench ends within a minute.
const SPACING: Duration = Duration::from_millis(100);

/// Cycles that connect, fill pools and grow buffers.
const WARM_UP: usize = 10;

// One thread, as the daemon probes with.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Fails only where a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // The proxies between members would run in this process and be counted.
    let cluster = Cluster::builder().members(3).links(false).start().await?;
    let endpoint = Endpoint::parse(&cluster.endpoints()[0], false)?;
    let mut probe = EtcdProbe::new(ProbeOptions::new("bench", vec![endpoint]))?;
    let mut state = AssessState::default();
    for cycle in 0..WARM_UP {
        run(&mut probe, &mut state, cycle).await;
    }
    let cpu_before = CpuTime::of_this_process()?;
    let mut walls = Vec::with_capacity(CYCLES);
    for cycle in 0..CYCLES {
        walls.push(run(&mut probe, &mut state, cycle).await);
        tokio::time::sleep(SPACING).await;
    }
    report(walls, &cpu_before, &CpuTime::of_this_process()?);
    Ok(())
}

async fn run(probe: &mut EtcdProbe, state: &mut AssessState, cycle: usize) -> Duration {
    let began = Instant::now();
    let observation = probe.observe(cycle as u64 + 1, Duration::ZERO).await;
    let snapshot = assess(state, &observation, &Parameters::default());
    let took = began.elapsed();
    assert_eq!(snapshot.members.len(), 3, "{}", snapshot.health.sentence);
    assert_eq!(
        snapshot.health.healthy,
        Some(true),
        "{}",
        snapshot.health.sentence
    );
    took
}

#[expect(clippy::print_stdout, reason = "the result is what a bench is for")]
fn report(mut walls: Vec<Duration>, before: &CpuTime, after: &CpuTime) {
    walls.sort();
    let ms = |at: usize| walls[at].as_secs_f64() * 1e3;
    let per_cycle = |seconds: f64| seconds * 1e3 / CYCLES as f64;
    let user = per_cycle(after.user_seconds - before.user_seconds);
    let system = per_cycle(after.system_seconds - before.system_seconds);
    println!("{CYCLES} cycles of 3 healthy members on loopback");
    println!(
        "wall ms: min {:.2}, median {:.2}, p95 {:.2}, max {:.2}",
        ms(0),
        ms(CYCLES / 2),
        ms(CYCLES * 95 / 100),
        ms(CYCLES - 1)
    );
    println!(
        "CPU ms per cycle: {:.2} (user {user:.2}, system {system:.2})",
        user + system
    );
}
