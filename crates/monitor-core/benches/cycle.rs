//! One probe cycle of three healthy members on loopback: wall time, and CPU time of this process.
//!
//! Needs real etcd binaries (`ETCD_BIN_DIR`, else as the test clusters find them). Cycles are spaced, so that each finds
//! caches and threads as a cycle in a daemon does: cooled down.

use std::time::{Duration, Instant};

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

/// CPU time that a process has used, all threads.
struct CpuTime {
    user_seconds: f64,
    system_seconds: f64,
}

impl CpuTime {
    /// From `/proc/self/stat`, in ticks of 10 ms: fine enough over many cycles.
    fn of_this_process() -> Result<Self, Box<dyn std::error::Error>> {
        const TICKS_PER_SECOND: f64 = 100.0;
        let stat = std::fs::read_to_string("/proc/self/stat")?;
        // The command in parentheses may hold spaces; utime and stime are the 12th and 13th field after it.
        let fields = stat
            .rsplit_once(')')
            .ok_or("no command in /proc/self/stat")?
            .1;
        let mut fields = fields.split_whitespace().skip(11);
        let mut seconds = || -> Result<f64, Box<dyn std::error::Error>> {
            let ticks: f64 = fields
                .next()
                .ok_or("too few fields in /proc/self/stat")?
                .parse()?;
            Ok(ticks / TICKS_PER_SECOND)
        };
        Ok(Self {
            user_seconds: seconds()?,
            system_seconds: seconds()?,
        })
    }
}
