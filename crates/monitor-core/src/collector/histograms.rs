//! The histograms of a page whose observations are kept, and what came between two readings of one.

use etcd_monitor_client::histogram::Buckets;
use etcd_monitor_model::{Durations, HistogramReading, MetricsPage};

/// A histogram of a member; its number is its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Histogram {
    WalFsync,
    BackendCommit,
    Snapshot,
    Defrag,
    ServerReads,
    ServerWrites,
    GrpcReads,
    GrpcWrites,
    WatchSend,
}

/// How many histograms there are.
pub(super) const HISTOGRAMS: usize = 9;

/// Buckets of one that are kept: a page keeps no more.
pub(super) const BUCKETS_MAX: usize = 64;

impl Histogram {
    /// Where it stands among the histograms.
    pub(super) fn place(self) -> usize {
        usize::from(self as u8)
    }
}

/// The histograms as a page has them, each at its place.
pub(super) fn read(page: &MetricsPage) -> [Option<&HistogramReading>; HISTOGRAMS] {
    let (disk, requests) = (&page.disk, &page.requests);
    [
        &disk.wal_fsync,
        &disk.backend_commit,
        &disk.snapshot,
        &disk.defrag,
        &requests.reads,
        &requests.writes,
        &requests.grpc_reads,
        &requests.grpc_writes,
        &page.store.watch_send,
    ]
    .map(Option::as_ref)
}

/// The buckets of a reading, if it is a histogram.
pub(super) fn buckets(reading: &HistogramReading) -> Option<Buckets> {
    let fits = reading.buckets.len() <= BUCKETS_MAX;
    fits.then(|| Buckets::new(reading.buckets.clone()))?
}

/// Quantiles of what was observed.
pub(super) fn durations(observed: &Buckets) -> Durations {
    let mut durations = Durations::default();
    durations.count = whole(observed.count());
    durations.p50_seconds = observed.quantile(0.5);
    durations.p95_seconds = observed.quantile(0.95);
    durations.p99_seconds = observed.quantile(0.99);
    let mut finite = observed.as_slice().iter().rev().skip(1);
    let end = finite.next().map(|(bound, _)| *bound);
    durations.saturated_at_seconds = end.filter(|_| durations.p99_seconds == end);
    durations
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and a count is not negative"
)]
fn whole(count: f64) -> u64 {
    count as u64
}
