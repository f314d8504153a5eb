//! What the history costs: bytes on the disk for each sample, time of a query, time of a flush, and memory of the ring.
//!
//! The samples are made up, as a cluster of three members under a light load gives them every ten seconds: each series by
//! the name that the monitor gives it, with constants, counters with jitter, latencies and rates.
//!
//! `cargo bench -p etcd-monitor-history --bench store [-- FOLDER]`; without a folder a temporary one is taken.

#[path = "store/fleet.rs"]
mod fleet;

use std::path::Path;
use std::time::{Duration, Instant};

use etcd_monitor_history::{FileStore, FileStoreOptions, FileStoreWriter, MemoryRing, Retention};
use etcd_monitor_model::{
    ClusterName, HistoryQuery, HistoryStore, MemberId, SeriesSelector, Stat, StatSource,
};
use fleet::{Fleet, INTERVAL_SECONDS};
use futures_util::StreamExt;
use jiff::Timestamp;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const DAY_SECONDS: i64 = 24 * 3600;
const DAYS: i64 = 30;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let temporary = tempfile::tempdir()?;
    let given = std::env::args().skip(1).find(|it| !it.starts_with("--"));
    let folder = given.map_or(temporary.path().to_owned(), Into::into);
    ring();
    one_cluster(&folder).await?;
    fifty_clusters(&folder).await
}

/// Memory of 50 clusters in the ring.
fn ring() {
    let ring = MemoryRing::new();
    let mut fleet = Fleet::new(50);
    let before = resident_bytes();
    let start = Instant::now();
    let mut samples = 0;
    for cycle in 0..1300 {
        for batch in fleet.cycle(cycle * INTERVAL_SECONDS) {
            samples += batch.samples.len();
            ring.append(&batch);
        }
    }
    let took = start.elapsed().as_secs_f64();
    say(&format!(
        "ring: 50 clusters of 3 members, {} series: {:.1} MiB counted, {:.1} MiB resident, {:.2} us for each sample",
        stat(&ring.stats(), "etcd_monitor_history_ring_series"),
        mebi(ring.heap_bytes() as f64),
        mebi(resident_bytes() - before),
        took * 1e6 / samples as f64,
    ));
}

/// Thirty days of one cluster, flushed every five minutes of theirs: a flush every 30 s would take longer than it shows more.
async fn one_cluster(folder: &Path) -> Outcome<()> {
    let run = Run {
        what: "one cluster every 10 s",
        clusters: 1,
        interval_seconds: 10,
        cycles_per_flush: 30,
        limit_bytes: Retention::default().bytes,
    };
    run.measure(folder).await
}

/// Thirty days of fifty clusters, every four minutes, in a file that may take less than they need: all samples of every ten
/// seconds would take half an hour.
async fn fifty_clusters(folder: &Path) -> Outcome<()> {
    let run = Run {
        what: "fifty clusters every 240 s",
        clusters: 50,
        interval_seconds: 240,
        cycles_per_flush: 10,
        limit_bytes: 32 << 20,
    };
    run.measure(folder).await
}

/// A store that is filled and asked.
struct Run {
    what: &'static str,
    clusters: u64,
    interval_seconds: i64,
    cycles_per_flush: i64,
    limit_bytes: u64,
}

impl Run {
    async fn measure(&self, folder: &Path) -> Outcome<()> {
        let retention = Retention {
            bytes: self.limit_bytes,
            ..Retention::default()
        };
        let path = folder.join(format!("{}.redb", self.clusters));
        let options = FileStoreOptions::new(path)
            .queued_samples_max(100_000_000)
            .retention(retention);
        let (store, writer) = FileStore::open(options)?;
        self.fill(&store, &writer).await?;
        queries(&store).await
    }

