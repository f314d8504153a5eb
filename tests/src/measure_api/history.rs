//! A day of samples, as a daemon would have kept them.

use std::path::Path;
use std::time::Duration;

use etcd_monitor_history::{FileStore, FileStoreOptions};
use etcd_monitor_model::{ClusterName, HistoryStore, MemberId, Sample, SampleBatch, SampledMember};
use jiff::Timestamp;

const METRIC: &str = "wal_fsync_p99_seconds";

const METRICS: [&str; 4] = [
    METRIC,
    "backend_commit_p99_seconds",
    "database_allocated_bytes",
    "requests_per_second",
];

const DAY_SECONDS: i64 = 86_400;

const INTERVAL_SECONDS: i64 = 10;

/// The route of one metric of all members over the last day, with as many points as it says by default.
pub(super) fn path_of_a_day(cluster: &str) -> String {
    let end = Timestamp::now().as_second();
    let start = end - DAY_SECONDS;
    format!("/api/v1/metrics/history?cluster={cluster}&metric={METRIC}&start={start}&end={end}")
}

/// Writes a day that ends now, of a cluster of three members with the ids 1 to 3, into a history file.
pub async fn seed(file: &Path, cluster: &str) -> anyhow::Result<()> {
    let options = FileStoreOptions::new(file).queued_samples_max(10_000_000);
    let (store, writer) = FileStore::open(options.flush_interval(Duration::from_hours(1)))?;
    let begin = Timestamp::now().as_second() - DAY_SECONDS;
    for cycle in 0..DAY_SECONDS / INTERVAL_SECONDS {
        let at = Timestamp::from_second(begin + cycle * INTERVAL_SECONDS)?;
        for member in 1..=3 {
            store.append(&batch(cluster, member, cycle, at));
        }
        if cycle % 360 == 359 {
            writer.flush_at(at).await?;
        }
    }
    writer.flush().await?;
    Ok(())
}

fn batch(cluster: &str, member: u64, cycle: i64, at: Timestamp) -> SampleBatch {
    // Neither constant nor random: what is measured wanders.
    let phase = (cycle as f64 / 90.0 + member as f64).sin();
    let samples = METRICS.iter().zip(1..).map(|(metric, scale)| Sample {
        metric: (*metric).into(),
        peer: None,
        value: f64::from(scale) * (2.0 + phase) * (1.0 + 0.01 * (cycle % 7) as f64),
    });
    let member = SampledMember {
        id: MemberId(member),
        name: format!("fake-{member}"),
    };
    SampleBatch {
        cluster: ClusterName::new(cluster),
        member: Some(member),
        at,
        samples: samples.collect(),
    }
}
