//! Batches to send, and what is counted of them.

use std::sync::Arc;
use std::time::Duration;

use etcd_monitor_history::{MemoryRing, RemoteWrite, RemoteWriteOptions};
use etcd_monitor_model::{
    ClusterName, HistoryError, HistoryQuery, HistoryStore, MemberId, Point, Sample, SampleBatch,
    SampledMember, SeriesKey, SeriesPoints, SeriesSelector, StatSource,
};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const LIMIT: Duration = Duration::from_mins(1);

pub(crate) fn cluster() -> ClusterName {
    ClusterName::new("prod \"eu\\1\" {a=\"b\"}")
}

/// A batch of one member: three series, one of them of a link.
pub(crate) fn batch(member: u64, at: Timestamp, value: f64) -> SampleBatch {
    let sample = |metric: &'static str, peer: Option<u64>, value: f64| Sample {
        metric: metric.into(),
        peer: peer.map(MemberId),
        value,
    };
    SampleBatch {
        cluster: cluster(),
        member: Some(SampledMember {
            id: MemberId(member),
            name: format!("m{member}"),
        }),
        at,
        samples: vec![
            sample("database_allocated_bytes", None, value),
            sample("apply_lag_entries", None, -1.0 - value / 8.0),
            sample("round_trip_seconds", Some(0xff), value / 1024.0),
        ],
    }
}

/// So many batches of each of 3 members, a second apart, the last of them now.
pub(crate) fn batches(count: i64) -> Vec<SampleBatch> {
    let end = Timestamp::now().as_millisecond();
    let times = (0..count).map(|number| (number, end - (count - 1 - number) * 1000));
    times
        .flat_map(|(number, at)| {
            let at = Timestamp::from_millisecond(at).unwrap();
            (1..=3).map(move |member| batch(member, at, (number * member.cast_signed()) as f64))
        })
        .collect()
}

/// A ring with the same samples: what is read back must be what it answers.
pub(crate) fn ring(batches: &[SampleBatch]) -> MemoryRing {
    let ring = MemoryRing::new();
    for batch in batches {
        ring.append(batch);
    }
    ring
}

pub(crate) fn all_of(batches: &[SampleBatch], max_points: Option<u32>) -> HistoryQuery {
    let at = |batch: Option<&SampleBatch>| batch.unwrap().at;
    HistoryQuery {
        selector: SeriesSelector::cluster(cluster()),
        start: at(batches.first()),
        end: Timestamp::from_millisecond(at(batches.last()).as_millisecond() + 1).unwrap(),
        max_points,
    }
}

pub(crate) async fn points(
    found: Result<Vec<SeriesPoints>, HistoryError>,
) -> Vec<(SeriesKey, Vec<Point>)> {
    let mut all = Vec::new();
    for series in found.unwrap() {
        let points: Vec<Vec<Point>> = series.points.try_collect().await.unwrap();
        all.push((series.key, points.concat()));
    }
    all
}

/// Options that make a test quick.
pub(crate) fn quick(url: String, folder: &std::path::Path) -> RemoteWriteOptions {
    let mut options = RemoteWriteOptions::new(url, folder.join("queue"));
    options.flush_interval = Duration::from_millis(20);
    options.requests_per_second_max = 1000;
    options.backoff_min = Duration::from_millis(20);
    options.backoff_max = Duration::from_millis(100);
    options
}

/// A writer that runs.
pub(crate) struct Running {
    pub(crate) write: Arc<RemoteWrite>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) fn start(options: RemoteWriteOptions) -> Self {
        // The first test to come installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let write = Arc::new(RemoteWrite::open(options).unwrap());
        let stop = CancellationToken::new();
        let (running, stopped) = (Arc::clone(&write), stop.clone());
        let task = tokio::spawn(async move { running.run(stopped).await });
        Self { write, stop, task }
    }

    pub(crate) fn append(&self, batches: &[SampleBatch]) {
        for batch in batches {
            self.write.append(batch);
        }
    }

    /// Stops it in its order.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// Ends it as a kill does: nothing is put in order.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }

    pub(crate) fn stat(&self, name: &str) -> u64 {
        stat(&self.write, name)
    }
}

/// The sum of a number over its labels; `reason` or `outcome` may follow the name, after a space.
pub(crate) fn stat(write: &RemoteWrite, name: &str) -> u64 {
    let (name, label) = name.split_once(' ').unwrap_or((name, ""));
    let name = format!("etcd_monitor_remote_write_{name}");
    let stats = write.stats();
    assert!(stats.iter().any(|it| it.name == name), "no {name}");
    let fits = stats.iter().filter(|it| {
        it.name == name && (label.is_empty() || it.labels.iter().any(|(_, value)| value == label))
    });
    let sum: f64 = fits.map(|it| it.value).sum();
    format!("{sum:.0}").parse().unwrap()
}