    /// Writes thirty days that end now.
    async fn fill(&self, store: &FileStore, writer: &FileStoreWriter) -> Outcome<()> {
        let mut fleet = Fleet::new(self.clusters);
        let begin = Timestamp::now().as_second() - DAYS * DAY_SECONDS;
        let cycles = DAYS * DAY_SECONDS / self.interval_seconds;
        let (mut samples, mut most) = (0, 0.0_f64);
        let (mut flushing, mut slowest) = (Duration::ZERO, Duration::ZERO);
        for cycle in 0..cycles {
            let second = begin + cycle * self.interval_seconds;
            for batch in fleet.cycle(second) {
                samples += batch.samples.len() as u64;
                store.append(&batch);
            }
            if (cycle + 1) % self.cycles_per_flush == 0 {
                let start = Instant::now();
                writer.flush_at(Timestamp::from_second(second)?).await?;
                flushing += start.elapsed();
                slowest = slowest.max(start.elapsed());
                most = most.max(allocated(store));
            }
        }
        say(&format!(
            "{}: {samples} samples, {:.2} us for each, the slowest flush {:.0} ms",
            self.what,
            flushing.as_secs_f64() * 1e6 / samples as f64,
            slowest.as_secs_f64() * 1e3,
        ));
        self.report(store, samples, most);
        Ok(())
    }

    fn report(&self, store: &FileStore, samples: u64, most: f64) {
        say(&format!(
            "  {DAYS} days, {:.1} MiB allocated, at most {:.1}, limit {:.0}; {:.3} bytes for each sample",
            mebi(allocated(store)),
            mebi(most),
            mebi(self.limit_bytes as f64),
            allocated(store) / samples as f64,
        ));
        let stats = store.stats();
        let used = stats
            .iter()
            .filter(|it| it.name == "etcd_monitor_history_file_used_bytes");
        for used in used {
            let by = &used.labels[0].1;
            say(&format!("  in use by {by}: {:.2} MiB", mebi(used.value)));
        }
    }
}

fn allocated(store: &FileStore) -> f64 {
    stat(&store.stats(), "etcd_monitor_history_file_allocated_bytes")
}

/// Times of what a page asks for.
async fn queries(store: &FileStore) -> Outcome<()> {
    let now = Timestamp::now();
    for (metric, days, max_points) in [
        ("wal_fsync_p95_seconds", 1, None),
        ("raft_committed_index", 1, None),
        ("requests_per_second", 1, Some(1000)),
        ("requests_per_second", 30, Some(1000)),
        ("requests_per_second", 30, None),
    ] {
        let query = HistoryQuery {
            selector: SeriesSelector {
                member: Some(MemberId(2)),
                ..SeriesSelector::metric(ClusterName::new("c0"), metric)
            },
            start: now - jiff::SignedDuration::from_hours(24 * days),
            end: now,
            max_points,
        };
        let mut times = Vec::new();
        let mut points = 0;
        for _ in 0..50 {
            let start = Instant::now();
            points = ask(store, &query).await?;
            times.push(start.elapsed());
        }
        times.sort_unstable();
        say(&format!(
            "query of {metric}, {days} days, at most {max_points:?} points: {points} points, median {:.2} ms, least {:.2} ms, most {:.2} ms",
            times[25].as_secs_f64() * 1e3,
            times[0].as_secs_f64() * 1e3,
            times[49].as_secs_f64() * 1e3,
        ));
    }
    Ok(())
}

async fn ask(store: &FileStore, query: &HistoryQuery) -> Outcome<usize> {
    let mut count = 0;
    for mut series in store.query(query).await? {
        while let Some(points) = series.points.next().await {
            count += points?.len();
        }
    }
    Ok(count)
}

fn stat(stats: &[Stat], name: &str) -> f64 {
    let found = stats.iter().find(|it| it.name == name);
    found.map_or(f64::NAN, |it| it.value)
}

fn mebi(bytes: f64) -> f64 {
    bytes / f64::from(1 << 20)
}

/// Resident memory of this process.
fn resident_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|it| it.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kibibytes.map_or(f64::NAN, |it| it * 1024.0)
}

#[expect(clippy::print_stdout, reason = "the result is what a bench is for")]
fn say(line: &str) {
    println!("{line}");
}
